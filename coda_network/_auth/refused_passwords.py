"""Passwords that a peer has refused: each is sent once, and then not again for a while.

Programs try again: pip asks for one page six times, boto3 three times. With a wrong password each try would be a failed
login, and a directory locks the account after a few. The whole process shares what is kept here. Programs with threads
log in several times at once, so a password that a peer has not judged yet is tried by one thread, and the others wait.
"""

from __future__ import annotations

import os
import threading
from time import monotonic

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import Peer
from coda_network._fork import renew_in_children
from coda_network._stack import Stack

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterable

VARIABLE = "CODA_NETWORK_REFUSED_SECONDS"
"""In the environment: for how many seconds a refused password is not sent again; 0 sends it each time."""

DEFAULT_SECONDS = 300.0

MOST_PAIRS = 1000
"""Users at a peer that are remembered; the oldest is forgotten first."""

MOST_REFUSALS = 20
"""Refusals of one user's password at one peer that are remembered: a site can have a realm for each path."""

MOST_AFTER_ACCEPTANCE = 3
"""Refusals in a row until a password is held back that the peer has accepted before: Apache and squid answer 401 and
407, too, where the password is right and the user may not see this very page."""

TRIAL_SECONDS = 3.0
"""For which a thread waits at the most until another one knows whether the password is right."""

# What verifies the password is the same for both: a domain, which has one account for them.
_DOMAIN = ("ntlm", "negotiate")

_KEY = os.urandom(32)


class _Pair:
    """What became of one user's password at one peer."""

    __slots__ = ("in_a_row", "trial", "was_accepted", "when")

    def __init__(self) -> None:
        self.was_accepted = False
        self.in_a_row = 0
        self.when: dict[tuple[str, bytes], float] = {}  # by scheme and realm
        self.trial: _Trial | None = None

    def is_held_back(self) -> bool:
        return self.in_a_row >= (MOST_AFTER_ACCEPTANCE if self.was_accepted else 1)

    def end_trial(self) -> None:
        trial, self.trial = self.trial, None
        if trial is not None:
            trial.is_over.set()


class _Trial:
    """A thread that is the first to log in with a password. What it waits by is looked up late, for gevent's sake."""

    __slots__ = ("is_over", "thread", "until")

    def __init__(self) -> None:
        self.thread = threading.get_ident()
        self.until = monotonic() + TRIAL_SECONDS
        self.is_over = threading.Event()


