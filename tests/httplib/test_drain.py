"""Pages that nobody needs are read as far as they are at hand, and no further."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib
from coda_network._http.drain import DRAIN_LIMIT, drain, keep_body

# The rule is a quarter of a second; without it these tests wait for ever.
SOON = 15.0


@contextmanager
def refused(page: bytes, *fields: str, then: Any = None) -> Iterator[tuple[httplib.HTTPConnection, Any]]:
    """A connection that has got a 401 with these fields, and the beginning of its page."""

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send("\r\n".join(["HTTP/1.1 401 X", *fields, "", ""]).encode() + page)
        if then is None or then(wire) is None:
            wire.read_to_end()

    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address)  # without a timeout
        connection.request("GET", "/")
        yield connection, connection.getresponse()
        connection.close()


def reset(wire: Wire) -> bool:
    wire.reset()
    return True


def drip(wire: Wire) -> None:
    for _ in range(30):
        wire.send(b"x")
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        (b"page", ["Content-Length: 4"]),
        (b"4\r\npage\r\n0\r\n\r\n", ["Transfer-Encoding: chunked"]),
        (b"", ["Content-Length: 0"]),
        (b"x" * DRAIN_LIMIT, [f"Content-Length: {DRAIN_LIMIT}"]),
    ],
    ids=["length", "chunked", "empty", "as long as allowed"],
)
def test_a_page_that_is_at_hand_keeps_the_connection(page: bytes, fields: list[str]) -> None:
    with refused(page, *fields) as (connection, response):
        assert drain(response) is True
        assert response.closed
        assert connection.sock is not None


ENDLESS = {
    "no length": ((), None),
    "closes": (("Connection: close", "Content-Length: 4000"), None),
    "shorter than announced": (("Content-Length: 4000",), None),
    "chunks without an end": (("Transfer-Encoding: chunked",), None),
    "drips": (("Content-Length: 4000",), drip),
    "drips in the head of a chunk": (("Transfer-Encoding: chunked",), drip),
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_nobody_waits_for_a_page_without_an_end(kind: str) -> None:
    fields, then = ENDLESS[kind]
    with refused(b"", *fields, then=then) as (_, response):
        started = time.monotonic()
        assert drain(response) is False
        assert time.monotonic() - started < SOON
        assert response.closed


def test_a_page_that_is_too_long_is_not_read_to_its_end() -> None:
    length = DRAIN_LIMIT + 1
    with refused(b"x" * length, f"Content-Length: {length}") as (_, response):
        assert drain(response) is False


def test_a_page_that_breaks_off_does_not_matter() -> None:
    with refused(b"4\r\npa", "Transfer-Encoding: chunked", then=reset) as (_, response):
        assert drain(response) is False


class Endless:
    """What stands in for a response, and has no socket."""

    fp = None

    def __init__(self) -> None:
        self.count = 0
        self.closed = False

    def read(self, amt: int) -> bytes:
        self.count += amt
        return b"x" * amt

    def close(self) -> None:
        self.closed = True


def test_of_a_stand_in_no_more_is_read_than_of_others() -> None:
    response = Endless()
    assert drain(response) is False
    assert (response.count, response.closed) == (DRAIN_LIMIT, True)


def test_a_kept_page_is_whole_where_its_owner_looks_behind_its_end() -> None:
    heard: list[bool] = []
    with refused(b"sorry", "Content-Length: 5") as (_, response):
        response.peek(1)  # what is there goes into the buffer of the file, which is then to be looked into
        # Whoever leased the connection hears at the end of the page whether it goes on: there is nothing behind it.
        response._release = lambda page, goes_on: heard.append(goes_on)
        assert keep_body(response) == b"sorry"
        assert response.read() == b"sorry"
    assert heard == [True]
