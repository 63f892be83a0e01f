"""Passing bytes between two connected sockets, in both directions at once."""

from __future__ import annotations

import math
import selectors
import socket
from time import monotonic
from typing import NamedTuple

from coda_network._net.tls import is_tls

PIECE = 65536
"""The most bytes that are read at once, and so the most that wait for a slow reader in each direction."""

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


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

    def has_decrypted(self) -> bool:
        """Return whether TLS has decrypted bytes that were not read yet; a selector does not report them."""
        pending = getattr(self.source, "pending", None)
        return pending is not None and not self.waiting and not self.ended and pending() > 0

    def read(self, buffer: memoryview) -> None:
        """Pass on what the source has; what the sink does not take at once waits."""
        try:
            size = self.source.recv_into(buffer)
        except _would_block():
            return
        self.ended = not size
        self.write(buffer[:size])
        if self.waiting:  # the buffer is for the next one that reads
            self.waiting = memoryview(bytes(self.waiting))

    def write(self, data: memoryview) -> None:
        """Send what the sink takes at once, and the end behind the last byte."""
        self.waiting = data
        if data:
            try:
                sent = self.sink.send(data)
            except _would_block():
                return
            self.count += sent
            self.waiting = data[sent:]
        if self.ended and not self.waiting and not self.done:
            self.done = True
            # On a TLS socket shutdown() would end the encryption and go on in plain text.
            if not is_tls(self.sink):
                self.sink.shutdown(socket.SHUT_WR)


class _End:
    """One of the two sockets: the direction that it is the source of, and the one that it is the sink of."""

    def __init__(self, pair: RelayedPair, reads: _Direction, writes: _Direction) -> None:
        self.pair = pair
        self.sock = reads.source
        self.reads = reads
        self.writes = writes
        self.events = 0  # that the selector watches

    @property
    def wanted(self) -> int:
        events = 0 if self.reads.waiting or self.reads.ended else READ
        return events | WRITE if self.writes.waiting else events


class RelayedPair:
    """Two sockets and what passes between them; a ``RelayLoop`` moves it.

    :param idle_sec: the longest silence in seconds, None for no limit
    """

    def __init__(self, a: socket.socket, b: socket.socket, idle_sec: float | None) -> None:
        self._there, self._back = _Direction(a, b), _Direction(b, a)
        self.ends = _End(self, self._there, self._back), _End(self, self._back, self._there)
        self.idle_sec = idle_sec
        self.last = monotonic()  # when there was something to pass on
        self.error: Exception | None = None
        self._over_tls = is_tls(a) or is_tls(b)
        self._timeouts = a.gettimeout(), b.gettimeout()
        a.setblocking(False)
        b.setblocking(False)

    def is_over(self) -> bool:
        """Return whether there is nothing more to pass on."""
        there, back = self._there.done, self._back.done
        return self.error is not None or (there and back) or (self._over_tls and (there or back))

    def has_decrypted(self) -> bool:
        """Return whether the selector does not know of something to read."""
        return self._over_tls and (self._there.has_decrypted() or self._back.has_decrypted())

    def move(self, end: _End, events: int, buffer: memoryview) -> None:
        """Do what the events of one socket allow; a failure ends the pair."""
        self.last = monotonic()
        if self.error is not None:
            return
        try:
            if events & WRITE and end.writes.waiting:
                end.writes.write(end.writes.waiting)
            if events & READ and not end.reads.waiting and not end.reads.ended:
                end.reads.read(buffer)
        except Exception as error:
            self.error = error

    def give_back(self) -> None:
        """Give the sockets their timeouts back."""
        for end, timeout in zip(self.ends, self._timeouts, strict=True):
            end.sock.settimeout(timeout)

    def result(self) -> Relayed:
        """Return what was passed on.

        :raises TimeoutError: there was nothing to pass on for too long
        """
        # Where one side is gone, what it sent before was passed on.
        if self.error is not None and not isinstance(self.error, ConnectionError):
            raise self.error
        return Relayed(self._there.count, self._back.count)


