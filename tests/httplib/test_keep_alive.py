"""Several requests on one connection, and responses that were not read to their end."""

from __future__ import annotations

import gc
import http.client
import select
import socket

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib

BODY = b"0123456789" * 20
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"a\r\n0123456789\r\n" * 20 + b"0\r\n\r\n"
KINDS = {"length": LENGTH, "chunked": CHUNKED}


def serving(*responses: bytes):
    """A script that sends the responses in turn, on whichever connection, the last of them again and again."""
    left = list(responses)

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.send(left.pop(0) if len(left) > 1 else left[0])

    return script


def numbered(wire: Wire) -> None:
    """Answers each request with its own target, in a long body."""
    for head in wire.read_heads():
        wire.respond(head.split(b" ")[1] + b"x" * 1000)


def get(connection: http.client.HTTPConnection, target: str = "/", method: str = "GET"):
    connection.request(method, target)
    return connection.getresponse()


@pytest.mark.parametrize("kind", KINDS)
def test_requests_follow_each_other_on_one_connection(kind):
    with ScriptedPeer(serving(KINDS[kind])) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        for _ in range(5):
            assert get(connection).read() == BODY
        connection.close()
    assert peer.connections == 1


@pytest.mark.parametrize(
    ("method", "raw"),
    [
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ("GET", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ("GET", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nbody"),
        ("GET", b"HTTP/1.0 200 OK\r\nProxy-Connection: Keep-Alive\r\nContent-Length: 4\r\n\r\nbody"),
        ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"),
    ],
)
def test_responses_that_keep_the_connection(method, raw):
    with ScriptedPeer(serving(raw)) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        for _ in range(3):
            response = get(connection, method=method)
            assert not response.will_close
            response.read()
        connection.close()
    assert peer.connections == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ],
)
def test_responses_that_end_the_connection(raw):
    with ScriptedPeer(serving(raw)) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        for _ in range(3):
            response = get(connection)
            assert (response.will_close, connection.sock) == (True, None)
            assert response.read() == b"body"
        connection.close()
    assert peer.connections == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leave", ["closed", "dropped"])
@pytest.mark.parametrize("read", [0, 1, 10, 150])
def test_a_response_left_half_read_costs_the_connection_and_not_the_next_response(kind, leave, read):
    with ScriptedPeer(serving(KINDS[kind], b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        response = get(connection)
        assert response.read(read) == BODY[:read]
        if leave == "closed":
            response.close()
        else:
            gc.disable()
            del response
            gc.enable()
        assert get(connection).read() == b"next"
        connection.close()
    assert peer.connections == 2


def test_a_body_read_to_its_last_byte_in_pieces_keeps_the_connection():
    with ScriptedPeer(serving(LENGTH)) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        for _ in range(3):
            response = get(connection)
            assert response.read(len(BODY)) == BODY
            assert response.isclosed()
        connection.close()
    assert peer.connections == 1


def test_each_request_gets_its_own_response_whatever_is_read_of_it():
    with ScriptedPeer(numbered) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        for number in range(20):
            response = get(connection, f"/{number:03}")
            assert response.read(4) == b"/%03d" % number
            if number % 3 == 0:
                assert response.read() == b"x" * 1000
            elif number % 3 == 1:
                response.close()
            del response
        connection.close()


def test_what_comes_behind_a_response_unasked_is_no_response_to_the_next_request():
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    with ScriptedPeer(serving(LENGTH + poison, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext")) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        assert get(connection).read() == BODY
        assert get(connection).read() == b"next"
        connection.close()
    assert peer.connections == 2


def test_responses_to_requests_that_were_sent_ahead_are_all_read():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(LENGTH[:-1])
        wire.read_head()
        wire.send(LENGTH[-1:] + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        first = get(connection)
        connection.request("GET", "/ahead")
        assert first.read() == BODY
        assert connection.getresponse().read() == b"second"
        connection.close()


@pytest.mark.parametrize("kind", [*KINDS, "to the end"])
def test_a_response_that_ends_the_connection_reads_on_after_it_was_closed(kind):
    head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
    bodies = {
        "length": head + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
        "chunked": head + b"Transfer-Encoding: chunked\r\n\r\n" + b"a\r\n0123456789\r\n" * 20 + b"0\r\n\r\n",
        "to the end": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
    }

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(bodies[kind])

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        response = get(connection)
        connection.close()
        del connection
        assert response.read() == BODY


def test_closing_a_connection_that_goes_on_closes_its_response():
    with ScriptedPeer(serving(LENGTH)) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        response = get(connection)
        connection.close()
        assert response.isclosed()
        assert response.read() == b""


@pytest.mark.parametrize("kind", KINDS)
def test_a_response_reads_on_when_the_caller_has_closed_the_socket_itself(kind):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(KINDS[kind])
        assert wire.read_to_end() == b""

    with ScriptedPeer([script, script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        response = get(connection)
        sock = connection.sock
        connection.sock.close()  # as urllib.request does
        connection.sock = None
        assert response.read() == BODY
        # The response was its last user, though the connection is still there.
        assert sock.fileno() == -1
        assert get(connection).read() == BODY
        connection.close()


def test_an_owner_hears_once_whether_the_connection_goes_on():
    heard = []
    poison = LENGTH + b"HTTP/1.1 200 OK\r\n"
    with ScriptedPeer(serving(LENGTH, CHUNKED, LENGTH, LENGTH, poison, LENGTH)) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        for leave in ("read", "read", "closed", "read", "read", "socket closed"):
            response = get(connection)
            response._release = lambda over, goes_on: heard.append((over.isclosed(), goes_on))
            if leave == "socket closed":
                connection.sock.close()
            if leave != "closed":
                assert response.read() == BODY
            response.close()
        connection.close()
    # Half-read, with surplus behind it, and with a socket that is closed it does not go on.
    assert heard == [(True, goes_on) for goes_on in (True, True, False, True, False, False)]


def test_a_socket_that_somebody_else_has_closed_is_not_used_again():
    with ScriptedPeer(serving(LENGTH)) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        assert get(connection).read() == BODY
        connection.sock.close()
        assert get(connection).read() == BODY
        connection.close()
    assert peer.connections == 2


def test_a_socket_put_in_from_outside_is_not_closed_for_the_one_before():
    with ScriptedPeer(serving(LENGTH)) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        get(connection).close()
        connection.sock.close()
        connection.sock = mine = socket.create_connection(peer.address)
        assert get(connection).read() == BODY
        assert connection.sock is mine
        connection.close()


def test_a_connection_that_the_peer_closed_meanwhile_is_opened_again():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(LENGTH)

    with ScriptedPeer([script, script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        assert get(connection).read() == BODY
        select.select([connection.sock], [], [], 5)
        assert get(connection).read() == BODY
        connection.close()
