"""The head of a response as it arrives: interim responses, limits, what is no HTTP, what is framed ambiguously."""

from __future__ import annotations

import http.client

import pytest
from support.responses import DELIVERIES, parsed, responding

from coda_network import httplib

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"
SURPLUS = b"HTTP/1.1 500 not this one\r\nContent-Length: 9\r\n\r\nnot this."


@pytest.mark.parametrize("status", [100, 102, 103, 199])
@pytest.mark.parametrize("deliver", DELIVERIES)
def test_interim_responses_are_skipped(status, deliver):
    interim = b"HTTP/1.1 %d Wait\r\nLink: </style.css>\r\nContent-Length: 5\r\n\r\n" % status
    with responding(interim * 3 + OK, deliver=DELIVERIES[deliver], stay=True) as connection:
        response = connection.getresponse()
        assert (response.status, response.getheader("Link"), response.read()) == (200, None, b"body")


def test_101_is_the_last_response_and_what_follows_is_left_in_its_file():
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"
    with responding(switch + b"other protocol", stay=True) as connection:
        response = connection.getresponse()
        assert (response.status, response.will_close) == (101, False)
        assert response.fp.read(14) == b"other protocol"


def test_a_peer_that_never_comes_to_an_end_of_interim_responses_is_given_up():
    with responding(b"HTTP/1.1 102 Processing\r\n\r\n" * 200) as connection:
        with pytest.raises(http.client.HTTPException, match="got more than 100 interim responses"):
            connection.getresponse()


@pytest.mark.parametrize(
    "data",
    [
        b"<html>a response of HTTP/0.9</html>",
        b"\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 2OO OK\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
    ],
)
def test_what_is_no_http_is_a_bad_status_line(data):
    with responding(data + b"\n") as connection:
        with pytest.raises(http.client.BadStatusLine):
            connection.getresponse()


def test_another_protocol_version_is_unknown():
    with responding(b"HTTP/2.0 200 OK\r\n\r\n") as connection:
        with pytest.raises(http.client.UnknownProtocol):
            connection.getresponse()


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"HTTP/1.1 200 " + b"x" * 70000 + b"\r\n\r\n", http.client.LineTooLong, "status line"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70000 + b"\r\n\r\n", http.client.LineTooLong, "header line"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 101 + b"\r\n", http.client.HTTPException, "more than 100 headers"),
        (b"HTTP/1.1 100 Continue\r\n" + b"A: 1\r\n" * 101, http.client.HTTPException, "more than 100 headers"),
    ],
)
def test_heads_have_the_limits_of_http_client(data, error, message):
    with responding(data, stay=True) as connection:
        with pytest.raises(error, match=message):
            connection.getresponse()


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_a_peer_that_leaves_without_a_response_has_disconnected(data):
    with responding(data) as connection:
        with pytest.raises(http.client.RemoteDisconnected, match="without response") as gone:
            connection.getresponse()
        assert isinstance(gone.value, ConnectionResetError)
        assert connection.sock is None


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 O",
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nA: 1\r\n",
        b"HTTP/1.1 100 Continue\r\nA: 1\r\n",
    ],
)
def test_a_peer_that_leaves_in_the_middle_of_the_head_has_disconnected(data):
    with responding(data) as connection:
        with pytest.raises(http.client.RemoteDisconnected, match="in the middle of the head"):
            connection.getresponse()
        assert connection.sock is None


@pytest.mark.parametrize("deliver", DELIVERIES)
@pytest.mark.parametrize(
    "field",
    [
        b"Content-Length: +4", b"Content-Length: 4_0", b"Content-Length: 4, 5", b"Content-Length: four",
        b"Content-Length: 4\r\nContent-Length: 5", b"Transfer-Encoding: chunked, gzip", b"A\0: 1", b"A: \0",
    ],
)  # fmt: skip
def test_a_head_that_others_may_read_differently_is_refused(field, deliver):
    data = b"HTTP/1.1 200 OK\r\n" + field + b"\r\n\r\nbody" + SURPLUS
    with responding(data, deliver=DELIVERIES[deliver], stay=True) as connection:
        with pytest.raises(http.client.HTTPException):
            connection.getresponse()


CHUNKED_BODY = b"4\r\nbody\r\n0\r\n\r\n"


@pytest.mark.parametrize("deliver", DELIVERIES)
@pytest.mark.parametrize(
    ("fields", "body", "goes_on"),
    [
        (b"Content-Length: 4", b"body", True),
        (b"Content-Length: 4, 4", b"body", True),
        (b"Content-Length: 4\r\nContent-Length: 4", b"body", True),
        (b"Content-Length:\r\n\t4", b"body", True),
        (b"Content-Length: 4\r\nConnection: close", b"body", False),
        (b"Transfer-Encoding: chunked", CHUNKED_BODY, True),
        (b"Transfer-Encoding: Chunked\r\nConnection: x, Close", CHUNKED_BODY, False),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 2", CHUNKED_BODY, False),
        (b"Content-Length: 200\r\nTransfer-Encoding: chunked", CHUNKED_BODY, False),
        (b"A: 1\r\nA: 2\r\n a: 3\r\nContent-Length: 4", b"body", True),
        # Fields behind an odd line count, and an odd line ends the connection.
        (b"X-\xe9tat: y\r\nTransfer-Encoding: chunked", CHUNKED_BODY, True),
        (b"X\x01: y\r\nContent-Length: 4", b"body", True),
        (b"Content-Length: 4 \t", b"body", True),
        (b"Transfer-Encoding: chunked ", CHUNKED_BODY, True),
        (b"no colon\r\nTransfer-Encoding: chunked", CHUNKED_BODY, False),
        (b"A name: y\r\nTransfer-Encoding: chunked", CHUNKED_BODY, False),
        (b"X-Cache : MISS\r\nContent-Length: 4", b"body", False),
        (b"Content-Length : 4", b"body", False),
        (b"Transfer-Encoding\t: chunked", CHUNKED_BODY, False),
        (b"A: 1\rContent-Length: 2\r\nContent-Length: 4", b"body", False),
        (b"Transfer-Encoding: binary\r\nContent-Length: 4", b"body", False),
    ],
)
def test_bodies_end_where_the_head_says_with_a_response_behind_them(fields, body, goes_on, deliver):
    data = b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n\r\n" + body + SURPLUS
    with responding(data, deliver=DELIVERIES[deliver], stay=True) as connection:
        response = connection.getresponse()
        assert response.read() == b"body"
        assert response.will_close is not goes_on
        assert (connection.sock is not None) is goes_on


def test_duplicate_headers_are_all_there():
    response = parsed(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nX: one\r\n two\r\n\r\n")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers["X"] == "one\r\n two"


@pytest.mark.parametrize("class_name", ["HTTPConnection", "HTTPSConnection"])
def test_a_reset_is_the_error_of_the_system(class_name, ca, client_context):
    from support.peer import ScriptedPeer

    def script(wire):
        wire.read_head()
        wire.reset()

    tls = class_name == "HTTPSConnection"
    with ScriptedPeer([script], tls=ca.server_context() if tls else None) as peer:
        connection = getattr(httplib, class_name)(*peer.address, **({"context": client_context} if tls else {}))
        connection.request("GET", "/")
        with pytest.raises(ConnectionResetError):
            connection.getresponse()
        assert connection.sock is None
