"""What the connections of one opener know in common about logging in."""

from __future__ import annotations

import threading
from typing import NamedTuple

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import Peer, Role, Scheme
from coda_network._fork import renew_in_children


class Attempt(NamedTuple):
    """One scheme at work for one user.

    ``challenged`` is the scheme's name as in challenges, in lower case, ``label`` its name in reports. ``realm`` is
    the one that the credentials were looked up for, None where the scheme has none.
    """

    scheme: Scheme
    challenged: str
    label: str
    realm: str | None
    credentials: Credentials | None


class LoginMemory:
    """The attempt that was accepted last, for each role, host and port; safe for threads.

    Other connections go on with the remembered scheme itself, unless it binds its connection: of such a
    scheme they learn only that it is the one to begin with. A memory of nothing is false.
    """

    def __init__(self) -> None:
        self._renew_lock()
        renew_in_children(self, LoginMemory._renew_lock)
        self._attempts: dict[tuple[Role, str, int], Attempt] = {}

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._attempts)

    def recall(self, peer: Peer) -> Attempt | None:
        """What was accepted last by this peer; None if nothing was."""
        with self._lock:
            return self._attempts.get(_key(peer))

    def remember(self, peer: Peer, attempt: Attempt) -> None:
        """Note an attempt that was accepted; it takes the place of the peer's earlier one."""
        with self._lock:
            self._attempts[_key(peer)] = attempt

    def forget(self, peer: Peer, attempt: Attempt) -> None:
        """Drop what is accepted no longer, unless another connection has noted something newer."""
        with self._lock:
            if self._attempts.get(_key(peer)) is attempt:
                del self._attempts[_key(peer)]


def _key(peer: Peer) -> tuple[Role, str, int]:
    return peer.role, peer.host.lower(), peer.port
