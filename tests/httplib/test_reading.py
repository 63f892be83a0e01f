"""Every way to read a body gives the same bytes, for each way in which a body can end."""

from __future__ import annotations

import http.client
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.responses import DELIVERIES, Stand, parsed, responding

from coda_network import httplib

BODY = b"first line\nsecond\n\nlast without end" + b"." * 40
CHUNKS = b"".join(b"%x;x=y\r\n%b\r\n" % (len(BODY[i : i + 7]), BODY[i : i + 7]) for i in range(0, len(BODY), 7))
FRAMED = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS + b"0\r\nTrailer: x\r\n\r\n",
    "to the end": b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
}
SURPLUS = b"HTTP/1.1 500 not this one\r\nContent-Length: 9\r\n\r\nnot this."


def read_pieces(response, size):
    return b"".join(iter(lambda: response.read(size), b""))


def read1_pieces(response, size):
    return b"".join(iter(lambda: response.read1(size), b""))


def into_buffers(response, size):
    buffer = bytearray(size)
    read = b""
    while count := response.readinto(buffer):
        read += buffer[:count]
    return read


def peek_and_read(response):
    read = b""
    while seen := response.peek(3):
        piece = response.read(len(seen))
        assert piece == seen
        read += piece
    return read + response.read(1)


WAYS = {
    "read()": lambda r: r.read(),
    "read(None)": lambda r: r.read(None),
    "read(-1)": lambda r: r.read(-1),
    "read(1)": lambda r: read_pieces(r, 1),
    "read(10)": lambda r: read_pieces(r, 10),
    "read(1000)": lambda r: read_pieces(r, 1000),
    "read(10), then the rest": lambda r: r.read(10) + r.read(),
    "read1()": lambda r: b"".join(iter(r.read1, b"")),
    "read1(3)": lambda r: read1_pieces(r, 3),
    "read1(1000)": lambda r: read1_pieces(r, 1000),
    "readinto 1": lambda r: into_buffers(r, 1),
    "readinto 10": lambda r: into_buffers(r, 10),
    "readinto 1000": lambda r: into_buffers(r, 1000),
    "peek": peek_and_read,
    "readline()": lambda r: b"".join(iter(r.readline, b"")),
    "readline(4)": lambda r: b"".join(iter(lambda: r.readline(4), b"")),
    "readlines()": lambda r: b"".join(r.readlines()),
    "iteration": lambda r: b"".join(r),
    "BufferedReader": lambda r: io.BufferedReader(r).read(),
    "TextIOWrapper": lambda r: io.TextIOWrapper(r, "latin-1", newline="").read().encode("latin-1"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("framed", FRAMED)
@pytest.mark.parametrize("deliver", DELIVERIES)
def test_every_way_to_read_gives_the_whole_body(framed, way, deliver):
    with responding(FRAMED[framed], deliver=DELIVERIES[deliver]) as connection:
        response = connection.getresponse()
        assert WAYS[way](response) == BODY
        assert response.isclosed()
        assert response.read() == response.read(5) == response.read1() == response.readline() == response.peek() == b""
        assert response.readinto(bytearray(5)) == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("framed", ["length", "chunked"])
def test_no_way_to_read_goes_beyond_the_body(framed, way):
    with responding(FRAMED[framed] + SURPLUS, stay=True) as connection:
        response = connection.getresponse()
        assert WAYS[way](response) == BODY
        assert response.isclosed()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("framed", FRAMED)
def test_a_response_over_any_file_reads_the_same(framed, way):
    assert WAYS[way](parsed(FRAMED[framed])) == BODY


@pytest.mark.parametrize("framed", FRAMED)
def test_lines_are_those_of_the_body(framed):
    assert parsed(FRAMED[framed]).readlines() == BODY.splitlines(keepends=True)
    assert parsed(FRAMED[framed]).readlines(12) == BODY.splitlines(keepends=True)[:2]
    assert list(parsed(FRAMED[framed])) == BODY.splitlines(keepends=True)


@pytest.mark.parametrize("framed", FRAMED)
def test_reading_nothing_reads_nothing(framed):
    response = parsed(FRAMED[framed])
    assert response.read(0) == response.read1(0) == response.readline(0) == b""
    assert response.readinto(bytearray()) == 0
    assert response.read() == BODY


@pytest.mark.parametrize("buffer", [bytearray(8), memoryview(bytearray(8)), __import__("array").array("I", [0, 0])])
@pytest.mark.parametrize("framed", FRAMED)
def test_any_writable_buffer_can_be_read_into(framed, buffer):
    assert parsed(FRAMED[framed]).readinto(buffer) == 8
    assert bytes(buffer) == BODY[:8]


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
@pytest.mark.parametrize("line", [b"X: y", b"Content-Length: 5", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("way", ["read()", "read(10)", "read1()", "readinto 10", "readline()", "peek", "iteration"])
def test_a_response_without_a_body_is_empty_at_once(status, line, way):
    with responding(b"HTTP/1.1 %b\r\n%b\r\n\r\n" % (status, line), stay=True) as connection:
        assert WAYS[way](connection.getresponse()) == b""


@pytest.mark.parametrize("way", ["read()", "read(10)", "read1()", "readinto 10", "readline()", "peek", "iteration"])
def test_the_response_to_head_has_headers_and_no_body(way):
    with responding(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HEAD", stay=True) as connection:
        response = connection.getresponse()
        assert WAYS[way](response) == b""
        assert response.headers["Content-Length"] == "5"


def test_the_attributes_of_a_response():
    head = b"HTTP/1.1 418 Tea pot \r\nA: 1\r\nB: 2\r\nA: 3\r\nContent-Length: 2\r\n\r\nhi"
    response = parsed(head)
    assert (response.version, response.status, response.code, response.reason) == (11, 418, 418, "Tea pot")
    assert (response.length, response.chunked, response.will_close, response.tunnel) == (2, False, False, False)
    assert response.getheader("a") == "1, 3"
    assert response.getheader("none") is None
    assert response.getheader("none", "default") == "default"
    assert response.getheader("none", ["several", "defaults"]) == "several, defaults"
    assert response.getheader("none", 5) == 5
    assert response.getheaders() == [("A", "1"), ("B", "2"), ("A", "3"), ("Content-Length", "2")]
    assert isinstance(response.headers, http.client.HTTPMessage)
    assert response.headers is response.msg is response.info()
    assert response.getcode() == 418
    response.url = "http://host/"
    assert response.geturl() == "http://host/"


def test_what_other_code_assigns_to_msg_or_headers_stays():
    response = parsed(b"HTTP/1.1 200 OK\r\nA: 1\r\nContent-Length: 0\r\n\r\n")
    response.msg = response.reason  # urllib.request does
    assert response.headers["A"] == "1"
    assert response.msg == "OK"
    response.headers = {"B": "2"}
    assert response.headers == {"B": "2"}


def test_the_states_of_a_response_as_a_file():
    with responding(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", stay=True) as connection:
        response = connection.getresponse()
        assert response.fileno() == connection.sock.fileno()
        assert response.readable()
        assert not response.writable()
        assert not response.seekable()
        response.flush()
        assert (response.isclosed(), response.closed) == (False, False)
        assert response.read() == b"hi"
        assert (response.isclosed(), response.closed) == (True, False)
        response.close()
        response.close()
        assert (response.isclosed(), response.closed) == (True, True)
        response.flush()


def test_a_response_can_be_used_in_a_with_statement():
    with responding(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", stay=True) as connection:
        with connection.getresponse() as response:
            assert response.read(1) == b"h"
        assert response.closed
        assert response.isclosed()
        assert response.read() == b""


def test_the_socket_of_a_response_is_where_programs_look_for_it():
    with responding(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", stay=True) as connection:
        assert connection.getresponse().fp.raw._sock is connection.sock


def test_begin_reads_the_head_once():
    response = parsed(FRAMED["length"])
    response.begin()
    assert response.read() == BODY


sizes = st.lists(st.integers(1, 40), max_size=12)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=10), sizes, st.sampled_from(["read", "read1", "readinto"]))
def test_any_chunked_body_reads_back_whole_in_pieces_of_any_size(pieces, amounts, method):
    encoded = b"".join(b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    response = parsed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + encoded + SURPLUS)
    source = response.fp
    read = b""
    for amount in amounts:
        if method == "readinto":
            buffer = bytearray(amount)
            read += buffer[: response.readinto(buffer)]
        else:
            read += getattr(response, method)(amount)
    read += response.read()
    assert read == b"".join(pieces)
    assert response.isclosed()
    assert source.closed


@given(st.binary(max_size=120), st.sampled_from(sorted(WAYS)))
def test_junk_for_chunks_raises_nothing_but_http_exceptions(junk, way):
    response = parsed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + junk)
    try:
        WAYS[way](response)
    except http.client.HTTPException:
        response.close()


@given(st.binary(max_size=120))
def test_junk_for_a_response_raises_nothing_but_http_exceptions(junk):
    for start in (b"", b"HTTP/1.1 200 OK\r\n"):
        response = httplib.HTTPResponse(Stand(start + junk))
        try:
            response.begin()
            response.read()
        except http.client.HTTPException:
            pass
        response.close()
