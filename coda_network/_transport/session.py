"""What one opener keeps between requests: its idle connections, and which logins were accepted."""

from __future__ import annotations

import threading
import urllib.request
from typing import Any

from coda_network._auth.memory import LoginMemory
from coda_network._pool.pool import Pool
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._wire.framing import keep_alive_limits

_making = threading.Lock()


class Session:
    """The pool of idle connections and the memory of logins; safe for threads."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.memory = LoginMemory()

    def finish(self, key: Any, pooled: PooledConnection, generation: int, response: Any, reusable: bool) -> None:
        """Release the connection of a response that has been read: into the pool, or closed.

        :param key: of the pool
        :param generation: of the pool, when the connection was leased
        :param reusable: the response has ended, and the connection stays open
        """
        if not reusable or pooled.connection.sock is None:
            pooled.close()
            return
        seconds = None
        if response._is_limited:
            # "Keep-Alive: timeout=5, max=100"; servers close right after the last request that they announced.
            seconds, most = keep_alive_limits(response.headers)
            if most == 0:
                pooled.close()
                return
        self.pool.release(key, pooled, seconds, generation=generation)

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it is released."""
        self.pool.close()


# The attribute ``_session`` of an opener is read and written in this file only.


def session_of(opener: Any) -> Session | None:
    """Return the session of an opener, made with its first request; None for what is no ``OpenerDirector``."""
    if not isinstance(opener, urllib.request.OpenerDirector):
        return None
    found: Session | None = getattr(opener, "_session", None)
    if found is None:
        with _making:
            found = getattr(opener, "_session", None)
            if found is None:
                found = Session()
                set_session(opener, found)
    return found


def set_session(opener: urllib.request.OpenerDirector, session: Session) -> None:
    """Let an opener use a session, which it may share with other openers."""
    opener._session = session  # type: ignore[attr-defined]  # an attribute of ours


def close_session(opener: urllib.request.OpenerDirector) -> None:
    """Close the idle connections of an opener, which can be used again."""
    session: Session | None = getattr(opener, "_session", None)
    if session is not None:
        session.close()
