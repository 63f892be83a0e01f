"""The proxies that the environment names, for programs that ask for each request, as requests does."""

from __future__ import annotations

import os
import urllib.request

_stdlib_getproxies_environment = urllib.request.getproxies_environment


def getproxies_environment() -> dict[str, str]:
    """Return what urllib.request's function of this name returns, without reading an environment that names no proxy.

    :returns: scheme -> URL of its proxy, and ``"no"`` -> the hosts without one
    """
    return _stdlib_getproxies_environment() if names_a_proxy() else {}


# It stands in for urllib's function, and is shown and looked up by that one's name.
getproxies_environment.__module__ = urllib.request.__name__


def names_a_proxy() -> bool:
    """Return whether a variable of the environment may name a proxy."""
    # ``os.environ._data`` holds undecoded names; iterating ``os.environ`` decodes every one.
    names = list(getattr(os.environ, "_data", os.environ))
    if names and isinstance(names[0], bytes):
        return b"_proxy" in b"\0".join(names).lower()
    return "_proxy" in "\0".join(names).lower()
