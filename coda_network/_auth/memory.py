"""What the connections of one opener share about their logins."""

from __future__ import annotations

import threading
from typing import NamedTuple

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import Peer, Role, Scheme
from coda_network._fork import renew_in_children


class Attempt(NamedTuple):
    """A login with one scheme for one user.

    :param scheme: the object that does it
    :param challenged: the scheme's name as in a challenge, in lower case
    :param label: its name in reports
    :param realm: the one for which the credentials were looked up; None where the scheme has none
    :param credentials: None for the tickets of the user's session
    """

    scheme: Scheme
    challenged: str
    label: str
    realm: str | None
    credentials: Credentials | None


class LoginMemory:
    """The attempt that each peer accepted last, by role, host and port; safe for threads.

    Other connections use the remembered scheme object itself, unless it binds its connection: then they only know which
    scheme to begin with. An empty memory is false.
    """

    def __init__(self) -> None:
        self._renew_lock()
        renew_in_children(self, LoginMemory._renew_lock)
        self._attempts: dict[tuple[Role, str, int], Attempt] = {}
        self.roles: frozenset[Role] = frozenset()
        """The roles in which peers have accepted anything: most requests have to do with none, or with one."""

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._attempts)

    def recall(self, peer: Peer) -> Attempt | None:
        """Return the attempt that this peer accepted last; None if there is none."""
        key = peer.role, peer.host.lower(), peer.port  # as _key() has it: each request with a login asks
        with self._lock:
            return self._attempts.get(key)

    def remember(self, peer: Peer, attempt: Attempt) -> None:
        """Remember an attempt that the peer has accepted, in place of an earlier one."""
        with self._lock:
            self._attempts[_key(peer)] = attempt
            self._note_roles()

    def forget(self, peer: Peer, attempt: Attempt) -> None:
        """Forget an attempt that is no longer accepted, unless another connection has remembered a newer one."""
        with self._lock:
            if self._attempts.get(_key(peer)) is attempt:
                del self._attempts[_key(peer)]
                self._note_roles()

    def _note_roles(self) -> None:
        self.roles = frozenset(role for role, _, _ in self._attempts)


def _key(peer: Peer) -> tuple[Role, str, int]:
    return peer.role, peer.host.lower(), peer.port
