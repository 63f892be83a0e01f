"""The entry of a password manager that answered last time: the standard library's walk through all of theirs each time.

A login asks for each request whether the program still names the same user. A manager of 10,000 entries took a
millisecond of it; the entry that answered is now looked at first.
"""

from __future__ import annotations

import urllib.request
import weakref

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    # Where a manager has an answer: in which realm, under which key; the answer itself; and which entries there were.
    Entry = tuple[str | None, Any, tuple[str, str], tuple[int, Any]]

_KINDS = (
    urllib.request.HTTPPasswordMgr,
    urllib.request.HTTPPasswordMgrWithDefaultRealm,
    urllib.request.HTTPPasswordMgrWithPriorAuth,
)
_stdlib_find = urllib.request.HTTPPasswordMgr.find_user_password
_METHODS = frozenset({"find_user_password", "is_suburi", "reduce_uri"})

MEMORY = 64
"""Questions to one manager whose entries are remembered."""

# By manager. A WeakKeyDictionary is the same, with a function of Python for each look.
_entries: dict[weakref.ref[Any], dict[tuple[str | None, str], Entry]] = {}


def _forget(manager: weakref.ref[Any]) -> None:
    _entries.pop(manager, None)


def find_user_password(manager: Any, realm: str | None, uri: str) -> tuple[str | None, str | None]:
    """Return what the method of this name of a password manager returns.

    The entry that answered is taken again for as long as it is there, and no other has come or gone: the manager
    compares with the default port of the scheme first, so a later entry may fit before an earlier one.

    :param manager: the standard library's; a program's own is asked each time
    """
    # As _is_theirs() and _entries_of() say, without the calls: each request with a login asks.
    kind = type(manager)
    theirs = _THEIRS.get(kind)
    if (
        theirs is None
        or kind.find_user_password is not theirs[0]
        or kind.is_suburi is not theirs[1]
        or kind.reduce_uri is not theirs[2]
        or not _METHODS.isdisjoint(vars(manager))
    ):
        return manager.find_user_password(realm, uri)  # type: ignore[no-any-return]  # of a class of the program
    tables: dict[str | None, dict[Any, tuple[str, str]]] = manager.passwd
    known = _entries.get(weakref.ref(manager))
    if known is None:
        known = _entries[weakref.ref(manager, _forget)] = {}
    elif (entry := known.get((realm, uri))) is not None:
        place, key, answer, (count, last) = entry
        table = tables.get(place)
        if (
            table is not None
            and table.get(key) is answer
            # The entries without a realm are asked where those of the realm have no answer.
            and (place == realm or not tables.get(realm))
            and len(table) == count
            and next(reversed(table)) == last
        ):
            return answer
    if len(known) >= MEMORY:
        known.clear()
    # As the classes do it, by the method that returns the very entry that it has found.
    for place in (realm,) if type(manager) is urllib.request.HTTPPasswordMgr else (realm, None):
        found = _stdlib_find(manager, place, uri)  # type: ignore[arg-type]  # None is the default realm
        if found[0] is not None:
            for key, answer in tables[place].items():
                if answer is found:
                    known[realm, uri] = place, key, answer, _entries_of(tables[place])
                    break
            return found
    return None, None


def _entries_of(table: dict[Any, tuple[str, str]]) -> tuple[int, Any]:
    """Return what changes when an entry comes or goes: new ones stand last."""
    return len(table), next(reversed(table), None)


def find_site_password(manager: Any, realm: str | None, url: str) -> tuple[str | None, str | None]:
    """Return who logs in at a site, as ``find_user_password()``; a password for https does not answer http.

    The standard library's managers keep ``https://host/`` as ``host`` as well, and so it fits ``http://host/``.
    """
    scheme, _, rest = url.partition("://")
    end = next((place for place, letter in enumerate(rest) if letter in "/?#"), len(rest))
    authority, path = rest[:end], rest[end:]
    if scheme.lower() != "http" or authority.rpartition("]")[2].count(":") or not _is_theirs(manager):
        return find_user_password(manager, realm, url)
    by_port = find_user_password(manager, realm, f"http://{authority}:80{path}")
    if by_port[0] is not None:
        return by_port
    found = find_user_password(manager, realm, url)
    if found[0] is not None and found == find_user_password(manager, realm, f"https://{authority}:443{path}"):
        return None, None
    return found


def _is_theirs(manager: Any) -> bool:
    """Return whether a manager answers as the standard library's do: nobody has replaced a part of it."""
    kind = type(manager)
    return _THEIRS.get(kind) == _methods(kind) and _METHODS.isdisjoint(vars(manager))


def _methods(kind: Any) -> tuple[Any, ...]:
    return (
        getattr(kind, "find_user_password", None),
        getattr(kind, "is_suburi", None),
        getattr(kind, "reduce_uri", None),
    )


_THEIRS = {kind: _methods(kind) for kind in _KINDS}
