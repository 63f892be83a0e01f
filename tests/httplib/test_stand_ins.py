"""Stand-ins for sockets and classes of responses that other programs bring along, and what they change from outside."""

from __future__ import annotations

import functools
import gzip
import http.client
import io
import socket

import pytest
from support.peer import ScriptedPeer, Wire
from support.responses import Stand, responding

from coda_network import httplib

RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"


def serve(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.send(RESPONSE)


def over(stand: Stand) -> httplib.HTTPConnection:
    connection = httplib.HTTPConnection("host")
    connection.sock = stand
    return connection


def test_a_stand_in_needs_to_make_files_take_bytes_and_be_closed_and_no_more():
    stand = Stand(RESPONSE)
    connection = over(stand)
    connection.request("POST", "/", b"sent")
    assert stand.sent.endswith(b"\r\n\r\nsent")
    response = connection.getresponse()
    assert response.read() == b"body"
    assert not stand.closed
    connection.close()
    assert stand.closed


def test_a_stand_in_can_come_from_the_function_that_connects():
    stand = Stand(RESPONSE)
    connection = httplib.HTTPConnection("host", 81, timeout=3)
    asked = []
    connection._create_connection = lambda *arguments: asked.append(arguments) or stand
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"body"
    assert asked == [(("host", 81), 3, None)]


def test_a_response_over_a_stand_in_that_ends_the_connection_closes_it():
    stand = Stand(b"HTTP/1.1 200 OK\r\n\r\nto the end")
    connection = over(stand)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert stand.closed
    assert connection.sock is None
    assert response.read() == b"to the end"


def test_a_tunnel_can_be_opened_over_a_stand_in():
    stand = Stand(b"HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 200 OK\r\nVia: x\r\n\r\n")
    connection = httplib.HTTPConnection("proxy")
    connection._create_connection = lambda *arguments: stand
    connection.set_tunnel("site.example", 81)
    connection.connect()
    assert stand.sent == b"CONNECT site.example:81 HTTP/1.1\r\nHost: site.example:81\r\n\r\n"
    assert connection.sock is stand
    assert connection.get_proxy_response_headers()["Via"] == "x"


def test_a_tunnel_refused_over_a_stand_in_has_its_response():
    stands = [Stand(b"HTTP/1.1 403 No\r\nContent-Length: 5\r\n\r\nnever") for _ in range(2)]
    left = list(stands)
    connection = httplib.HTTPConnection("proxy")
    connection._create_connection = lambda *arguments: left.pop(0)
    connection.set_tunnel("site.example", 81)
    for stand in stands:
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.tunnel, response.read()) == (403, True, b"never")
        connection.close()
        assert stand.closed


class Foreign(http.client.HTTPResponse):
    """A class of responses made from that of http.client."""


class Heir(httplib.HTTPResponse):
    """A class of responses made from ours."""

    def begin(self) -> None:
        super().begin()
        self.begun = True


@pytest.mark.parametrize("response_class", [Foreign, Heir, functools.partial(Heir, url="http://host/")])
def test_the_class_of_responses_can_be_replaced(response_class):
    with ScriptedPeer(serve) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.response_class = response_class
        for _ in range(3):
            connection.request("GET", "/")
            response = connection.getresponse()
            assert isinstance(response, getattr(response_class, "func", response_class))
            assert response.read() == b"body"
            assert response.isclosed()
        connection.close()
    assert peer.connections == 1


def test_what_stands_in_for_a_response_gets_what_http_client_gives():
    calls = []

    class Recorder(httplib.HTTPResponse):
        def __init__(self, *arguments: object, **options: object) -> None:
            calls.append((arguments[1:], options))
            super().__init__(*arguments, **options)

    stand = Stand(RESPONSE)
    connection = over(stand)
    connection.response_class = Recorder
    connection.request("PUT", "/")
    connection.getresponse().read()
    assert calls == [((), {"method": "PUT"})]


def test_the_file_of_a_response_can_be_replaced_by_one_that_unpacks_it():
    packed = gzip.compress(b"unpacked" * 100)
    data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.send(data)

    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        for _ in range(2):
            connection.request("GET", "/")
            response = connection.getresponse()
            # As yt-dlp and ansible do.
            response.fp = gzip.GzipFile(fileobj=io.BytesIO(response.fp.read(len(packed))))
            response.length = None
            assert response.read() == b"unpacked" * 100
            assert response.isclosed()
        connection.close()
    # What was read past our own reader is not known, so its connection is not used again.
    assert peer.connections == 2


def test_a_length_that_is_set_to_none_reads_to_the_end_of_the_connection():
    with responding(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody and more") as connection:
        response = connection.getresponse()
        response.length = None
        assert response.read() == b"body and more"
        connection.putrequest("GET", "/")
        assert connection.sock is None


def test_the_way_a_response_parts_from_its_connection_can_be_replaced():
    with responding(RESPONSE, stay=True) as connection:
        response = connection.getresponse()
        parted = []
        inherited = response._close_conn
        response._close_conn = lambda: parted.append(True) or inherited()
        assert response.read() == b"body"
        assert parted == [True]
        assert response.isclosed()


def test_a_file_that_was_closed_from_outside_is_the_end_of_its_connection():
    with ScriptedPeer(serve) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.request("GET", "/")
        response = connection.getresponse()
        response.fp.close()
        response.close()
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"body"
        connection.close()
    assert peer.connections == 2


def test_a_socket_can_be_put_in_from_outside():
    ours, theirs = socket.socketpair()
    connection = httplib.HTTPConnection("host")
    connection.sock = ours
    for _ in range(2):
        connection.request("GET", "/")
        assert theirs.recv(1000).startswith(b"GET / HTTP/1.1\r\nHost: host\r\n")
        theirs.sendall(RESPONSE)
        assert connection.getresponse().read() == b"body"
    connection.close()
    theirs.close()


def test_a_connection_takes_its_version_of_http_from_its_attributes():
    stand = Stand(RESPONSE)
    connection = over(stand)
    connection._http_vsn, connection._http_vsn_str = 10, "HTTP/1.0"
    connection.request("GET", "/")
    assert stand.sent == b"GET / HTTP/1.0\r\n\r\n"


def test_a_list_that_stands_in_for_the_buffer_sees_each_header_line():
    class Lines(list):
        seen: list[bytes] = []

        def append(self, line: bytes) -> None:
            self.seen.append(line)
            super().append(line)

    connection = over(Stand(RESPONSE))
    connection._buffer = Lines()
    connection.request("GET", "/", headers={"A": "1", "B": "2"})
    assert Lines.seen == [b"GET / HTTP/1.1", b"Host: host", b"Accept-Encoding: identity", b"A: 1", b"B: 2"]


@pytest.mark.parametrize("wrap", [lambda function: function, functools.wraps(socket.SocketIO.readinto)])
def test_a_readinto_on_the_class_of_a_sockets_files_sees_each_read(monkeypatch: pytest.MonkeyPatch, wrap) -> None:
    asked = []
    theirs = socket.SocketIO.readinto

    @wrap
    def readinto(self: socket.SocketIO, buffer: memoryview) -> int | None:
        if len(asked) == 2:
            raise TimeoutError
        asked.append(self)
        return theirs(self, buffer)

    with ScriptedPeer(serve) as peer:
        monkeypatch.setattr(socket.SocketIO, "readinto", readinto)
        connection = httplib.HTTPConnection(*peer.address)
        for _ in range(2):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"body"
        connection.request("GET", "/")
        with pytest.raises(TimeoutError):
            connection.getresponse()
        assert len(asked) == 2
        connection.close()
