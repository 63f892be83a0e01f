"""The idle connections of one opener: leased, released, and closed when they have been idle for too long.

Nothing runs in the background: the next ``lease()`` or ``release()`` finds the connections that have expired. Under the
lock the pool only decides; it closes connections, and asks them whether they are alive, outside of the lock.
"""

from __future__ import annotations

import operator
import weakref
from enum import Enum
from math import inf
from time import monotonic

from coda_network._fork import renew_in_children

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any, Protocol

    from coda_network._pool.key import PoolKey

    class Connection(Protocol):
        """What the pool needs of a connection, which must not refer to the pool or to the pool's owner."""

        def close(self) -> None:
            """Close the file descriptor and send nothing, not even the end of TLS.

            A forked child closes its copy of a connection that its parent goes on using.
            """

        def dropped(self) -> bool:
            """Return whether the peer has dropped the connection. It neither waits nor raises."""


# Seconds. A request that is sent just before the announced time is up would meet the server's close on its way.
_MARGIN = 1.0

# Seconds between two walks through all connections for those that have expired.
_PAUSE = 1.0


class _State(Enum):
    OPEN = "open"
    CLOSED = "closed"  # by ``close()``; the next lease opens the pool again
    FINISHED = "finished"  # the pool is garbage or the interpreter exits: keep nothing any more


class _Storage:
    """The connections of one pool, in an object of their own that can close them after the pool became garbage.

    The methods never touch a connection: they return those that the caller has to close. Call them with ``lock`` held
    and ``busy`` set.

    The lock is reentrant. A signal handler or the garbage collector can interrupt its holder anywhere and call the pool
    in the same thread: a response that is collected releases its connection. ``busy`` tells such a call that the tables
    are half changed.
    """

    def __init__(self, max_idle_per_host: int, max_idle: int) -> None:
        self.max_idle_per_host = max_idle_per_host
        self.max_idle = max_idle
        self.generation = 0
        self.state = _State.OPEN
        self.renew_lock()
        self.reset()

    def renew_lock(self) -> None:
        # Imported late: ``urllib.request`` does without threading, and gevent may have replaced RLock by now.
        import threading

        self.lock = threading.RLock()
        self.busy = False

    def reset(self) -> None:
        # id(connection) -> key, connection, time of expiry; the oldest first. A connection is entered here before it
        # is in ``by_key`` and removed here after: a call that is interrupted half-way loses none.
        self.all: dict[int, tuple[PoolKey, Connection, float]] = {}
        # The oldest first. An empty list stays for the next connection, until something expires.
        self.by_key: dict[PoolKey, list[Connection]] = {}
        # Nobody looks for connections that have expired before this time.
        self.next_expiry = inf

    def take(self, key: PoolKey, now: float) -> tuple[Connection | None, list[Connection]]:
        """Take out the connection that was released last; return it, and those that have expired."""
        spent = [] if now < self.next_expiry else self.expire(now)
        waiting = self.by_key.get(key)
        while waiting:
            conn = waiting.pop()
            if now < self.all.pop(id(conn))[2]:
                return conn, spent
            spent.append(conn)  # expired since somebody looked last
        return None, spent

    def put(self, key: PoolKey, conn: Connection, expires: float, now: float) -> list[Connection]:
        """Put a connection in; return those that have expired, and the oldest ones above the limits."""
        spent = [] if now < self.next_expiry else self.expire(now)
        identity = id(conn)
        # Released twice, it would be leased twice, and two users would read each other's responses.
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
        """Take out and return every connection that has been idle for too long.

        One walk for all of them, and no other one soon: of 10,000 connections that expire one after the other each
        would have everybody look at all others.
        """
        spent = {identity: conn for identity, (_, conn, expires) in self.all.items() if expires <= now}
        by_key = {}
        for key, waiting in self.by_key.items():
            if left := [conn for conn in waiting if id(conn) not in spent] if spent else waiting:
                by_key[key] = left
        self.by_key = by_key
        for identity in spent:
            del self.all[identity]
        self.next_expiry = max(now + _PAUSE, min((expires for _, _, expires in self.all.values()), default=inf))
        return list(spent.values())

    def remove(self, key: PoolKey, conn: Connection) -> Connection:
        """Take out one connection and return it."""
        waiting = self.by_key.get(key, [])
        if conn in waiting:
            waiting.remove(conn)
            if not waiting:
                del self.by_key[key]
        del self.all[id(conn)]
        return conn

    def empty(self) -> list[Connection]:
        """Take out and return all connections; those that are leased now belong to an earlier generation."""
        spent = [conn for _, conn, _ in self.all.values()]
        self.reset()
        self.generation += 1
        return spent


