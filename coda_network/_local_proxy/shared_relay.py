"""One thread that passes bytes on in many tunnels, while those that have opened them wait for their end.

A thread of its own for each tunnel would have to be woken for each piece, and to wait until the others let it run:
with 500 of them that costs several times what passing the piece on does.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections import deque

from coda_network._net.relay import Relayed, RelayedPair, RelayLoop, relay


class SharedRelay:
    """Relays for the threads that call ``relay()``; the thread that does it begins with the first one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._new: deque[RelayedPair] = deque()
        self._finished: dict[RelayedPair, threading.Event] = {}
        self._waker: socket.socket | None = None
        self._is_closed = False

    def relay(self, a: socket.socket, b: socket.socket, idle_sec: float | None = None) -> Relayed:
        """Pass bytes between two sockets until both have ended, as ``relay()`` of ``_net.relay`` does.

        :param idle_sec: the longest silence in seconds, None for no limit
        :returns: the number of bytes from *a* to *b*, and from *b* to *a*
        :raises TimeoutError: there was nothing to pass on for *idle_sec*
        :raises ConnectionAbortedError: ``close()`` was called before
        """
        if issubclass(selectors.DefaultSelector, selectors.SelectSelector):
            return relay(a, b, idle_sec)  # it takes 512 sockets at the most on Windows
        pair, finished = RelayedPair(a, b, idle_sec), threading.Event()
        try:
            with self._lock:
                if self._is_closed:
                    raise ConnectionAbortedError("the relay has ended")
                waker = self._waker = self._waker or self._start()
                self._finished[pair] = finished
                self._new.append(pair)
                waker.send(b"x")
            finished.wait()
        finally:
            pair.give_back()
        return pair.result()

    def close(self) -> None:
        """End the thread, and the relays that have not ended."""
        with self._lock:
            self._is_closed = True
            waker, self._waker = self._waker, None
        if waker is not None:
            waker.close()

    def _start(self) -> socket.socket:
        """Start the thread; return the socket that wakes it."""
        wake, waker = socket.socketpair()
        try:
            threading.Thread(target=self._run, args=(wake,), name="coda-network relay", daemon=True).start()
        except BaseException:
            wake.close()
            waker.close()
            raise
        return waker

    def _run(self, wake: socket.socket) -> None:
        try:
            with wake, RelayLoop() as loop:
                loop.wake_up_by(wake)
                while loop.is_awake:
                    while self._new:
                        loop.add(self._new.popleft())
                    for pair in loop.step():
                        self._finish(pair)
        finally:
            for pair in list(self._finished):
                pair.error = pair.error or ConnectionAbortedError("the relay has ended")
                self._finish(pair)

    def _finish(self, pair: RelayedPair) -> None:
        with self._lock:
            finished = self._finished.pop(pair)
        finished.set()
