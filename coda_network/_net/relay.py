"""Passing bytes between two connected sockets, in both directions at once."""

from __future__ import annotations

import selectors
import socket
from typing import NamedTuple

from coda_network._net.tls import is_tls

PIECE = 65536
"""The most bytes that are read at once, and so the most that wait for a slow reader in each direction."""


class Relayed(NamedTuple):
    """The number of bytes that were passed on in each direction."""

    a_to_b: int
    b_to_a: int


class _Direction:
    """One direction: the bytes that were read and not yet written, and whether it has ended."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.waiting = memoryview(b"")
        self.count = 0
        self.ended = False  # the source sends no more bytes
        self.done = False  # everything is written, and the end was passed on to the sink

    def wanted(self) -> dict[socket.socket, int]:
        """Return the event that this direction waits for, with its socket."""
        if self.waiting:
            return {self.sink: selectors.EVENT_WRITE}
        return {} if self.ended else {self.source: selectors.EVENT_READ}

    def has_decrypted(self) -> bool:
        """Return whether TLS has decrypted bytes that were not read yet; a selector does not report them."""
        pending = getattr(self.source, "pending", None)
        return pending is not None and not self.waiting and not self.ended and pending() > 0

    def read(self) -> None:
        try:
            data = self.source.recv(PIECE)
        except _would_block():
            return
        self.ended = not data
        self.waiting = memoryview(data)

    def write(self) -> None:
        if self.waiting:
            try:
                sent = self.sink.send(self.waiting)
            except _would_block():
                return
            self.count += sent
            self.waiting = self.waiting[sent:]
        if self.ended and not self.waiting and not self.done:
            self.done = True
            # On a TLS socket shutdown() would end the encryption and go on in plain text.
            if not is_tls(self.sink):
                self.sink.shutdown(socket.SHUT_WR)


def relay(a: socket.socket, b: socket.socket, idle_sec: float | None = None) -> Relayed:
    """Pass bytes between two connected sockets until both have ended.

    When one side ends, the end is passed on by a shutdown, and the other side may still send. TLS ends in both
    directions at once, so the relay ends with the first side that does, and also on a reset. Nothing is read ahead of a
    slow reader. The sockets stay open and keep their timeouts.

    :param idle_sec: the longest silence in seconds, None for no limit
    :returns: the number of bytes from *a* to *b*, and from *b* to *a*
    :raises TimeoutError: there was nothing to pass on for *idle_sec*
    """
    there, back = _Direction(a, b), _Direction(b, a)
    over_tls = is_tls(a) or is_tls(b)
    timeouts = a.gettimeout(), b.gettimeout()
    a.setblocking(False)
    b.setblocking(False)
    try:
        with selectors.DefaultSelector() as selector:
            while not (there.done and back.done) and not (over_tls and (there.done or back.done)):
                readable = _wait(selector, (there, back), idle_sec)
                for direction in (there, back):
                    if direction.source in readable and not direction.waiting and not direction.ended:
                        direction.read()
                    # Most sinks accept the bytes at once; the next round waits for the others.
                    direction.write()
    except ConnectionError:
        pass  # one side is gone, and what it sent before was passed on
    finally:
        a.settimeout(timeouts[0])
        b.settimeout(timeouts[1])
    return Relayed(there.count, back.count)


def _wait(
    selector: selectors.BaseSelector, directions: tuple[_Direction, _Direction], idle_sec: float | None
) -> set[socket.socket]:
    """Wait until a direction can go on; return the sockets that can be read."""
    decrypted = {direction.source for direction in directions if direction.has_decrypted()}
    if decrypted:
        return decrypted
    wanted: dict[socket.socket, int] = {}
    for direction in directions:
        for sock, event in direction.wanted().items():
            wanted[sock] = wanted.get(sock, 0) | event
    registered = selector.get_map()
    for sock in (directions[0].source, directions[1].source):
        before = registered[sock].events if sock in registered else 0
        events = wanted.get(sock, 0)
        if before and not events:
            selector.unregister(sock)
        elif before and events != before:
            selector.modify(sock, events, sock)
        elif not before and events:
            selector.register(sock, events, sock)
    ready = selector.select(idle_sec)
    if not ready:
        raise TimeoutError(f"nothing to relay for {idle_sec:g} s")
    return {key.data for key, events in ready if events & selectors.EVENT_READ}


def _would_block() -> tuple[type[OSError], ...]:
    try:
        import ssl
    except ImportError:
        return (BlockingIOError,)
    return BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError
