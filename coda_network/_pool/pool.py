"""The idle connections of one opener: leased, given back, and closed when they have waited too long.

Nothing runs in the background: what has expired is found by the next lease() or give_back(). What to do is
decided under a lock; closing connections and asking them whether they are alive happens outside of it.
"""

from __future__ import annotations

import os
import weakref
from enum import Enum
from math import inf
from time import monotonic

# Type checkers know this name by itself; `typing` is not imported here because it would cost more than all
# the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from coda_network._pool.key import PoolKey

    class Connection(Protocol):
        """What a connection must be able to do to be pooled; it must not refer to the pool or its owner."""

        def close(self) -> None:
            """Close the file descriptor and say nothing on the wire.

            A forked child calls it on its copy of a connection that the parent goes on using.
            """

        def dropped(self) -> bool:
            """Return whether the peer has dropped the connection; without waiting and without raising."""


# A server closes after as many seconds as it announced. A request that is sent in the last of them would meet
# the close on its way.
_MARGIN = 1.0


class _State(Enum):
    OPEN = "open"
    CLOSED = "closed"  # by close(); a lease opens the pool again
    FINISHED = "finished"  # the pool is gone or the interpreter exits; nothing is kept any more


class _Storage:
    """The connections of one pool, apart from it: they are closed when the pool has already become garbage.

    The methods decide and never touch a connection; they return the connections that are to be closed. They
    are called with `lock` held and `busy` set.

    The lock is one that its holder can take again, because the holder can be interrupted anywhere by a signal
    handler or by the collector, and that can bring another call here: a response which is collected gives its
    connection back. `busy` tells such a call that it finds things half done.
    """

    def __init__(self, max_idle_per_host: int, max_idle: int) -> None:
        self.max_idle_per_host = max_idle_per_host
        self.max_idle = max_idle
        self.generation = 0
        self.state = _State.OPEN
        self.renew_lock()
        self.reset()

    def renew_lock(self) -> None:
        # Here, because urllib.request itself gets along without threading, and because gevent replaces RLock.
        import threading

        self.lock = threading.RLock()
        self.busy = False

    def reset(self) -> None:
        # By identity of the connection: its key, itself and when it expires; the oldest first. A connection
        # comes in here before it does in by_key and goes out after, so that nothing can be forgotten
        # half-way.
        self.all: dict[int, tuple[PoolKey, Connection, float]] = {}
        # The oldest first. A list that became empty stays for the next one, until something expires.
        self.by_key: dict[PoolKey, list[Connection]] = {}
        # Nothing expires before this.
        self.next_expiry = inf

    def take(self, key: PoolKey, now: float) -> tuple[Connection | None, list[Connection]]:
        """Take out the connection that was given back last."""
        spent = [] if now < self.next_expiry else self.expire(now)
        waiting = self.by_key.get(key)
        if not waiting:
            return None, spent
        conn = waiting.pop()
        del self.all[id(conn)]
        return conn, spent

    def put(self, key: PoolKey, conn: Connection, expires: float, now: float) -> list[Connection]:
        """Put a connection in, and take out the oldest ones above the limits."""
        spent = [] if now < self.next_expiry else self.expire(now)
        identity = id(conn)
        # Given back twice, it would be leased twice, and two users would read each other's answers.
        if identity in self.all:
            return spent
        self.all[identity] = key, conn, expires
        waiting = self.by_key.get(key)
        if waiting is None:
            waiting = self.by_key[key] = []
        waiting.append(conn)
        if expires < self.next_expiry:
            self.next_expiry = expires
        if len(waiting) > self.max_idle_per_host:
            spent.append(self.remove(key, waiting[0]))
        if len(self.all) > self.max_idle:
            oldest = next(iter(self.all.values()))
            spent.append(self.remove(oldest[0], oldest[1]))
        return spent

    def expire(self, now: float) -> list[Connection]:
        """Take out every connection that has waited too long."""
        spent = [self.remove(key, conn) for key, conn, expires in list(self.all.values()) if expires <= now]
        self.by_key = {key: waiting for key, waiting in self.by_key.items() if waiting}
        self.next_expiry = min((expires for _, _, expires in self.all.values()), default=inf)
        return spent

    def remove(self, key: PoolKey, conn: Connection) -> Connection:
        """Take out one connection."""
        waiting = self.by_key.get(key, [])
        if conn in waiting:
            waiting.remove(conn)
        del self.all[id(conn)]
        return conn

    def empty(self) -> list[Connection]:
        """Take out everything, and mark everything that is leased now as of an earlier generation."""
        spent = [conn for _, conn, _ in self.all.values()]
        self.reset()
        self.generation += 1
        return spent


