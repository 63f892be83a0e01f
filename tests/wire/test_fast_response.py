"""The short way of a response reads a head like the long way, or leaves it to that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._wire import framing, heads
from coda_network._wire.fast_response import scan

HEAD = b"HTTP/1.1 200 OK\r\nServer: x\r\nDate: Fri, 20 Nov 2026 13:00:00 GMT\r\nContent-Length: 5\r\n\r\n"


def general(head: bytes) -> tuple[int, str, framing.Framing]:
    """Return what the long way reads in a head."""
    line, _, fields = head.partition(b"\r\n")
    version, status, reason = heads.parse_status_line(line + b"\r\n")
    heads.is_odd(fields)
    number = heads.version_number(version)
    return status, reason, framing.body_framing(heads.parse_fields(fields), number, status, "GET")


@pytest.mark.parametrize("surplus", [b"", b"hello", b"helloHTTP/1.1 200 OK\r\n\r\n"], ids=["none", "body", "more"])
def test_an_ordinary_head_is_understood_whatever_comes_behind_it(surplus: bytes) -> None:
    fields = HEAD.partition(b"\r\n")[2]
    assert scan(HEAD + surplus) == (len(HEAD), 200, "OK", fields, 5, False, False)


@pytest.mark.parametrize(
    ("fields", "length", "closes", "limited"),
    [
        (b"Content-Length: 5\r\nConnection: close\r\n", 5, True, False),
        (b"Connection: keep-alive\r\nContent-Length: 5\r\nconnection:Close\r\n", 5, True, False),
        (b"Keep-Alive: timeout=5, max=100\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n", 0, False, True),
        (b"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n", None, False, False),
        (b"Connection: close\r\nTRANSFER-ENCODING:\tChunked\r\n", None, True, False),
    ],
)
def test_the_scan_says_how_the_body_ends_and_whether_the_connection_does(
    fields: bytes, length: int | None, closes: bool, limited: bool
) -> None:
    found = scan(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n")
    assert found is not None
    assert found[4:] == (length, closes, limited)


@pytest.mark.parametrize("size", range(len(HEAD)))
def test_an_incomplete_head_is_not_understood_yet(size: int) -> None:
    assert scan(HEAD[:size]) is None


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close, x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\n folded\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\rb\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\nb: c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\0b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + b"X: y\r\n" * 100 + b"\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 5\r\n\r\n",
        b"hello\r\n\r\n",
    ],
)
def test_heads_that_are_not_ordinary_go_the_long_way(head: bytes) -> None:
    assert scan(head) is None


NAMES = st.sampled_from(
    ["Content-Length", "content-length", "Connection", "Transfer-Encoding", "X-A", "Date", "Keep-Alive"]
)
VALUES = st.sampled_from(["5", "05", "close", "keep-alive", "Keep-Alive", "chunked", "a: b", "", "5, 5", " 5", "x\ty"])
LINES = st.lists(st.tuples(NAMES, st.sampled_from([":", ": ", ":\t", " : "]), VALUES), max_size=5)


@given(st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 404  Gone  astray ", b"HTTP/1.1 500 "]), LINES)
def test_the_short_way_agrees_with_the_long_way(line: bytes, fields: list[tuple[str, str, str]]) -> None:
    head = line + b"\r\n" + "".join(f"{name}{colon}{value}\r\n" for name, colon, value in fields).encode() + b"\r\n"
    found = scan(head)
    if found is not None:
        status, reason, expected = general(head)
        _, *start, _, length, closes, limited = found
        assert start == [status, reason.strip()]
        assert (length, length is None, closes) == expected
        assert limited == (b"\nKeep-Alive" in head)
