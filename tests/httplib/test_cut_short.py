"""Bodies that are cut short or malformed: the error says so, and what has come is in it."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Callable

import pytest
from support.responses import DELIVERIES, parsed, responding

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_a_body_shorter_than_announced_is_incomplete():
    with responding(LENGTH + b"hello") as connection:
        response = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as cut:
            response.read()
        assert (cut.value.partial, cut.value.expected) == (b"hello", 5)
        assert str(cut.value) == "IncompleteRead(5 bytes read, 5 more expected)"
        assert response.isclosed()


@pytest.mark.parametrize("read", [lambda r: r.read(20), lambda r: r.read1(20), lambda r: r.readline()])
def test_read_in_pieces_a_short_body_just_ends_as_in_http_client(read):
    with responding(LENGTH + b"hello") as connection:
        response = connection.getresponse()
        assert read(response) == b"hello"
        assert read(response) == b""
        assert response.isclosed()


# Bytes behind the head, the data in them, and how much is missing where that is known.
CUT_CHUNKS = {
    "nothing": (b"", b"", None),
    "size": (b"5", b"", None),
    "size and CR": (b"5\r", b"", None),
    "before the data": (b"5\r\n", b"", 5),
    "in the data": (b"5\r\nhel", b"hel", 2),
    "behind the data": (b"5\r\nhello", b"hello", None),
    "in the line end": (b"5\r\nhello\r", b"hello", None),
    "before a second chunk": (b"5\r\nhello\r\n", b"hello", None),
    "in a second chunk": (b"5\r\nhello\r\n6\r\n wor", b"hello wor", 2),
    "zero without its line end": (b"5\r\nhello\r\n0", b"hello", None),
}


@pytest.mark.parametrize("deliver", DELIVERIES)
@pytest.mark.parametrize("place", CUT_CHUNKS)
def test_a_chunked_body_that_is_cut_keeps_what_has_come(place, deliver):
    data, partial, missing = CUT_CHUNKS[place]
    with responding(CHUNKED + data, deliver=DELIVERIES[deliver]) as connection:
        response = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as cut:
            response.read()
        assert (cut.value.partial, cut.value.expected) == (partial, missing)


def all_before_the_cut(read: Callable[[], bytes]) -> bytes:
    """Read until it fails; return what was read and what the error has."""
    data = b""
    try:
        while piece := read():
            data += piece
    except http.client.IncompleteRead as cut:
        return data + cut.partial
    raise AssertionError("the body ended as if it were whole")


@pytest.mark.parametrize("place", CUT_CHUNKS)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_read_in_pieces_a_cut_chunked_body_is_incomplete_too(place, size):
    data, partial, _ = CUT_CHUNKS[place]
    response = parsed(CHUNKED + data)
    assert all_before_the_cut(lambda: response.read(size)) == partial


@pytest.mark.parametrize("place", CUT_CHUNKS)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_read_into_buffers_a_cut_chunked_body_is_incomplete_too(place, size):
    data, partial, _ = CUT_CHUNKS[place]
    response = parsed(CHUNKED + data)
    buffer = bytearray(size)
    assert all_before_the_cut(lambda: bytes(buffer[: response.readinto(buffer)])) == partial


@pytest.mark.parametrize("place", CUT_CHUNKS)
def test_lines_of_a_cut_chunked_body_end_in_an_error(place):
    with pytest.raises(http.client.IncompleteRead):
        parsed(CHUNKED + CUT_CHUNKS[place][0]).readlines()


@pytest.mark.parametrize("place", CUT_CHUNKS)
def test_read1_of_a_cut_chunked_body_ends_in_an_error(place):
    data, partial, _ = CUT_CHUNKS[place]
    assert all_before_the_cut(parsed(CHUNKED + data).read1) == partial


@pytest.mark.parametrize("end", [b"0\r\n", b"0\r\nTrailer: x\r\n"])
def test_a_connection_that_ends_in_the_trailers_has_brought_all_the_data(end):
    with responding(CHUNKED + b"5\r\nhello\r\n" + end) as connection:
        response = connection.getresponse()
        assert response.read() == b"hello"
        assert response.isclosed()


MALFORMED = [
    b"g\r\n", b"-5\r\nhello", b"+5\r\nhello", b"0x5\r\nhello", b"5_0\r\nhello", b" 5\r\nhello", b"\r\nhello",
    b"5;x\nhello\r\n0\r\n\r\n", b"5\r\nhello!\r\n0\r\n\r\n", b"5\r\nhello\n\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n",
    b"5\r\nhello\r\nxyz\r\n", b"FFFFFFFFFFFFFFFFF\r\nhello", b"5" + b";x" * 40000 + b"\r\nhello\r\n0\r\n\r\n",
    b"0\r\nA: " + b"x" * 70000 + b"\r\n\r\n",
]  # fmt: skip
READS = {
    "read": lambda r: r.read(),
    "read(1)": lambda r: r.read(1),
    "read1": lambda r: r.read1(),
    "readinto": lambda r: r.readinto(bytearray(3)),
    "readline": lambda r: r.readline(),
    "peek": lambda r: r.peek() and r.read(5),
}


def read_on(read: Callable[[http.client.HTTPResponse], object], response: http.client.HTTPResponse) -> None:
    """Read to what looks like the end."""
    while read(response):
        pass


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:16]))
def test_malformed_chunks_are_an_error_and_the_end(body, read):
    response = parsed(CHUNKED + body)
    with pytest.raises(http.client.HTTPException):
        read_on(READS[read], response)
    assert response.isclosed()


@pytest.mark.parametrize("body", MALFORMED, ids=lambda body: repr(body[:16]))
def test_a_connection_with_malformed_chunks_is_not_used_again(body):
    with responding(CHUNKED + body, stay=True) as connection:
        sock = connection.sock
        response = connection.getresponse()
        with contextlib.suppress(http.client.HTTPException):
            response.read(6)
        response.close()
        connection.putrequest("GET", "/")
        assert connection.sock is not sock


@pytest.mark.parametrize("announced", [b"Content-Length: 999999999999999999", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("read", ["read", "read1", "peek"])
def test_memory_is_taken_for_what_comes_and_not_for_what_is_announced(announced, read):
    data = b"HTTP/1.1 200 OK\r\n" + announced + b"\r\n\r\n" + b"FFFFFFFFFFFFFFF\r\n" * (b"chunked" in announced) + b"x"
    with responding(data) as connection:
        response = connection.getresponse()
        try:
            data = getattr(response, read)()
        except http.client.IncompleteRead as cut:
            data = cut.partial
        assert data == b"x"
