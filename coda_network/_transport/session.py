"""The connections of one opener: its pool, and what they know in common about logging in."""

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
    """What an opener has, made when its first request needs it: its idle connections, and what was accepted where."""

    def __init__(self) -> None:
        self.pool = Pool()
        self.memory = LoginMemory()

    def finish(self, key: Any, kept: PooledConnection, generation: int, response: Any, reusable: bool) -> None:
        """Take back the connection of an answer that is over."""
        if not reusable or kept.connection.sock is None:
            kept.close()
            return
        seconds = None
        if response._is_limited:
            # "Keep-Alive: timeout=5, max=100"; servers close right after the last request that they announced.
            seconds, most = keep_alive_limits(response.headers)
            if most == 0:
                kept.close()
                return
        self.pool.give_back(key, kept, seconds, generation=generation)

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it is given back."""
        self.pool.close()


def session_of(opener: Any) -> Session | None:
    """Return the connections of an opener; None for what is no OpenerDirector and cannot have any."""
    if not isinstance(opener, urllib.request.OpenerDirector):
        return None
    found: Session | None = getattr(opener, "_session", None)
    if found is None:
        with _making:
            found = getattr(opener, "_session", None)
            if found is None:
                found = opener._session = Session()  # type: ignore[attr-defined]  # an attribute of ours
    return found