class Pool:
    """Keeps idle connections, and leases each to one user at a time.

    The connection that was used last is leased first, so that those that are not needed expire. Threads can share a
    pool. A forked child starts with an empty pool: it closes its copies of the sockets, which the parent does not
    notice. The connections are closed when the pool is garbage, and when the interpreter exits.

    :param max_idle_per_host: how many connections with one key may be idle
    :param max_idle: how many connections may be idle altogether; above either limit the oldest one is closed
    :param idle_seconds: how long a connection may be idle
    :raises ValueError: a negative limit
    """

    def __init__(self, max_idle_per_host: int = 10, max_idle: int = 100, idle_seconds: float = 60.0) -> None:
        if max_idle_per_host < 0 or max_idle < 0 or not idle_seconds >= 0:
            raise ValueError("the limits of a pool cannot be negative")
        self._idle_seconds = idle_seconds
        self._storage = _Storage(max_idle_per_host, max_idle)
        # The finalizer keeps the storage, and so the connections, alive until it has closed them. A socket that becomes
        # garbage together with its pool would warn that it was left open.
        weakref.finalize(self, _shut, self._storage, _State.FINISHED)
        renew_in_children(self._storage, _empty_after_fork)

    generation: property = property(
        operator.attrgetter("_storage.generation"),
        doc="A number that ``close()`` and a fork change: note it with a lease, pass it to ``release()``.",
    )

    @property
    def idle_count(self) -> int:
        """Return how many connections are idle."""
        return len(self._storage.all)

    def lease(self, key: PoolKey) -> Any:
        """Take an idle connection with this key out of the pool.

        The caller must release or close it. Connections that have been idle for too long, or that their peer has
        dropped meanwhile, are closed and passed over. A closed pool is open again.

        :returns: the connection, as it was released under this key; None where there is none
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

    def release(
        self,
        key: PoolKey,
        conn: Connection,
        keep_seconds: float | None = None,
        *,
        generation: int | None = None,
    ) -> None:
        """Take over a connection on which the next request can be sent, and keep it, or close it.

        :param keep_seconds: the seconds after which the server will close the connection (``Keep-Alive: timeout=``, RFC
            2068 section 19.7.1.1); the pool keeps it one second less. None where the server did not say
        :param generation: the pool's generation when the connection was leased or opened. A connection from before the
            last ``close()`` is closed, and so is one that a forked child shares with its parent
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
        """Close all idle connections now, and those that are leased when they are released.

        The pool can be used again: the next ``lease()`` opens it.
        """
        _shut(self._storage, _State.CLOSED)

    def __repr__(self) -> str:
        storage = self._storage
        with storage.lock:
            idle = [f"{key.route} ({len(waiting)})" for key, waiting in list(storage.by_key.items()) if waiting]
        return f"<Pool {storage.state.value}, idle: {', '.join(idle) or 'none'}>"


def _shut(storage: _Storage, state: _State) -> None:
    spent: list[Connection] = []
    with storage.lock:
        storage.state = state
        # A signal handler that interrupts a change must leave the tables alone. The connections are then closed when
        # they expire, or at the exit.
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
            # The peer may have reset the connection; the file descriptor is closed all the same.
            pass


def _empty_after_fork(storage: _Storage) -> None:
    """Close the copies of the parent's connections in a forked child."""
    storage.renew_lock()
    _close_all(storage.empty())
