"""Credentials where the program gives none: from ``patch(credentials=...)``, then from netrc."""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from coda_network._auth.credentials import Credentials, CredentialSource
from coda_network._auth.scheme import Peer, Role
from coda_network._fork import renew_in_children
from coda_network._stack import Stack
from coda_network._wire.authority import join_authority

Pair = tuple[str, str]
Given = Pair | Credentials | Mapping[str, Pair] | Callable[[str, str | None], Pair | None]
"""``(user, password)`` for every peer; a mapping from ``host`` or ``host:port`` to such pairs; or a function of the
peer's ``host:port`` and the realm (None where the scheme has none) that returns a pair, or None where there is none."""


Question = tuple[str, str | None]
"""``host:port`` of a peer, and a realm."""

MOST_REALMS = 20
"""The most realms of one peer for which a function is called."""

MOST_RESULTS = 1000
"""The most results of a function that are remembered; beyond that the oldest are forgotten."""


class Defaults:
    """Credentials for peers, looked up once for each peer and realm; safe for threads."""

    def __init__(self, given: Given, role: Role | None = None) -> None:
        self.given = given
        self._role = role
        self._renew_lock()
        renew_in_children(self, Defaults._renew_lock)
        self._found: dict[Question, Credentials | None] = {}

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()
        # The calls of the function under way: the thread of each, and the event that ends it.
        self._asking: dict[Question, tuple[int, threading.Event]] = {}

    def look_up(self, peer: Peer, realm: str | None) -> Credentials | None:
        """Return the credentials for a peer and a realm; None where there are none."""
        if self._role is not None and peer.role is not self._role:
            return None
        authority = join_authority(peer.host.lower(), peer.port)
        if not callable(self.given):
            return self._named(peer, authority)
        return self._ask(self.given, (authority, realm))

    def _ask(self, function: Callable[[str, str | None], Pair | None], question: Question) -> Credentials | None:
        """Return the result of the program's function, which is called once for each peer and realm.

        The function may open URLs or ask a person, so no lock is held meanwhile. Other threads with the same question
        wait for the result. A request of the function itself does not wait for a call under way, which might never end:
        it gets no credentials.
        """
        me = threading.get_ident()
        while True:
            with self._lock:
                if question in self._found:
                    return self._found[question]
                under_way = self._asking.get(question)
                is_asking = any(thread == me for thread, _ in self._asking.values())
                if under_way is None:
                    if sum(authority == question[0] for authority, _ in self._found) >= MOST_REALMS:
                        return None  # nobody is asked for every realm that a peer invents
                    done = threading.Event()
                    self._asking[question] = me, done
                    break
            if is_asking:
                return None
            under_way[1].wait()
        try:
            found = _pair(function(*question))
            with self._lock:
                self._found[question] = found
                if len(self._found) > MOST_RESULTS:
                    del self._found[next(iter(self._found))]
        finally:
            with self._lock:
                self._asking.pop(question, None)
            done.set()
        return found

    def _named(self, peer: Peer, authority: str) -> Credentials | None:
        given = self.given
        if not isinstance(given, Mapping):
            return _pair(given)  # type: ignore[arg-type]  # look_up() handles callables
        return _pair(given.get(authority) or given.get(peer.host.lower()))

    def __repr__(self) -> str:
        return "<Defaults>"


def _pair(found: Pair | Credentials | None) -> Credentials | None:
    return found if found is None or isinstance(found, Credentials) else Credentials(*found)


_installed = Stack()


def install(given: Given, role: Role | None = None) -> Defaults:
    """Use *given* for credentials from now on, before what was installed earlier.

    :param role: of the peers that they are for, None for all: a password for proxies is not for sites
    :returns: the argument for ``remove()``
    :raises TypeError: *given* is of none of the types in ``Given``
    """
    if not (callable(given) or isinstance(given, (Credentials, Mapping)) or _is_pair(given)):
        raise TypeError("credentials are a (user, password) tuple, a mapping from hosts to such tuples, or a function")
    defaults = Defaults(given, role)
    _installed.add(defaults)
    return defaults


