"""Waiting for signals in a process with threads."""

from __future__ import annotations

import select
import signal
import socket


class Wakeups:
    """Lets the main thread wait until a signal has come, or another thread calls ``wake()``; for a with statement.

    The system may deliver a signal to any thread. Python runs its handler in the main thread, which goes on waiting
    for a lock or for a child as long as nothing wakes that.
    """

    def __enter__(self) -> Wakeups:
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.set_wakeup_fd(self._before)
        self._reader.close()
        self._writer.close()

    def wait(self) -> None:
        """Wait; the handlers of what has come have run when this returns."""
        select.select([self._reader], [], [])
        try:
            self._reader.recv(4096)
        except BlockingIOError:
            pass

    def wake(self) -> None:
        """End ``wait()``."""
        try:
            self._writer.send(b"\0")
        except OSError:
            pass  # it is full, or nobody waits any more
