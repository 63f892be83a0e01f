"""The sessions that ``urlopen(context=...)`` goes on with: one for each TLS context."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from coda_network._fork import renew_in_children
from coda_network._transport.session import Session

MOST_CONTEXTS = 2
"""Contexts whose connections are kept, those that were used last: programs have one, or one that verifies and one that
does not. An idle connection keeps its context alive, so nobody can tell whether the program still has it; a program
that makes a context for each call must not collect a socket with each."""


class ContextSessions:
    """One session for each context, for so many of them; safe for threads."""

    def __init__(self) -> None:
        # The one that was used last comes last.
        self._sessions: weakref.WeakKeyDictionary[Any, Session] = weakref.WeakKeyDictionary()
        self._renew_lock()
        renew_in_children(self, ContextSessions._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def session_for(self, context: Any) -> Session:
        """Return the session of *context*, and close that of the context which was used longest ago."""
        with self._lock:
            try:
                session = self._sessions.pop(context, None) or Session()
                self._sessions[context] = session
            except TypeError:  # a stand-in for a context that cannot be referred to weakly: for one call
                return Session()
            contexts = list(self._sessions)
            spent = [self._sessions.pop(old) for old in contexts[:-MOST_CONTEXTS]]
        for old_session in spent:
            old_session.close()
        return session


session_for = ContextSessions().session_for
