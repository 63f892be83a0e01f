"""The short way of a response reads a head like the long way, or leaves it to that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._wire import fast_response, framing, heads
from coda_network._wire.fast_response import LONGEST, MEMORY, scan, scan_whole

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
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\rb\nTransfer-Encoding: chunked\r\n\r\n",
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


ALIKE = st.sampled_from(
    [
        'HTTP/1.1 200 OK\r\nDate: Fri, 20 Nov 2026 13:00:00 GMT\r\nContent-Length: 128\r\nETag: "6740c0f0-80"\r\n\r\n',
        "HTTP/1.1 404 No\r\nContent-Length: 1\r\nConnection: close\r\nX-Request-Id: 3f2a-99be\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nKeep-Alive: timeout=5\r\nAontent-Length: 7\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nBonnection: close\r\nConnection: cafe\r\n\r\n",
        "HTTP/1.1 200 OK 2\r\nContent-Length: 55\r\nTransfar-Encoding: chunked\r\n\r\n",
    ]
)
HEXADECIMAL = "0123456789abcdefABCDEF"


@given(ALIKE, st.lists(st.tuples(st.integers(0, 80), st.sampled_from(HEXADECIMAL)), max_size=6), st.booleans())
def test_a_head_like_one_before_is_read_as_if_it_were_the_first(
    first: str, changes: list[tuple[int, str]], backwards: bool
) -> None:
    places = [place for place, character in enumerate(first) if character in HEXADECIMAL]
    other = list(first)
    for number, digit in changes:
        other[places[number % len(places)]] = digit
    heads_ = [first.encode(), "".join(other).encode()]
    if backwards:
        heads_.reverse()
    fast_response._heads.clear()
    for head in heads_ * 2:
        assert scan(head + b"body") == scan_whole(head)


@given(ALIKE, st.integers(0, 200), st.sampled_from(["\0", "\r", "\n", " ", ":", "\t", "x", "-", ""]))
def test_a_head_with_another_structure_is_not_like_the_one_before(first: str, place: int, character: str) -> None:
    fast_response._heads.clear()
    scan(first.encode())
    place = min(place, len(first) - 5)
    other = (first[:place] + character + first[place + 1 :]).encode()
    head = other[: other.index(b"\r\n\r\n") + 4]
    assert scan(other) == scan_whole(head)


def test_what_is_remembered_of_heads_is_bounded_and_makes_room_for_new_ones() -> None:
    fast_response._heads.clear()
    for number in range(MEMORY * 8):
        name = "".join(chr(ord("g") + int(digit)) for digit in str(number))
        assert scan(HEAD[:-2] + f"{name}: x\r\n\r\n".encode()) is not None
        assert len(fast_response._heads) <= MEMORY
    for _ in range(MEMORY * 5):
        scan(HEAD[:-2] + b"zzz: x\r\n\r\n")
        if any(b"zzz" in head for head in fast_response._heads):
            break
    else:
        pytest.fail("what comes often is never remembered")
    long = HEAD[:-2] + b"y: " + b"y" * LONGEST + b"\r\n\r\n"
    assert scan(long) == scan_whole(long)
    assert not any(b"yyy" in head for head in fast_response._heads)
