"""A pooled connection that its server has closed: what is sent again, and what is not."""

from __future__ import annotations

import http.client
import io
import ssl
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from support.certs import Authority
from support.peer import ScriptedPeer, Wire

IDEMPOTENT = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]
NOT_IDEMPOTENT = ["POST", "PATCH", "LOCK"]


class Gate:
    """Lets the test wait for what a script has done."""

    def __init__(self) -> None:
        self.passed = threading.Event()

    def open(self) -> None:
        self.passed.set()

    def wait(self) -> None:
        assert self.passed.wait(10)


def serve(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"ok")


def serve_one(wire: Wire) -> None:
    wire.read_request()
    wire.respond(b"ok")


def serve_one_and_ignore_another(wire: Wire) -> None:
    """Close in the moment in which the client sends its second request."""
    serve_one(wire)
    wire.read_head()


def serve_one_and_reset_another(wire: Wire) -> None:
    serve_one_and_ignore_another(wire)
    wire.reset()


def read(opener: Any, request: Any) -> bytes:
    with opener.open(request, timeout=10) as response:
        return response.read()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_idle_connection_that_was_closed_is_replaced(direct: Any, library: ModuleType, method: str) -> None:
    closed = Gate()

    def script(wire: Wire) -> None:
        serve_one(wire)
        wire.close()
        closed.open()

    with ScriptedPeer([script, serve_one]) as peer:
        read(direct, peer.url)
        closed.wait()
        data = b"x" if method == "POST" else None
        assert read(direct, library.Request(peer.url, data, method=method)) == b"ok"
    assert [head.split()[0].decode() for head in peer.heads] == ["GET", method]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_late_408_is_not_the_response_to_the_next_request(direct: Any, library: ModuleType, method: str) -> None:
    said = Gate()

    def script(wire: Wire) -> None:
        serve_one(wire)
        wire.send(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        said.open()
        wire.read_to_end()

    with ScriptedPeer([script, serve_one]) as peer:
        read(direct, peer.url)
        said.wait()
        assert read(direct, library.Request(peer.url, b"x" if method == "POST" else None)) == b"ok"


@pytest.mark.parametrize("drop", [serve_one_and_ignore_another, serve_one_and_reset_another])
@pytest.mark.parametrize("method", IDEMPOTENT)
def test_an_idempotent_request_is_sent_again(
    direct: Any, library: ModuleType, method: str, drop: Callable[[Wire], None]
) -> None:
    with ScriptedPeer([drop, serve_one]) as peer:
        read(direct, peer.url)
        assert read(direct, library.Request(peer.url, method=method)) == (b"" if method == "HEAD" else b"ok")
    assert [head.split()[0].decode() for head in peer.heads] == ["GET", method, method]


@pytest.mark.parametrize("drop", [serve_one_and_ignore_another, serve_one_and_reset_another])
@pytest.mark.parametrize("method", NOT_IDEMPOTENT)
def test_a_request_that_is_not_idempotent_is_not_sent_again(
    direct: Any, library: ModuleType, method: str, drop: Callable[[Wire], None]
) -> None:
    with ScriptedPeer([drop]) as peer:
        read(direct, peer.url)
        with pytest.raises(ConnectionError):
            direct.open(library.Request(peer.url, b"x", method=method), timeout=10)


def test_a_request_is_sent_again_once_at_most(direct: Any) -> None:
    with ScriptedPeer([serve_one_and_ignore_another, Wire.read_head]) as peer:
        read(direct, peer.url)
        with pytest.raises(http.client.RemoteDisconnected):
            direct.open(peer.url, timeout=10)


def test_a_new_connection_is_not_tried_twice(direct: Any) -> None:
    with ScriptedPeer([Wire.read_head]) as peer:
        with pytest.raises(http.client.RemoteDisconnected):
            direct.open(peer.url, timeout=10)


def pieces() -> Iterator[bytes]:
    yield b"abc"


@pytest.mark.parametrize(
    ("body", "arrives"),
    [(lambda: b"abc", True), (lambda: io.BytesIO(b"abc"), True), (lambda: [b"a", b"bc"], True), (pieces, False)],
    ids=["bytes", "file", "list", "generator"],
)
def test_a_body_is_repeated_where_it_can_be_read_again(
    direct: Any, library: ModuleType, body: Callable[[], Any], arrives: bool
) -> None:
    bodies = []

    def second(wire: Wire) -> None:
        bodies.append(wire.read_request()[1])
        wire.respond(b"ok")

    def first(wire: Wire) -> None:
        serve_one(wire)
        bodies.append(wire.read_request()[1])

    with ScriptedPeer([first, second] if arrives else [first]) as peer:
        read(direct, peer.url)
        request = library.Request(peer.url, body(), {"Content-Length": "3"}, method="PUT")
        if arrives:
            assert read(direct, request) == b"ok"
        else:
            with pytest.raises(http.client.RemoteDisconnected):
                direct.open(request, timeout=10)
    assert bodies == [b"abc"] * (2 if arrives else 1)


def test_a_file_is_sent_again_from_where_it_stood(direct: Any, library: ModuleType) -> None:
    bodies = []

    def first(wire: Wire) -> None:
        serve_one(wire)
        wire.read_request()

    def second(wire: Wire) -> None:
        bodies.append(wire.read_request()[1])
        wire.respond(b"ok")

    file = io.BytesIO(b"skipped abc")
    file.seek(8)
    with ScriptedPeer([first, second]) as peer:
        read(direct, peer.url)
        read(direct, library.Request(peer.url, file, {"Content-Length": "3"}, method="PUT"))
    assert bodies == [b"abc"]


def test_an_idle_tls_connection_that_was_closed_is_replaced(
    library: ModuleType, ca: Authority, client_context: ssl.SSLContext
) -> None:
    closed = Gate()

    def script(wire: Wire) -> None:
        serve_one(wire)
        wire.close()
        closed.open()

    opener = library.build_opener(library.ProxyHandler({}), library.HTTPSHandler(context=client_context))
    with ScriptedPeer([script, serve_one_and_ignore_another, serve_one], tls=ca.server_context()) as peer:
        read(opener, peer.url)
        closed.wait()
        assert read(opener, library.Request(peer.url, b"x")) == b"ok"
        assert read(opener, peer.url) == b"ok"
        opener.close()


def test_on_a_new_connection_what_is_not_http_does_not_repeat_the_request(direct: Any) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"what?\r\n")

    with ScriptedPeer([script]) as peer:
        with pytest.raises(http.client.BadStatusLine, match="what"):
            direct.open(peer.url, timeout=10)


