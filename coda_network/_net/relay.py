"""Passing bytes on between two connected sockets, both ways at once."""

from __future__ import annotations

import selectors
import socket
from typing import NamedTuple

from coda_network._net.tls import is_tls

PIECE = 65536
"""Bytes that are read at once, and the most that waits for a slow reader in each direction."""


class Relayed(NamedTuple):
    """How many bytes went each way."""

    a_to_b: int
    b_to_a: int


class _Direction:
    """One way: what was read and is not yet written, and how far its end has come."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source = source
        self.sink = sink
        self.waiting = memoryview(b"")
        self.count = 0
        self.ended = False  # the source sends no more
        self.done = False  # everything is written, and the sink knows of the end

    def wanted(self) -> dict[socket.socket, int]:
        """Return what has to happen before this direction can go on."""
        if self.waiting:
            return {self.sink: selectors.EVENT_WRITE}
        return {} if self.ended else {self.source: selectors.EVENT_READ}

    def has_decrypted(self) -> bool:
        """Tell whether TLS holds bytes that were not read yet, of which the system knows nothing."""
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
            # shutdown() on a TLS socket would take its encryption away.
            if not is_tls(self.sink):
                self.sink.shutdown(socket.SHUT_WR)


def relay(a: socket.socket, b: socket.socket, idle_sec: float | None = None) -> Relayed:
    """Pass bytes on between two connected sockets until both have ended.

    When one side ends its sending, the other is told so by a shutdown, and may still answer. Over TLS, which ends in
    both directions at once, the end of one side is the end of all, and so is a reset anywhere. Nothing is read ahead of
    a slow reader. The sockets stay open and keep the timeouts that they had.

    :param idle_sec: the seconds of silence that are allowed, None for no limit
    :returns: the bytes from *a* to *b*, and those from *b* to *a*
    :raises TimeoutError: nothing happened for *idle_sec*
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
                    # Most sinks take at once what there is; the others are waited for in the next round.
                    direction.write()
    except ConnectionError:
        pass  # no more can be said to a side that has gone; what had arrived was passed on
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
    import ssl

    return BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError
