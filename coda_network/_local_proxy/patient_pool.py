"""Connections to proxies that want a login: few log in at once, and who waits takes one that comes idle meanwhile.

Five hundred clients that come at once would be five hundred handshakes. A proxy hands each one to a helper, or to a
channel to its domain controller, of which it has a few and which is taken until the handshake ends (squid: ``auth_param
ntlm children``; Windows: ``MaxConcurrentApi``). Clients that are in already keep us busy, so that each handshake takes
long, and the last ones would wait for theirs longer than programs do.
"""

from __future__ import annotations

import threading
from collections import deque
from threading import get_ident
from time import monotonic, process_time
from typing import Any

from coda_network._pool.key import PoolKey
from coda_network._pool.pool import Pool

MOST_LOGINS = 8
"""Logins under way at one proxy."""

ENOUGH = 64
"""Connections in use at one proxy; another one is opened for a request that has waited for one of these in vain, unless
the processor is what everybody waits for: more threads in the middle of a request would only be in each other's way."""

PATIENCE_SECONDS = 0.1
"""For which it waits before that."""

LOAD_SECONDS = 1.0
"""Over which the use of the processor is looked at."""

UNKNOWN_SECONDS = 0.5
"""For which a request waits where nobody knows yet whether the proxy wants a login."""

WAIT_SECONDS = 5.0
"""For which it waits for its turn to log in: those before it may be waiting for a proxy that has failed."""


class _Waiter:
    """A request that waits; it gets a connection, or its turn, or neither: then it goes on all the same."""

    __slots__ = ("_gate", "connection", "insists", "thread")

    def __init__(self) -> None:
        self.thread = get_ident()
        self.connection: Any = None
        self.insists = False  # on a new connection
        # An Event would do, but who waits for one meets a lock that is held by the thread that has just set it.
        self._gate = threading.Lock()
        self._gate.acquire()

    def wait(self, seconds: float) -> bool:
        """Wait to be served; return whether that was so."""
        return self._gate.acquire(timeout=seconds)

    def serve(self) -> None:
        """Let it go on; once, by who took it out of its line."""
        self._gate.release()


class _Line:
    """Those who use connections with one key, and those who wait for one.

    Its tables change in single steps: a response that is collected may release its connection in any line of ours.
    Whoever takes a waiter out of ``waiting`` has to serve it.
    """

    __slots__ = ("logging_in", "users", "waiting", "wants_login")

    def __init__(self) -> None:
        self.users: set[int] = set()  # threads, as in what follows
        self.logging_in: set[int] = set()
        self.waiting: deque[_Waiter] = deque()
        self.wants_login: bool | None = None  # None for unknown

    def note(self, wants_login: bool) -> None:
        self.wants_login = wants_login
        while not wants_login and (waiter := self.next()) is not None:
            waiter.serve()

    def next(self) -> _Waiter | None:
        try:
            return self.waiting.popleft()
        except IndexError:
            return None

    def may_log_in(self) -> bool:
        """Return whether the next one may log in on a new connection."""
        if len(self.logging_in) >= MOST_LOGINS:
            return False
        try:
            return self.waiting[0].insists or len(self.users) < ENOUGH
        except IndexError:
            return False


class _Load:
    """Whether this process was busy of late."""

    def __init__(self) -> None:
        self._seen = monotonic(), process_time()
        self._is_high = False

    def is_high(self) -> bool:
        """Return whether the process took more than half of one processor in the last second or so."""
        (then, used_then), now, used = self._seen, monotonic(), process_time()
        if now - then >= LOAD_SECONDS:
            self._seen = now, used
            self._is_high = used - used_then > (now - then) / 2
        return self._is_high


class PatientPool(Pool):
    """A pool that has requests wait where many would log in at once; the parameters are those of ``Pool``.

    That is so for connections whose class says ``wants_patience``. Where ``lease()`` returns None, the thread may log
    in now, and ``end_turn()`` has to follow. At the end of each request the thread calls ``done()``.
    """

    def __init__(self, max_idle_per_host: int = 10, max_idle: int = 100, idle_seconds: float = 60.0) -> None:
        super().__init__(max_idle_per_host, max_idle, idle_seconds)
        self._lines: dict[PoolKey, _Line] = {}
        self._line_of: dict[int, _Line] = {}  # by thread
        self._lock = threading.Lock()  # for those who give turns
        self._load = _Load()

    def lease(self, key: PoolKey) -> Any:
        """Take an idle connection out of the pool; wait for one, or for the turn to log in on a new one."""
        if not getattr(key.connection_class, "wants_patience", False):
            return super().lease(key)
        thread = get_ident()
        if thread in self._line_of:
            self.done()  # with a connection, or a route, that was not the right one
        line = self._lines.get(key) or self._lines.setdefault(key, _Line())
        line.users.add(thread)
        self._line_of[thread] = line
        connection = super().lease(key)
        if connection is None and line.wants_login is not False:
            line.users.discard(thread)
            connection = self._wait(key, line)
            line.users.add(thread)
        return connection

    def release(
        self, key: PoolKey, conn: Any, keep_seconds: float | None = None, *, generation: int | None = None
    ) -> None:
        """Take over a connection, for the first one that waits."""
        super().release(key, conn, keep_seconds, generation=generation)
        line = self._lines.get(key)
        if line is not None and line.waiting:
            self._hand_over(key, line, keep_seconds)

    def note_login(self, authority: str, wants_login: bool) -> None:
        """Note whether a proxy wants a login that makes a connection one user's own.

        :param authority: its host and port
        """
        for key, line in list(self._lines.items()):
            if key.authority == authority:
                line.note(wants_login)

    def end_turn(self, met_login: bool = True) -> None:
        """End the turn of this thread to log in, if it has one.

        :param met_login: the proxy wanted a login; else nobody has to wait for a turn
        """
        thread = get_ident()
        line = self._line_of.get(thread)
        if line is not None and thread in line.logging_in:
            if not met_login:
                line.note(False)
            line.logging_in.discard(thread)
            self._give_turns(line)

    def done(self) -> None:
        """Note that this thread does not use its connection any longer."""
        thread = get_ident()
        line = self._line_of.pop(thread, None)
        if line is not None:
            line.users.discard(thread)
            if line.waiting:
                self._give_turns(line)

    def _wait(self, key: PoolKey, line: _Line) -> Any:
        waiter, began = _Waiter(), monotonic()
        line.waiting.append(waiter)
        # What came free before this moment was not for us: look again.
        self._hand_over(key, line)
        self._give_turns(line)
        while not waiter.wait(PATIENCE_SECONDS):
            if monotonic() - began < (WAIT_SECONDS if line.wants_login else UNKNOWN_SECONDS):
                waiter.insists = not self._load.is_high()
                self._give_turns(line)
                continue
            try:
                line.waiting.remove(waiter)
            except ValueError:
                waiter.wait(-1)  # another thread is about to serve it
            break
        return waiter.connection

    def _give_turns(self, line: _Line) -> None:
        with self._lock:
            while line.may_log_in() and (waiter := line.next()) is not None:
                line.users.add(waiter.thread)
                line.logging_in.add(waiter.thread)
                waiter.serve()

    def _hand_over(self, key: PoolKey, line: _Line, keep_seconds: float | None = None) -> None:
        """Give idle connections to those who wait, as long as there are both."""
        while line.waiting:
            generation = self.generation
            connection = super().lease(key)
            if connection is None:
                return
            waiter = line.next()
            if waiter is None:  # another thread was quicker; who comes meanwhile does not find this connection
                super().release(key, connection, keep_seconds, generation=generation)
                continue
            line.users.add(waiter.thread)
            waiter.connection = connection
            waiter.serve()
