"""What is read past the buffered file of a connection is what would have been read through it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.peer import ScriptedPeer, Wire

from coda_network import httplib
from coda_network._http.reader import READ_BUFFER, reader_for

BODY = bytes(range(256)) * 1200  # 300 KiB, so that it needs several reads of the largest size


class Pair:
    """A response over a socket pair, whose other end sends pieces of a given size."""

    def __init__(self, head: bytes, body: bytes, piece: int) -> None:
        self.mine, self.theirs = socket.socketpair()
        self.mine.settimeout(10)
        self.thread = threading.Thread(target=self._send, args=(head + body, piece))
        self.thread.start()

    def _send(self, data: bytes, piece: int) -> None:
        for begin in range(0, len(data), piece):
            self.theirs.sendall(data[begin : begin + piece])
        self.theirs.shutdown(socket.SHUT_WR)

    def __enter__(self) -> Any:
        connection: Any = httplib.HTTPConnection("peer.example")
        connection.sock = self.mine
        connection.auto_open = 0
        connection.request("GET", "/")
        self.connection = connection
        return connection.getresponse()

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.mine.close()
        self.thread.join(10)
        self.theirs.close()


def by_read(response: Any, amount: int) -> bytes:
    data: bytes = response.read(amount)
    return data


def by_readinto(response: Any, amount: int) -> bytes:
    buffer = bytearray(amount)
    return bytes(buffer[: response.readinto(buffer)])


def by_read1(response: Any, amount: int) -> bytes:
    data: bytes = response.read1(amount)
    return data


def by_readline(response: Any, amount: int) -> bytes:
    line: bytes = response.readline(amount)
    return line


def by_peek(response: Any, amount: int) -> bytes:
    response.peek(amount)
    return b""


ways = st.sampled_from([by_read, by_readinto, by_read1, by_readline, by_peek])
amounts = st.sampled_from([1, 100, 16383, 16384, 65535, 65536, 65537, 100_000])


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(ways, amounts), max_size=6),
    st.sampled_from([1000, 65536, 1 << 20]),
    st.integers(0, 40),
    st.booleans(),
)
def test_ways_of_reading_take_turns_and_lose_nothing(
    steps: list[tuple[Any, int]], piece: int, padding: int, has_length: bool
) -> None:
    framing = b"Content-Length: %d" % len(BODY) if has_length else b"Connection: close"
    head = b"HTTP/1.1 200 OK\r\nX: " + b"p" * padding + b"\r\n" + framing + b"\r\n\r\n"
    with Pair(head, BODY, piece) as response:
        got = b"".join(way(response, amount) for way, amount in steps)
        assert got + response.read() == BODY
        assert response.isclosed()


@pytest.mark.parametrize("amount", [READ_BUFFER, 20_000])
@pytest.mark.parametrize("way", [by_read, by_readinto])
def test_a_body_that_is_cut_short_gives_what_came(way: Any, amount: int) -> None:
    with Pair(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", BODY, 4096) as response:
        got = b""
        while piece := way(response, amount):
            got += piece
        assert got == BODY


@pytest.fixture
def silent() -> Iterator[ScriptedPeer]:
    done = threading.Event()

    def serve(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 10)
        done.wait(10)

    with ScriptedPeer(serve) as peer:
        yield peer
        done.set()


@pytest.mark.parametrize("way", [by_read, by_readinto])
def test_behind_a_timeout_nothing_more_is_read(silent: ScriptedPeer, way: Any) -> None:
    connection = httplib.HTTPConnection(*silent.address, timeout=0.2)
    connection.request("GET", "/")
    response = connection.getresponse()
    with pytest.raises(TimeoutError):
        way(response, 65536)
    with pytest.raises(OSError, match="timed out"):
        way(response, 65536)
    connection.close()


class OwnRecvInto(socket.socket):
    """A socket of a program that looks at what is read into buffers, and at nothing else."""

    seen = 0

    def recv_into(self, *arguments: Any) -> int:
        count = super().recv_into(*arguments)
        self.seen += count
        return count


class OwnBoth(OwnRecvInto):
    """One that looks at all that is read."""

    def recv(self, *arguments: Any) -> bytes:
        data = super().recv(*arguments)
        self.seen += len(data)
        return data


@pytest.mark.parametrize("kind", [OwnRecvInto, OwnBoth])
@pytest.mark.parametrize("size", [5, len(BODY)], ids=["short", "long"])
def test_a_socket_with_a_way_of_its_own_sees_every_byte(kind: Any, size: int) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    pair = Pair(head, BODY[:size], 1 << 20)
    pair.mine = own = kind(fileno=pair.mine.detach())
    own.settimeout(10)
    with pair as response:
        assert response.read(65536) + response.read() == BODY[:size]
        assert own.seen == len(head) + size


def test_a_method_put_into_one_socket_is_asked() -> None:
    mine, theirs = socket.socketpair()
    own: Any = OwnRecvInto(fileno=mine.detach())
    own.recv = lambda *_: pytest.fail("the other method is the program's")
    reader = reader_for(own)
    assert reader is not None
    theirs.sendall(b"hello")
    assert reader.receive() == b"hello"
    reader.file.close()
    own.close()
    theirs.close()
