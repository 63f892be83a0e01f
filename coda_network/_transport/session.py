"""What one opener keeps between requests: its idle connections, and which logins were accepted."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic
from typing import Any

from coda_network._auth.memory import LoginMemory
from coda_network._originals import urllib_request
from coda_network._pool.pool import Pool
from coda_network._transport.declared_logins import DeclaredLogins
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._wire.framing import keep_alive_limits

HANG_UP_SECONDS = 60.0
"""For which the connections of a peer are not kept that closed one between two requests and did not say so."""

MOST_HANG_UPS = 100


class Session:
    """The pool of idle connections and the memory of logins; safe for threads.

    :param pool: None for one with the usual limits
    """

    def __init__(self, pool: Pool | None = None) -> None:
        self.pool = Pool() if pool is None else pool
        self.memory = LoginMemory()
        # Until when the connections with a key are not kept.
        self._hang_ups: dict[Any, float] = {}
        # Of the last request, as most are alike: what round_trip() and prepare() make anew where this does not fit.
        self.last_key: tuple[Any, Any, Any] = (None, None, None)
        self.last_fields: Any = None
        self._declared: DeclaredLogins | None = None

    def declared(self, handlers: Iterable[Any]) -> DeclaredLogins:
        """Return what the handlers of the opener declare."""
        found = self._declared
        if found is None or found.handlers != tuple(handlers):
            found = self._declared = DeclaredLogins(handlers)
        return found

    def finish(self, key: Any, pooled: PooledConnection, generation: int, response: Any, reusable: bool) -> None:
        """Release the connection of a response that has been read: into the pool, or closed.

        :param key: of the pool
        :param generation: of the pool, when the connection was leased
        :param reusable: the response has ended, and the connection stays open
        """
        if pooled.hung_up:
            self._note_hang_up(key)
        if not reusable or pooled.connection.sock is None or (self._hang_ups and self._hangs_up(key)):
            pooled.close()
            return
        seconds = None
        if response._is_limited:
            # "Keep-Alive: timeout=5, max=100"; servers close right after the last request that they announced.
            seconds, most = keep_alive_limits(response.headers)
            if most == 0:
                pooled.close()
                return
        if pooled.proxy_login is not None or pooled.origin_login is not None:
            pooled.rest()
        self.pool.release(key, pooled, seconds, generation=generation)

    def _note_hang_up(self, key: Any) -> None:
        if len(self._hang_ups) >= MOST_HANG_UPS:
            self._hang_ups.clear()
        self._hang_ups[key] = monotonic() + HANG_UP_SECONDS

    def _hangs_up(self, key: Any) -> bool:
        return monotonic() < self._hang_ups.get(key, 0.0)

    def __reduce__(self) -> tuple[type[Session], tuple[()]]:
        # The copy of an opener opens connections and logs in for itself: what it had is nothing that can be copied.
        return Session, ()

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it is released."""
        self.pool.close()


_OpenerDirector = urllib_request.OpenerDirector

# The attribute ``_session`` of an opener is read and written in this file only.


def session_of(opener: Any) -> Session | None:
    """Return the session of an opener, made with its first request; None for what is no ``OpenerDirector``."""
    if not isinstance(opener, _OpenerDirector):
        return None
    found: Session | None = getattr(opener, "_session", None)
    # Of two threads that come first, one takes what the other has made: ``setdefault()`` is one step.
    if found is not None:
        return found
    limits = {name: getattr(opener, name) for name in ("max_idle_per_host", "max_idle") if hasattr(opener, name)}
    return vars(opener).setdefault("_session", Session(Pool(**limits)))  # type: ignore[no-any-return]  # a Session


def set_session(opener: urllib_request.OpenerDirector, session: Session) -> None:
    """Let an opener use a session, which it may share with other openers."""
    opener._session = session  # type: ignore[attr-defined]  # an attribute of ours


def close_session(opener: urllib_request.OpenerDirector) -> None:
    """Close the idle connections of an opener, which can be used again."""
    session: Session | None = getattr(opener, "_session", None)
    if session is not None:
        session.close()
