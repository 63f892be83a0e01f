"""The order in which the methods of a connection may be called, and the errors that name it."""

from __future__ import annotations

import http.client

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib


def serve(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"body")


def test_a_second_request_before_the_response_names_the_state():
    connection = httplib.HTTPConnection("127.0.0.1", 1)
    connection.putrequest("GET", "/")
    with pytest.raises(http.client.CannotSendRequest, match=r"request already started \(Request-started\)"):
        connection.putrequest("GET", "/")


def test_a_second_request_behind_one_that_was_sent_names_the_state():
    with ScriptedPeer(serve) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.request("GET", "/")
        with pytest.raises(http.client.CannotSendRequest, match=r"request already started \(Request-sent\)"):
            connection.request("GET", "/")
        assert connection.getresponse().read() == b"body"
        connection.close()


@pytest.mark.parametrize("call", [lambda c: c.putheader("A", "1"), lambda c: c.endheaders()])
def test_headers_belong_to_a_request(call):
    connection = httplib.HTTPConnection("127.0.0.1", 1)
    with pytest.raises(http.client.CannotSendHeader):
        call(connection)


@pytest.mark.parametrize("call", [lambda c: c.putheader("A", "1"), lambda c: c.endheaders()])
def test_headers_come_before_the_end_of_the_head(call):
    with ScriptedPeer(serve) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.putrequest("GET", "/")
        connection.endheaders()
        with pytest.raises(http.client.CannotSendHeader):
            call(connection)
        connection.close()


def test_there_is_no_response_without_a_request():
    connection = httplib.HTTPConnection("127.0.0.1", 1)
    with pytest.raises(http.client.ResponseNotReady, match="Idle"):
        connection.getresponse()
    connection.putrequest("GET", "/")
    with pytest.raises(http.client.ResponseNotReady, match="Request-started"):
        connection.getresponse()


def test_the_next_response_comes_when_the_one_before_has_been_read():
    with ScriptedPeer(serve) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.request("GET", "/1")
        first = connection.getresponse()
        connection.request("GET", "/2")
        with pytest.raises(http.client.ResponseNotReady, match="has not been read to its end"):
            connection.getresponse()
        assert first.read() == b"body"
        assert connection.getresponse().read() == b"body"
        assert peer.connections == 1
        connection.close()


def test_a_request_sent_behind_a_response_that_is_then_thrown_away_has_no_response():
    with ScriptedPeer(serve) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.request("GET", "/1")
        first = connection.getresponse()
        connection.request("GET", "/2")
        first.close()
        with pytest.raises(http.client.NotConnected, match="half-read"):
            connection.getresponse()
        connection.request("GET", "/3")
        assert connection.getresponse().read() == b"body"
        assert peer.connections == 2
        connection.close()


def test_a_connection_that_was_closed_has_no_response_and_opens_again():
    with ScriptedPeer(serve) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.request("GET", "/")
        connection.close()
        with pytest.raises(http.client.ResponseNotReady, match="Idle"):
            connection.getresponse()
        connection.request("GET", "/")
        connection.sock.close()
        connection.sock = None
        with pytest.raises(http.client.NotConnected):
            connection.getresponse()
        connection.close()
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"body"
        connection.close()


def test_nobody_there_is_the_error_of_the_system():
    with ScriptedPeer([]) as peer:
        port = peer.port
    connection = httplib.HTTPConnection("127.0.0.1", port)
    with pytest.raises(ConnectionRefusedError) as refused:
        connection.request("GET", "/")
    assert refused.value.errno
    assert "refused" in str(refused.value)


def test_headers_of_a_response_that_was_not_begun_are_not_ready():
    class Stand:
        def makefile(self, mode: str) -> object:
            import io

            return io.BytesIO()

    response = httplib.HTTPResponse(Stand())
    assert response.headers is None
    assert response.msg is None
    for look in (response.getheaders, lambda: response.getheader("A")):
        with pytest.raises(http.client.ResponseNotReady):
            look()


def test_a_response_can_be_waited_for_again_after_a_timeout():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.read_exactly(1)
        wire.respond(b"late")

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=0.05)
        connection.request("GET", "/")
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.sock.settimeout(10)
        connection.sock.sendall(b"!")
        assert connection.getresponse().read() == b"late"
        connection.close()
