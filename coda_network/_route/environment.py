"""The proxies that the environment names, for programs that ask for each request, as requests does."""

from __future__ import annotations

import os
import urllib.request

from coda_network._originals import kept

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

_stdlib_getproxies_environment = kept(urllib.request, "getproxies_environment")


def getproxies_environment() -> dict[str, str]:
    """Return what urllib.request's function of this name returns, without reading an environment that names no proxy.

    A backslash, as people write it in ``DOMAIN\\user``, comes percent-encoded, because urllib3 would read the domain
    as the host.

    :returns: scheme -> URL of its proxy, and ``"no"`` -> the hosts without one
    """
    if not names_a_proxy():
        return {}
    proxies = _stdlib_getproxies_environment()
    for scheme, url in proxies.items():
        if "\\" in url:
            proxies[scheme] = url.replace("\\", "%5C")
    return proxies  # type: ignore[no-any-return]  # urllib's dict


# It stands in for urllib's function, and is shown and looked up by that one's name.
getproxies_environment.__module__ = urllib.request.__name__


def names_a_proxy() -> bool:
    """Return whether a variable of the environment may name a proxy."""
    # ``os.environ._data`` holds undecoded names; iterating ``os.environ`` decodes every one.
    names = list(getattr(os.environ, "_data", os.environ))
    if names and isinstance(names[0], bytes):
        return b"_proxy" in b"\0".join(names).lower()
    return "_proxy" in "\0".join(names).lower()


def no_proxy() -> str | bytes:
    """Return the value of ``no_proxy`` as ``getproxies_environment()`` finds it; empty where there is none.

    Each request by way of a proxy asks. ``getproxies_environment()`` reads every variable, which took 59 of the 74 µs
    that a proxy added to a request, twice.

    :returns: as it is in the environment: bytes where the system has bytes
    """
    variables: Any = getattr(os.environ, "_data", None)
    code = getattr(urllib.request.getproxies_environment, "__code__", None)
    if variables is None or not (code is _THEIRS or code is _OURS):
        return urllib.request.getproxies_environment().get("no", "")
    if os.name == "nt":
        return variables.get("NO_PROXY", "")  # type: ignore[no-any-return]  # a str
    global _counted
    names = tuple(variables)
    known, spellings = _counted
    if names != known:  # the names rarely change, and to compare them takes a third of the time
        spellings = (b"\0" + b"\0\0".join(names).lower() + b"\0").count(b"\0no_proxy\0")
        _counted = names, spellings
    if not spellings:
        return b""
    lower, upper = variables.get(b"no_proxy"), variables.get(b"NO_PROXY")
    if spellings != (lower is not None) + (upper is not None):  # ``No_Proxy`` and the like, which rarely anybody has
        return urllib.request.getproxies_environment().get("no", "")
    return (upper if lower is None else lower) or b""


_counted: tuple[tuple[bytes, ...], int] = ((), 0)
"""The names of the environment, and how many of them are a spelling of ``no_proxy``."""

# By their code: what the patch puts there is a copy of our function.
_THEIRS, _OURS = _stdlib_getproxies_environment.__code__, getproxies_environment.__code__
