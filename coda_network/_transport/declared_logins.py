"""The login that a handler declares: for the proxy or the site, and with which scheme."""

from __future__ import annotations

import urllib.request

from coda_network._auth.scheme import Role

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

# Handlers of ours have ``login_declaration``; those of the standard library, where it is not patched, cannot.
_OF_THE_STDLIB: dict[type, tuple[str, str]] = {
    urllib.request.HTTPBasicAuthHandler: ("ORIGIN", "basic"),
    urllib.request.ProxyBasicAuthHandler: ("PROXY", "basic"),
    urllib.request.HTTPDigestAuthHandler: ("ORIGIN", "digest"),
    urllib.request.ProxyDigestAuthHandler: ("PROXY", "digest"),
}
_OWN_WAY = {
    "http_error_401",
    "http_error_407",
    "http_error_auth_reqed",
    "retry_http_basic_auth",
    "retry_http_digest_auth",
    "get_authorization",
}


def declared(handler: Any) -> tuple[Role, str] | None:
    """Return the role and the scheme that *handler* declares; None where it overrides how to log in."""
    for base in type(handler).__mro__:
        own = vars(base)
        declaration = own.get("login_declaration") or _OF_THE_STDLIB.get(base)
        if declaration is not None:
            role, scheme = declaration
            return Role[role], scheme
        if not _OWN_WAY.isdisjoint(own):
            return None
    return None