def remove(defaults: Defaults) -> None:
    """Undo an ``install()``, which returned *defaults*."""
    _installed.remove(defaults)


def _is_pair(given: object) -> bool:
    return isinstance(given, tuple) and len(given) == 2 and all(isinstance(part, str) for part in given)


def default_credentials(peer: Peer, named_only: bool = False) -> CredentialSource:
    """Return the source of credentials for a peer for which the program gave none.

    :param named_only: a pair that was given for everybody does not count
    """

    def source(realm: str | None) -> Credentials | None:
        for defaults in _installed:
            if named_only and not (callable(defaults.given) or isinstance(defaults.given, Mapping)):
                continue
            found: Credentials | None = defaults.look_up(peer, realm)
            if found is not None:
                return found
        return from_netrc(peer.host)

    return source


def known_credentials(peer: Peer) -> list[Credentials | Defaults]:
    """Return all that may log in at a peer without asking anybody: credentials, and functions that would have to be.

    :returns: credentials, and the Defaults whose function is not called here
    """
    found: list[Credentials | Defaults] = []
    for defaults in _installed:
        if defaults._role not in (None, peer.role):
            continue
        credentials = defaults if callable(defaults.given) else defaults.look_up(peer, None)
        if credentials is not None:
            found.append(credentials)
    of_file = from_netrc(peer.host)
    return found if of_file is None else [*found, of_file]


def may_have_credentials(peer: Peer) -> bool:
    """Return whether ``default_credentials()`` may have some, without calling a function that might ask a person."""
    if any(callable(defaults.given) or defaults.look_up(peer, None) is not None for defaults in _installed):
        return True
    return from_netrc(peer.host) is not None


def from_netrc(host: str) -> Credentials | None:
    """Return the credentials of *host* in the user's netrc file; None where there are none.

    The file is the one that ``NETRC`` names, else ``~/.netrc``, else ``~/_netrc``, as requests finds it. A ``default``
    entry is ignored, because it is meant for FTP. So is a file that cannot be read or parsed.
    """
    import os

    named = os.environ.get("NETRC")
    for name in (named,) if named else ("~/.netrc", "~/_netrc"):
        path = os.path.expanduser(name)
        try:
            changed = os.stat(path).st_mtime_ns
        except OSError:
            continue
        return _read_netrc(path, changed).get(host)
    return None


# A backslash that neither escapes a quote, white space or a backslash, nor is escaped itself.
_single_backslash = re.compile(r"(?<!\\)\\(?![\\\"'\s])")


def _backslashes_kept(text: str) -> str:
    """Return the text of a netrc file as the parser of this Python has to find it.

    ``DOMAIN\\user`` is written with one backslash for curl, and with two for the parser of Python 3.11 and later, to
    which a backslash is an escape; before that it was none. Here one and two mean one.
    """
    return text.replace("\\\\", "\\") if sys.version_info < (3, 11) else _single_backslash.sub(r"\\\\", text)


@lru_cache(maxsize=1)
def _read_netrc(path: str, changed: int) -> dict[str, Credentials]:
    """Read a netrc file. *changed* is a part of the cache's key: the login asks with each request on a connection."""
    import io
    from netrc import NetrcParseError, netrc

    class Netrc(netrc):
        def _parse(self, file: Any, fp: Any, *others: Any) -> None:
            super()._parse(file, io.StringIO(_backslashes_kept(fp.read())), *others)  # type: ignore[misc]  # typeshed lacks it

    try:
        hosts = Netrc(path).hosts
    except (NetrcParseError, OSError, UnicodeDecodeError):
        return {}
    return {
        host: Credentials(_unquoted(user), _unquoted(password or ""))
        for host, (user, _, password) in hosts.items()
        if host != "default"
    }


def _unquoted(word: str) -> str:
    """Return a word of a netrc file without the quotes that the parser before Python 3.11 leaves around it."""
    quoted = sys.version_info < (3, 11) and len(word) > 1 and word[0] == word[-1] == '"'
    return word[1:-1] if quoted else word
