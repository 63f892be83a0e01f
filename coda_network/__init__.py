"""The standard library's HTTP client, through any proxy, with its connections kept alive.

``patch()`` gives ``http.client`` and ``urllib.request`` the abilities of ``coda_network.httplib`` and
``coda_network.urllib2`` under their own names; ``unpatch()`` takes them away again, and ``patched()`` is both, as a
context manager or a decorator.

The package itself imports nothing: every name below is loaded when it is first used, so that ``import coda_network``
costs next to nothing in a program that may never open a connection.
"""

from __future__ import annotations

from coda_network._version import __version__

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from coda_network import connect as connect
    from coda_network import filesystem as filesystem
    from coda_network import httplib as httplib
    from coda_network import mini_proxy as mini_proxy
    from coda_network import negotiate_auth as negotiate_auth
    from coda_network import ntlm_auth as ntlm_auth
    from coda_network import proxies as proxies
    from coda_network import token_auth as token_auth
    from coda_network import urllib2 as urllib2
    from coda_network import utilities as utilities
    from coda_network._net.timeout import Timeout as Timeout
    from coda_network._patch import is_patched as is_patched
    from coda_network._patch import patch as patch
    from coda_network._patch import patched as patched
    from coda_network._patch import unpatch as unpatch
    from coda_network.connect import create_connection as create_connection
    from coda_network.utilities import build_opener as build_opener
    from coda_network.utilities import create_download_handle as create_download_handle
    from coda_network.utilities import do_download as do_download

__all__ = [
    "Timeout",
    "__version__",
    "build_opener",
    "connect",
    "create_connection",
    "create_download_handle",
    "do_download",
    "filesystem",
    "httplib",
    "is_patched",
    "mini_proxy",
    "negotiate_auth",
    "ntlm_auth",
    "patch",
    "patched",
    "proxies",
    "token_auth",
    "unpatch",
    "urllib2",
    "utilities",
]

_MODULES = frozenset(
    {
        "connect",
        "filesystem",
        "httplib",
        "mini_proxy",
        "negotiate_auth",
        "ntlm_auth",
        "proxies",
        "token_auth",
        "urllib2",
        "utilities",
    }
)

# Short name -> the module that defines it.
_HOMES = {
    "Timeout": "_net.timeout",
    "build_opener": "utilities",
    "create_connection": "connect",
    "create_download_handle": "utilities",
    "do_download": "utilities",
    "is_patched": "_patch",
    "patch": "_patch",
    "patched": "_patch",
    "unpatch": "_patch",
}


if not TYPE_CHECKING:  # for a type checker it would make any name at all an attribute

    def __getattr__(name: str) -> object:
        """Load a public name on its first use (PEP 562)."""
        home = name if name in _MODULES else _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = import_module(f"{__name__}.{home}")
        if name in _HOMES:
            found = getattr(found, name)
            globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted(set(globals()).union(__all__))