class RefusedPasswords:
    """Who was refused where, and when; safe for threads. It holds digests with a key of this process, no password."""

    def __init__(self) -> None:
        self._pairs: dict[bytes, _Pair] = {}
        self._has_refusals = False
        self._renew_lock()
        renew_in_children(self, RefusedPasswords._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()
        for pair in self._pairs.values():
            pair.trial = None  # the thread is the parent's

    def __bool__(self) -> bool:
        """Return whether any password was refused."""
        return self._has_refusals

    def begin_trial(self, peer: Peer, credentials: Credentials) -> None:
        """Begin to log in; wait while another thread is the first to try this password."""
        if seconds() == 0:
            return
        key, end = _digest_of_pair(peer, credentials), monotonic() + TRIAL_SECONDS
        while True:
            with self._lock:
                pair, now = self._newest(key), monotonic()
                trial = pair.trial
                if pair.was_accepted or pair.in_a_row or now >= end:
                    return
                if trial is None or trial.thread == threading.get_ident() or now >= trial.until:
                    pair.trial = _Trial()
                    return
            trial.is_over.wait(min(trial.until, end) - now)

    def end_trial(self, peer: Peer, credentials: Credentials) -> None:
        """End a login that has come to nothing before the password was judged: the next thread may try."""
        with self._lock:
            pair = self._pairs.get(_digest_of_pair(peer, credentials))
            if pair is not None and pair.trial is not None and pair.trial.thread == threading.get_ident():
                pair.end_trial()

    def refuse(self, peer: Peer, credentials: Credentials, scheme: str, realm: str | None) -> None:
        """Remember that a password was refused just now.

        :param scheme: its name in lower case
        :param realm: None where the scheme has none
        """
        key, refusal = _digest_of_pair(peer, credentials), _refusal(scheme, realm)
        with self._lock:
            self._has_refusals = True
            pair = self._newest(key)
            pair.in_a_row += 1
            pair.when.pop(refusal, None)
            pair.when[refusal] = monotonic()
            if len(pair.when) > MOST_REFUSALS:
                del pair.when[next(iter(pair.when))]
            pair.end_trial()

    def accept(self, peer: Peer, credentials: Credentials) -> None:
        """Remember that the peer has accepted a password; its refusals are forgotten."""
        key = _digest_of_pair(peer, credentials)
        with self._lock:
            pair = self._newest(key)
            pair.was_accepted, pair.in_a_row = True, 0
            pair.when.clear()
            pair.end_trial()

    def _newest(self, key: bytes) -> _Pair:
        """Return a pair, which becomes the last to be forgotten."""
        pair = self._pairs.pop(key, None) or _Pair()
        self._pairs[key] = pair
        if len(self._pairs) > MOST_PAIRS:
            del self._pairs[next(iter(self._pairs))]
        return pair

    def age(
        self, peer: Peer, credentials: Credentials, schemes: Iterable[str] | None = None, realm: str | None = None
    ) -> float | None:
        """Return how many seconds ago a password was refused; None where it may be sent.

        :param schemes: names in lower case, of which one has refused it; None for any scheme, and any realm
        :param realm: of the challenge
        """
        if not self._has_refusals:
            return None
        key = _digest_of_pair(peer, credentials)
        with self._lock:
            pair = self._pairs.get(key)
            if pair is None or not pair.is_held_back():
                return None
            asked = pair.when if schemes is None else {_refusal(scheme, realm) for scheme in schemes}
            newest = max((when for refusal, when in pair.when.items() if refusal in asked), default=None)
        if newest is None:
            return None
        age = monotonic() - newest
        return age if age < seconds() else None

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._pairs.clear()
            self._has_refusals = False

    def __repr__(self) -> str:
        return f"<RefusedPasswords: {len(self._pairs)}>"


def _digest_of_pair(peer: Peer, credentials: Credentials) -> bytes:
    return _digest(peer.role.name, peer.host.lower(), str(peer.port), credentials.username, credentials.password)


def _refusal(scheme: str, realm: str | None) -> tuple[str, bytes]:
    return ("domain", b"") if scheme in _DOMAIN else (scheme, _digest(realm or ""))


def _digest(*parts: str) -> bytes:
    import hashlib

    state = hashlib.blake2b(key=_KEY, digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        state.update(b"%d:" % len(encoded) + encoded)
    return state.digest()


refused_passwords = RefusedPasswords()
"""What this process knows: connections, openers and plain sockets alike."""

_settings = Stack()


def seconds() -> float:
    """Return for how long a refused password is not sent: as a program set it, else as the environment says."""
    for value in _settings:
        return float(value)
    try:
        found = float(os.environ.get(VARIABLE) or DEFAULT_SECONDS)
    except ValueError:
        return DEFAULT_SECONDS  # an account is not put at risk by a misspelt number
    return found if found >= 0 else DEFAULT_SECONDS


def set_seconds(value: float) -> float:
    """Set for how long a refused password is not sent, until ``unset_seconds()``.

    :returns: the argument for ``unset_seconds()``
    :raises ValueError: it is below 0, or no number
    """
    found = float(value)
    if not found >= 0:
        raise ValueError("refused_seconds is a number of seconds, 0 or more")
    _settings.add(found)
    return found


def unset_seconds(value: float) -> None:
    """Undo a ``set_seconds()``, which returned *value*."""
    _settings.remove(value)