class Pool:
    """Keeps connections that are idle, and leases each to one user at a time.

    The connection that was used last is leased first, so that the others can grow old. Threads can share a
    pool. A forked child starts with an empty one: its copies of the sockets are closed, which the parent does
    not notice. When the pool is garbage, and at the exit of the interpreter, its connections are closed.

    :param max_idle_per_host: how many connections with one key may wait
    :param max_idle: how many may wait altogether; above either limit the oldest one is closed
    :param idle_seconds: how long a connection may wait
    :raises ValueError: a negative limit
    """

    def __init__(self, max_idle_per_host: int = 10, max_idle: int = 100, idle_seconds: float = 60.0) -> None:
        if max_idle_per_host < 0 or max_idle < 0 or not idle_seconds >= 0:
            raise ValueError("the limits of a pool cannot be negative")
        self._idle_seconds = idle_seconds
        self._storage = _Storage(max_idle_per_host, max_idle)
        # The finalizer keeps the storage and with it the connections alive until it has closed them. A socket
        # that becomes garbage together with its pool would warn of being left open.
        weakref.finalize(self, _shut, self._storage, _State.FINISHED)
        _pools.add(self)

    @property
    def generation(self) -> int:
        """A number that close() and a fork change; to be noted with a lease and passed to give_back()."""
        return self._storage.generation

    @property
    def idle_count(self) -> int:
        """How many connections wait."""
        return len(self._storage.all)

    def lease(self, key: PoolKey) -> Any:
        """Return an idle connection of this key, None where there is none.

        It now belongs to the caller, who gives it back or closes it; its type is that of what was given back
        under this key. Those that have waited too long, or that the peer has dropped meanwhile, are closed
        and left out. A pool that was closed is open again.
        """
        storage = self._storage
        while True:
            with storage.lock:
                if storage.busy:
                    return None
                storage.busy = True
                try:
                    if storage.state is _State.CLOSED:
                        storage.state = _State.OPEN
                    conn, spent = storage.take(key, monotonic())
                finally:
                    storage.busy = False
            if spent:
                _close_all(spent)
            if conn is None or not conn.dropped():
                return conn
            _close_all([conn])

    def give_back(
        self,
        key: PoolKey,
        conn: Connection,
        keep_seconds: float | None = None,
        *,
        generation: int | None = None,
    ) -> None:
        """Take a connection over, in a state in which the next request can be sent on it; or close it.

        :param keep_seconds: after how many seconds the server is going to close it (`Keep-Alive: timeout=`,
            RFC 2068 section 19.7.1.1); one second less is used. None where it did not say
        :param generation: the pool's generation when the connection was leased or opened. One that is older
            than the last close() is closed, and so is one that a forked child shares with its parent
        """
        now = monotonic()
        keep = self._idle_seconds
        if keep_seconds is not None:
            keep = min(keep, keep_seconds - _MARGIN)
        storage = self._storage
        spent = [conn]
        with storage.lock:
            current = generation is None or generation == storage.generation
            if current and keep > 0 and storage.state is _State.OPEN and not storage.busy:
                storage.busy = True
                try:
                    spent = storage.put(key, conn, now + keep, now)
                finally:
                    storage.busy = False
        if spent:
            _close_all(spent)

    def close(self) -> None:
        """Close all idle connections, and close those that are leased when they are given back.

        The pool can be used again: the next lease() opens it.
        """
        _shut(self._storage, _State.CLOSED)

    def __repr__(self) -> str:
        storage = self._storage
        with storage.lock:
            idle = [f"{key.way} ({len(waiting)})" for key, waiting in list(storage.by_key.items()) if waiting]
        return f"<Pool {storage.state.value}, idle: {', '.join(idle) or 'none'}>"


def _shut(storage: _Storage, state: _State) -> None:
    spent: list[Connection] = []
    with storage.lock:
        storage.state = state
        # A signal handler that interrupts a change cannot close what is being changed. That waits for its
        # time to run out, or for the exit.
        if not storage.busy:
            storage.busy = True
            try:
                spent = storage.empty()
            finally:
                storage.busy = False
    _close_all(spent)


def _close_all(connections: list[Connection]) -> None:
    for conn in connections:
        try:
            conn.close()
        except OSError:
            # The peer may have reset it; the file descriptor is gone all the same.
            pass


# The pools of this process, for the children that it forks.
_pools: weakref.WeakSet[Pool] = weakref.WeakSet()


def _empty_after_fork() -> None:
    """In a child: let go of what belongs to the parent.

    Another thread of the parent may have held a lock at that moment, and it does not exist here.
    """
    for pool in list(_pools):
        storage = pool._storage
        storage.renew_lock()
        _close_all(storage.empty())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_empty_after_fork)
