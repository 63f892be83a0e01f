"""``timeout=Timeout(...)`` of a connection: each phase against its own limit, the others being far away."""

from __future__ import annotations

import contextlib
import http.client
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.certs import Authority
from support.peer import ScriptedPeer, Wire

from coda_network import Timeout, httplib, patched

SHORT = 0.25


@contextlib.contextmanager
def ends_in_time() -> Iterator[None]:
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        yield
    assert SHORT * 0.9 <= time.monotonic() - begin < SHORT + 15


def only(limit: str) -> Timeout:
    return Timeout(**{**dict.fromkeys(("connect", "read", "total"), 30), limit: SHORT})


def silence(wire: Wire) -> None:
    wire.read_to_end()


def silent_after_head(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
    wire.read_to_end()


def dripping_head(wire: Wire) -> None:
    wire.read_head()
    wire.send_slowly(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 3000, pause=0.01)


def dripping_body(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    wire.send_slowly(b"x" * 3000, pause=0.01)


def fetch(connection: http.client.HTTPConnection) -> bytes:
    with contextlib.closing(connection):
        connection.request("GET", "/")
        with connection.getresponse() as response:
            return response.read()


@pytest.mark.parametrize("limit", ["connect", "total"])
@pytest.mark.parametrize("kind", [httplib.HTTPConnection, httplib.HTTPSConnection])
def test_an_address_that_does_not_accept(black_hole: tuple[str, int], kind: Any, limit: str) -> None:
    with ends_in_time():
        fetch(kind(*black_hole, timeout=only(limit)))


@pytest.mark.parametrize("limit", ["connect", "total"])
def test_tls_that_is_not_answered(limit: str) -> None:
    with ScriptedPeer(silence) as peer, ends_in_time():
        fetch(httplib.HTTPSConnection(*peer.address, timeout=only(limit)))


@pytest.mark.parametrize("limit", ["connect", "total"])
@pytest.mark.parametrize("script", [silence, dripping_head])
def test_a_proxy_that_does_not_open_the_tunnel(script: Callable[[Wire], None], limit: str) -> None:
    with ScriptedPeer(script) as proxy:
        connection = httplib.HTTPSConnection(*proxy.address, timeout=only(limit))
        connection.set_tunnel("far.example", 443)
        with ends_in_time():
            fetch(connection)


STALLS = [
    (silence, "read"),
    (silence, "total"),
    (silent_after_head, "read"),
    (silent_after_head, "total"),
    (dripping_head, "total"),
    (dripping_body, "total"),
]


@pytest.mark.parametrize(("script", "limit"), STALLS)
@pytest.mark.parametrize("way", ["http", "https", "tunnel"])
def test_a_response_that_does_not_come(script: Callable[[Wire], None], limit: str, way: str, ca: Authority) -> None:
    def behind_a_tunnel(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "200 Open")
        wire.start_tls(ca.server_context())
        script(wire)

    tls = ca.server_context() if way == "https" else None
    with ScriptedPeer(behind_a_tunnel if way == "tunnel" else script, tls=tls) as peer:
        if way == "http":
            connection = httplib.HTTPConnection(*peer.address, timeout=only(limit))
        else:
            connection = httplib.HTTPSConnection(*peer.address, timeout=only(limit), context=ca.client_context())
        if way == "tunnel":
            connection.set_tunnel("localhost", 443)
        with ends_in_time():
            fetch(connection)


def test_a_drip_is_no_matter_for_read() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send_slowly(b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b"x" * 20, pause=0.02)

    with ScriptedPeer(script) as peer:
        assert fetch(httplib.HTTPConnection(*peer.address, timeout=only("read"))) == b"x" * 20


def test_the_limit_for_connecting_ends_with_it() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        time.sleep(2 * SHORT)
        wire.respond(b"late")

    with ScriptedPeer(script) as peer:
        assert fetch(httplib.HTTPConnection(*peer.address, timeout=only("connect"))) == b"late"


def test_a_tunnel_that_is_refused_late_can_be_read_to_its_end() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\n")
        time.sleep(2 * SHORT)
        wire.send(b"page")

    with ScriptedPeer(script) as proxy:
        connection = httplib.HTTPSConnection(*proxy.address, timeout=only("connect"))
        connection.set_tunnel("far.example", 443)
        assert fetch(connection) == b"page"


@pytest.mark.parametrize("explicit", [True, False])
def test_each_request_on_a_connection_has_a_clock_of_its_own(explicit: bool) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"ok")

    with ScriptedPeer(script) as peer:
        with contextlib.closing(httplib.HTTPConnection(*peer.address, timeout=only("total"))) as connection:
            if explicit:
                connection.connect()
            for _ in range(2):
                time.sleep(1.2 * SHORT if explicit or connection.sock else 0)
                connection.request("GET", "/")
                assert connection.getresponse().read() == b"ok"
    assert peer.connections == 1


def test_under_the_patch_it_is_the_same() -> None:
    with ScriptedPeer(dripping_body) as peer, patched(), ends_in_time():
        fetch(http.client.HTTPConnection(*peer.address, timeout=only("total")))


def test_a_plain_timeout_makes_a_plain_socket() -> None:
    with ScriptedPeer(silence) as peer:
        with contextlib.closing(httplib.HTTPConnection(*peer.address, timeout=5.0)) as connection:
            connection.connect()
            assert type(connection.sock) is socket.socket
