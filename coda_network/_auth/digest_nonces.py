"""The nonces of Digest: the peer's, which all connections of a login share and count, and ours."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any, NamedTuple

from coda_network._auth.digest_terms import Terms
from coda_network._auth.scheme import CannotServe
from coda_network._fork import renew_in_children

# How often in a row, over all connections, a peer may call a nonce stale without accepting a request in between.
STALE_LIMIT = 20

_new = tuple.__new__  # makes a NamedTuple without a function of Python


class Use(NamedTuple):
    """One use of a nonce: its count (nc), and the two nonces from which a -sess algorithm made its key."""

    terms: Terms
    nonce: bytes
    nc: int
    first_nonce: bytes
    first_cnonce: bytes


class DigestState:
    """The nonce that all connections of one login share, and its count of uses; safe for threads.

    The peer may refuse a count that it has seen before (RFC 7616 section 3.4, nc), so the nonce is read and counted in
    one step under the lock.
    """

    def __init__(self) -> None:
        self._renew_lock()
        renew_in_children(self, DigestState._renew_lock)
        self._latest: Use | None = None
        self.stale = 0
        """How many nonces in a row were called stale, without a request that was accepted in between."""

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def adopt(self, terms: Terms, stale: bool) -> Use:
        """Take over the terms of a challenge and return the first use of its nonce.

        :raises CannotServe: the peer has called too many nonces stale
        """
        with self._lock:
            self.stale = self.stale + 1 if stale else 0
            if self.stale > STALE_LIMIT:
                raise CannotServe("Digest: the peer calls every nonce stale")
            latest = self._latest
            if latest is not None and latest.nonce == terms.nonce:  # another connection got the same nonce
                self._latest = latest._replace(terms=terms, nc=latest.nc + 1)
            else:
                self._latest = Use(terms, terms.nonce, 1, terms.nonce, new_cnonce())
            return self._latest

    def next_use(self) -> Use | None:
        """Return the next use of the current nonce; None before the first challenge."""
        with self._lock:
            if (latest := self._latest) is not None:
                # As ``_replace()`` does, which takes four functions: each request comes here.
                terms, nonce, nc, first_nonce, first_cnonce = latest
                self._latest = latest = _new(Use, (terms, nonce, nc + 1, first_nonce, first_cnonce))
            return latest

    def accepted(self, next_nonce: bytes | None) -> None:
        """Note that a request was accepted.

        The key of a -sess algorithm stays the same until the next challenge (RFC 7616 section 3.4.2).

        :param next_nonce: the nonce that the peer wants from now on; None to go on with the current one
        """
        self.stale = 0
        if next_nonce is None:
            return
        with self._lock:
            if self._latest is not None and next_nonce != self._latest.nonce:
                self._latest = self._latest._replace(nonce=next_nonce, nc=0)


# -- our own

BLOCK = 64
"""Nonces that are made at once: to ask the system for each took longer than the rest of an authorization."""

_made: list[bytes] = []
_lock = threading.Lock()


def new_cnonce() -> bytes:
    """Return 128 random bits as hexadecimal digits."""
    while True:
        try:
            return _made.pop()  # one step: no other thread gets the same
        except IndexError:
            with _lock:
                if not _made:
                    digits = os.urandom(16 * BLOCK).hex().encode("ascii")
                    _made.extend(digits[start : start + 32] for start in range(0, len(digits), 32))


def _renew(module: Any) -> None:
    module._lock = threading.Lock()
    del module._made[:]  # the parent goes on with those


renew_in_children(sys.modules[__name__], _renew)
