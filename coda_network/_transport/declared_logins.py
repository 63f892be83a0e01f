"""The login that a handler declares: for the proxy or the site, and by which scheme."""

from __future__ import annotations

import weakref

from coda_network._auth.scheme import Role
from coda_network._originals import urllib_request

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from coda_network._auth.credentials import Credentials

# Our handlers have ``login_declaration``; those of the standard library lack it where they are not patched.
_OF_THE_STDLIB: dict[type, tuple[str, str]] = {
    urllib_request.HTTPBasicAuthHandler: ("ORIGIN", "basic"),
    urllib_request.ProxyBasicAuthHandler: ("PROXY", "basic"),
    urllib_request.HTTPDigestAuthHandler: ("ORIGIN", "digest"),
    urllib_request.ProxyDigestAuthHandler: ("PROXY", "digest"),
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
    kind = type(handler)
    try:
        return _known[kind]
    except KeyError:
        found = _known[kind] = _declared_by(kind)
        return found


# A login asks each handler of its opener for each scheme. A class of a function's own ends with its opener.
_known: weakref.WeakKeyDictionary[type, tuple[Role, str] | None] = weakref.WeakKeyDictionary()


class DeclaredLogins:
    """What the handlers of one opener declare, for as long as it has the same ones: each request with a login asks.

    :param handlers: of the opener
    """

    __slots__ = ("by_login", "credentials", "handlers", "proxy_handlers")

    def __init__(self, handlers: Iterable[Any]) -> None:
        self.handlers = tuple(handlers)
        self.by_login: dict[tuple[Role, str], list[Any]] = {}
        self.proxy_handlers = [each for each in self.handlers if isinstance(each, urllib_request.ProxyHandler)]
        for handler in self.handlers:
            if (found := declared(handler)) is not None:
                self.by_login.setdefault(found, []).append(handler)
        # The answer of a password manager in each role, and the credentials that were made of it.
        self.credentials: dict[Role, tuple[Any, Credentials]] = {}


def _declared_by(handler_class: type) -> tuple[Role, str] | None:
    for base in handler_class.__mro__:
        own = vars(base)
        declaration = own.get("login_declaration") or _OF_THE_STDLIB.get(base)
        if declaration is not None:
            role, scheme = declaration
            return Role[role], scheme
        if not _OWN_WAY.isdisjoint(own):
            return None
    return None
