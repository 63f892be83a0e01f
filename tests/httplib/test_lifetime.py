"""Answers, connections and sockets die with their last name: there is no reference cycle, and nothing stays open."""

from __future__ import annotations

import gc
import socket
import ssl
import weakref
from collections.abc import Iterator

import pytest
from support.certs import Authority
from support.peer import ScriptedPeer, Wire

from coda_network import httplib

REFUSAL = b"HTTP/1.1 407 Login\r\nContent-Length: 5\r\n\r\nlogin"


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """Reference counting alone has to do it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def serve(response: bytes, ends: list[int]):
    """A script that responds to every request and notes the end of the connection."""

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.send(response)
        ends.append(wire.number)

    return script


RESPONSES = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "close": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody",
    "empty": b"HTTP/1.1 204 No Content\r\n\r\n",
}
READS = {
    "read": lambda response: response.read(),
    "in part": lambda response: response.read(1),
    "not": lambda response: None,
    "looked at": lambda response: (response.headers, response.msg, response.getheaders()),
    "closed": lambda response: response.close(),
    "lines": lambda response: list(response),
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("kind", RESPONSES)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_response_dies_with_its_last_name(kind, read, tls, ca: Authority, client_context):
    ends: list[int] = []
    with ScriptedPeer(serve(RESPONSES[kind], ends), tls=ca.server_context() if tls else None) as peer:
        connection = (
            httplib.HTTPSConnection(*peer.address, context=client_context)
            if tls
            else httplib.HTTPConnection(*peer.address)
        )
        connection.request("GET", "/")
        response = connection.getresponse()
        READS[read](response)
        gone = weakref.ref(response)
        del response
        assert gone() is None
        connection.close()
        dead = weakref.ref(connection)
        del connection
        assert dead() is None
    assert ends == [1]


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("status", [200, 407])
def test_a_response_through_a_tunnel_or_to_it_dies_with_its_last_name(status, read):
    def script(wire: Wire) -> None:
        wire.read_head()
        if status == 200:
            wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
            wire.read_head()
            wire.send(RESPONSES["length"])
        else:
            wire.send(REFUSAL)
        assert wire.read_to_end() == b""

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.set_tunnel("site.example", 80)
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.tunnel is (status == 407)
        READS[read](response)
        gone = weakref.ref(response)
        del response
        assert gone() is None
        if status == 200:
            connection.close()
        dead = weakref.ref(connection)
        del connection
        assert dead() is None


@pytest.mark.parametrize("fields", [b"", b"Connection: close\r\n"])
@pytest.mark.parametrize("read", [True, False])
def test_a_refused_tunnel_dropped_without_close_leaves_nothing_open(fields, read):
    ends: list[int] = []
    kind = REFUSAL.replace(b"\r\n\r\n", b"\r\n" + fields + b"\r\n", 1)

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(kind)
        assert wire.read_to_end() == b""
        ends.append(wire.number)

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.set_tunnel("site.example", 80)
        with pytest.raises(httplib.TunnelError) as refused:
            connection.connect()
        response = refused.value.response
        if read:
            assert response.read() == b"login"
        gone, dead = weakref.ref(response), weakref.ref(connection)
        del response, connection, refused
        assert gone() is None
        assert dead() is None
    assert ends == [1]


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 O", b"no HTTP\r\n\r\n", b"HTTP/1.1 200 OK\r\nA\0: 1\r\n\r\n"])
@pytest.mark.parametrize("tunnel", [False, True])
def test_a_response_that_is_none_leaves_nothing_open_once_the_connection_is_closed(response, tunnel):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(response)

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        if tunnel:
            connection.set_tunnel("site.example", 80)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (httplib.HTTPException, OSError):
            connection.close()
        dead = weakref.ref(connection)
        del connection
        assert dead() is None


@pytest.mark.parametrize("tunnel", [False, True])
@pytest.mark.parametrize("failure", ["trust", "no TLS", "silence", "name"])
def test_a_handshake_that_fails_leaves_no_socket_open(failure, tunnel, ca: Authority, client_context):
    ends: list[int] = []

    def script(wire: Wire) -> None:
        if tunnel:
            wire.read_head()
            wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        if failure == "trust":
            try:
                wire.start_tls(ca.server_context())
            except OSError:
                pass
        elif failure == "no TLS":
            wire.send(b"220 this is no TLS\r\n")
        if failure != "silence":
            try:
                while wire.sock.recv(4096):
                    pass
            except OSError:
                pass
        ends.append(wire.number)

    context = ssl.create_default_context() if failure == "trust" else client_context
    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPSConnection(*peer.address, context=context, timeout=5)
        if tunnel:
            connection.set_tunnel("localhost", 443)
            if failure == "name":
                connection._tunnel_host = ".no.name"
        elif failure == "name":
            connection._create_connection = lambda address, *rest: socket.create_connection(peer.address)
            connection.host = ".no.name"
        with pytest.raises((OSError, ValueError)):
            connection.request("GET", "/")
        assert connection.sock is None
        del connection
    assert ends == [1]


def test_a_connection_that_nobody_responded_on_leaves_no_socket_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    connection = httplib.HTTPConnection("127.0.0.1", port)
    with pytest.raises(ConnectionRefusedError):
        connection.connect()
    assert connection.sock is None
