"""The proxies that the environment names, for programs that ask again and again, as requests does for each request."""

from __future__ import annotations

import os
import urllib.request

_stdlib_getproxies_environment = urllib.request.getproxies_environment


def getproxies_environment() -> dict[str, str]:
    """Return what urllib.request's function of this name does: scheme -> URL of its proxy.

    That one reads the whole environment. Where no name in it is that of a proxy there is nothing to find.
    """
    return _stdlib_getproxies_environment() if names_a_proxy() else {}


# What programs see of it is that it stands in for that function.
getproxies_environment.__module__ = urllib.request.__name__


def names_a_proxy() -> bool:
    """Tell whether a variable of the environment may name a proxy."""
    # Behind os.environ the names are as the system has them; to ask os.environ is to decode each.
    names = list(getattr(os.environ, "_data", os.environ))
    if names and isinstance(names[0], bytes):
        return b"_proxy" in b"\0".join(names).lower()
    return "_proxy" in "\0".join(names).lower()