@pytest.mark.parametrize(("method", "connections"), [("GET", 2), ("DELETE", 2), ("POST", 1)])
def test_a_late_body_on_a_kept_connection_repeats_what_is_idempotent(
    library: ModuleType, direct: Any, method: str, connections: int
) -> None:
    def script(wire: Wire) -> None:
        if wire.number == 1:
            serve_one(wire)
            wire.read_head()
            wire.send(b"<html>behind a HEAD</html>\n")
        else:
            serve_one(wire)

    with ScriptedPeer([script] * connections) as peer:
        read(direct, peer.url)
        request = library.Request(peer.url, method=method)
        if connections == 1:
            with pytest.raises(http.client.BadStatusLine):
                direct.open(request, timeout=10)
        else:
            read(direct, request)


def test_a_tunnel_that_was_closed_is_opened_again(
    library: ModuleType, ca: Authority, client_context: ssl.SSLContext
) -> None:
    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(b"CONNECT localhost:443 HTTP/1.1\r\n")
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        wire.start_tls(ca.server_context())
        serve_one(wire)
        if wire.number == 1:
            wire.read_head()

    with ScriptedPeer([script, script]) as peer:
        handlers = library.ProxyHandler({"https": peer.url}), library.HTTPSHandler(context=client_context)
        opener = library.build_opener(*handlers)
        for _ in range(2):
            assert read(opener, "https://localhost/") == b"ok"
        opener.close()