class RelayLoop:
    """Moves the pairs that are given to it, all in the thread that calls ``step()``; for a with statement."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._buffer = memoryview(bytearray(PIECE))
        self._pairs: set[RelayedPair] = set()
        self._go_on: set[RelayedPair] = set()  # the selector does not know that they can
        self._look_for_silence = math.inf  # when some pair may have been silent for too long

    def __enter__(self) -> RelayLoop:
        return self

    def __exit__(self, *exception: object) -> None:
        self._selector.close()

    def add(self, pair: RelayedPair) -> None:
        """Move this pair from now on."""
        self._pairs.add(pair)
        if pair.idle_sec is not None:
            self._look_for_silence = min(self._look_for_silence, pair.last + pair.idle_sec)
        self._watch(pair)

    def wake_up_by(self, sock: socket.socket) -> None:
        """Let ``step()`` return when something has been sent to this socket, too; ``is_awake`` is False at its end."""
        self._selector.register(sock, READ, None)
        self.is_awake = True

    def step(self) -> list[RelayedPair]:
        """Wait until some pair can go on, and move it; return those that are over, which are moved no more."""
        seconds = None if self._look_for_silence == math.inf else max(0.0, self._look_for_silence - monotonic())
        ready = self._selector.select(0 if self._go_on else seconds)
        moved, self._go_on = self._go_on, set()
        for pair in moved:
            for end in pair.ends:
                pair.move(end, READ, self._buffer)
        for key, events in ready:
            end = key.data
            if end is None:
                self.is_awake = bool(key.fileobj.recv(PIECE))  # type: ignore[union-attr]  # a socket, of wake_up_by()
                continue
            end.pair.move(end, events, self._buffer)
            moved.add(end.pair)
        over = []
        if monotonic() >= self._look_for_silence:
            moved |= self._fail_silent()
        for pair in moved:
            if pair.is_over():
                self._forget(pair)
                over.append(pair)
            else:
                self._watch(pair)
        return over

    def _watch(self, pair: RelayedPair) -> None:
        """Let the selector watch what the pair waits for now."""
        try:
            for end in pair.ends:
                wanted = end.wanted
                if wanted != end.events:
                    if not wanted:
                        self._selector.unregister(end.sock)
                    elif end.events:
                        self._selector.modify(end.sock, wanted, end)
                    else:
                        self._selector.register(end.sock, wanted, end)
                    end.events = wanted
            can_go_on = pair.has_decrypted()
        except (OSError, ValueError, KeyError) as error:  # somebody has closed a socket
            pair.error, can_go_on = error, True
        if can_go_on:
            self._go_on.add(pair)

    def _forget(self, pair: RelayedPair) -> None:
        self._pairs.discard(pair)
        for end in pair.ends:
            if end.events:
                end.events = 0
                self._selector.unregister(end.sock)

    def _fail_silent(self) -> set[RelayedPair]:
        """End the pairs in which nothing has moved for too long; return them."""
        now, silent = monotonic(), set()
        self._look_for_silence = math.inf
        for pair in self._pairs:
            if pair.idle_sec is None:
                continue
            if pair.last + pair.idle_sec <= now:
                pair.error = TimeoutError(f"nothing to relay for {pair.idle_sec:g} s")
                silent.add(pair)
            else:
                self._look_for_silence = min(self._look_for_silence, pair.last + pair.idle_sec)
        return silent


def relay(a: socket.socket, b: socket.socket, idle_sec: float | None = None) -> Relayed:
    """Pass bytes between two connected sockets until both have ended.

    When one side ends, the end is passed on by a shutdown, and the other side may still send. TLS ends in both
    directions at once, so the relay ends with the first side that does, and also on a reset. Nothing is read ahead of a
    slow reader. The sockets stay open and keep their timeouts.

    :param idle_sec: the longest silence in seconds, None for no limit
    :returns: the number of bytes from *a* to *b*, and from *b* to *a*
    :raises TimeoutError: there was nothing to pass on for *idle_sec*
    """
    pair = RelayedPair(a, b, idle_sec)
    try:
        with RelayLoop() as loop:
            loop.add(pair)
            while not loop.step():
                pass
    finally:
        pair.give_back()
    return pair.result()


def _would_block() -> tuple[type[OSError], ...]:
    try:
        import ssl
    except ImportError:
        return (BlockingIOError,)
    return BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError
