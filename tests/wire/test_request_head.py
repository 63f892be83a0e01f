"""Heads of requests as a server reads them: whole, in pieces, and with bytes behind; what is ambiguous is refused."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._wire.request_head import MAX_HEAD, BadRequest, RequestHead, read_request_head, request_framing


class Dribble(io.RawIOBase):
    """A connection that brings one piece with each read."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._size = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self._data = self._data[: self._size], self._data[self._size :]
        buffer[: len(piece)] = piece
        return len(piece)


def read(data: bytes, size: int = 65536) -> tuple[RequestHead | None, bytes]:
    file = io.BufferedReader(Dribble(data, size), 65536)
    return read_request_head(file), file.read()


GOOD = b"GET http://site/ HTTP/1.1\r\nHost: site\r\nX-Two:  a b \r\nX-Two: c\r\n\r\n"


@pytest.mark.parametrize("size", [1, 7, 65536])
def test_a_head_is_read_to_its_last_byte_and_no_further(size: int) -> None:
    head, rest = read(b"\r\n" + GOOD + b"surplus", size)
    assert head is not None
    assert (head.method, head.target, head.version) == ("GET", "http://site/", 11)
    assert head.fields.get_all("x-two") == ["a b", "c"]
    assert rest == b"surplus"


def test_a_client_that_closes_before_a_request_has_sent_none() -> None:
    assert read(b"") == (None, b"")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01garbage without any line end at all", 400),
        (b"GET / HTTP/1.1\nHost: site\n\n", 400),
        (b"GET /\x00 HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : site\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHost: cut", 400),
        (b"GET /" + b"x" * MAX_HEAD + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 2**20 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    ],
)
def test_what_is_no_request_or_reads_two_ways_is_refused(data: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as refused:
        read(data)
    assert refused.value.status == status


@given(st.binary(max_size=300))
def test_whatever_comes_is_a_head_or_a_clear_refusal(data: bytes) -> None:
    for sent in (data, b"GET / HTTP/1.1\r\n" + data):
        try:
            head, _ = read(sent)
        except BadRequest as refused:
            assert refused.status in (400, 431, 505)  # noqa: PT017  # a head will do, too
        else:
            assert head is None or head.method


@pytest.mark.parametrize(
    ("fields", "framing"),
    [
        (b"", (0, False, False)),
        (b"Content-Length: 5\r\n", (5, False, False)),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", (5, False, False)),
        (b"Transfer-Encoding: Chunked\r\n", (None, True, False)),
        (b"Connection: close\r\n", (0, False, True)),
    ],
)
def test_where_the_body_of_a_request_ends(fields: bytes, framing: tuple[object, ...]) -> None:
    head, _ = read(b"POST / HTTP/1.1\r\n" + fields + b"\r\n")
    assert head is not None
    assert request_framing(head) == framing


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        (b"Content-Length: -5\r\n", 400),
        (b"Content-Length: 0x5\r\n", 400),
        (b"Transfer-Encoding: gzip\r\n", 501),
        (b"Transfer-Encoding: chunked, gzip\r\n", 501),
    ],
)
def test_a_body_whose_end_is_in_doubt_is_refused(fields: bytes, status: int) -> None:
    head, _ = read(b"POST / HTTP/1.1\r\n" + fields + b"\r\n")
    assert head is not None
    with pytest.raises(BadRequest) as refused:
        request_framing(head)
    assert refused.value.status == status


def test_http_1_0_knows_no_chunks() -> None:
    head, _ = read(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert head is not None
    with pytest.raises(BadRequest):
        request_framing(head)


def test_no_field_is_in_the_repr_of_a_head() -> None:
    head, _ = read(b"GET / HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\n\r\n")
    assert "c2VjcmV0" not in repr(head)
