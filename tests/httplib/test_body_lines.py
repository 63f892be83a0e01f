"""Lines of a body are given out before the response has moved behind them: none is lost or comes twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from support.bodies import FRAMINGS, LINES, responding
from support.peer import ScriptedPeer, Wire

from coda_network import httplib

AFTERWARDS: dict[str, Callable[[Any], bytes]] = {
    "read": lambda r: r.read(),
    "read(10)": lambda r: r.read(10) + r.read(),
    "read(65536)": lambda r: b"".join(iter(lambda: r.read(65536), b"")),
    "readinto": lambda r: bytes((buffer := bytearray(100_000))[: r.readinto(buffer)]) + r.read(),
    "read1": lambda r: b"".join(iter(r.read1, b"")),
    "peek": lambda r: r.read(len(r.peek())) + r.read(),
    "readline": lambda r: r.readline() + r.read(),
    "readlines": lambda r: b"".join(r.readlines()),
    "next": lambda r: next(r) + r.read(),
    "iteration": lambda r: b"".join(r),
}


@pytest.mark.parametrize("afterwards", AFTERWARDS)
@pytest.mark.parametrize("count", [1, 2, 500])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_what_is_read_behind_some_lines_goes_on_behind_them(framing, count, afterwards):
    with responding(FRAMINGS[framing](LINES)) as connection:
        response = connection.getresponse()
        lines = iter(response)
        data = b"".join(next(lines) for _ in range(count))
        assert data == b"".join(LINES.splitlines(keepends=True)[:count])
        assert data + AFTERWARDS[afterwards](response) == LINES
        assert list(lines) == []


@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_iteration_goes_on_behind_what_was_read_in_between(framing):
    with responding(FRAMINGS[framing](LINES)) as connection:
        response = connection.getresponse()
        data = b""
        for number, line in enumerate(response):
            data += line
            if number % 7 == 0:
                data += response.read(11)
        assert data == LINES


@pytest.mark.parametrize("framing", FRAMINGS)
def test_two_iterations_share_the_lines(framing):
    with responding(FRAMINGS[framing](LINES)) as connection:
        response = connection.getresponse()
        first, second = iter(response), iter(response)
        data = b""
        while pair := next(first, b"") + next(second, b""):
            data += pair
        assert data == LINES


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_with_its_last_line_a_response_ends_and_the_connection_goes_on(end):
    with responding(FRAMINGS["length"](LINES + end), stay=True) as connection:
        sock = connection.sock
        response = connection.getresponse()
        for line in response:
            if line == b"the last" + end:
                break
        assert response.isclosed()
        connection.putrequest("GET", "/")
        assert connection.sock is sock


def test_a_response_that_is_left_between_lines_ends_its_connection():
    with responding(FRAMINGS["length"](LINES), stay=True) as connection:
        sock = connection.sock
        response = connection.getresponse()
        lines = iter(response)
        next(lines), next(lines), next(lines)
        response.close()
        assert list(lines) == []
        connection.putrequest("GET", "/")
        assert connection.sock is not sock


def test_a_line_is_given_as_soon_as_it_has_come():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for number in range(20):
            wire.send(b"line %d\nmore\n" % number)
            assert wire.sock.recv(1) == b"+"

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=20)
        connection.request("GET", "/")
        sock = connection.sock.dup()
        seen = []
        with sock:
            for line in connection.getresponse():
                seen.append(line)
                if line == b"more\n":
                    sock.sendall(b"+")
        assert seen == [line for number in range(20) for line in (b"line %d\n" % number, b"more\n")]


def test_a_closed_response_has_no_lines_to_give():
    with responding(FRAMINGS["length"](LINES)) as connection:
        response = connection.getresponse()
        response.close()
        assert list(response) == []  # as in http.client


def test_a_subclass_that_reads_lines_its_own_way_is_asked_for_each():
    class Shouting(httplib.HTTPResponse):
        def readline(self, limit: int = -1) -> bytes:
            return super().readline(limit).upper()

    with responding(FRAMINGS["length"](LINES)) as connection:
        connection.response_class = Shouting
        assert b"".join(connection.getresponse()) == LINES.upper()
