"""Whose credentials a login uses, and which schemes: what the handlers of an opener declare, then other sources."""

from __future__ import annotations

from coda_network._auth.credentials import Credentials
from coda_network._auth.registry import SCHEMES
from coda_network._auth.scheme import Role
from coda_network._transport.declared_logins import declared
from coda_network._transport.password_entries import find_site_password, find_user_password

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from coda_network._auth.credentials import CredentialSource
    from coda_network._auth.registry import Entry


def schemes(handlers: Iterable[Any], role: Role) -> Mapping[str, Entry]:
    """Return the schemes for logins in one role: the registry's, or what a handler of that role has in their place."""
    found = dict(SCHEMES)
    for handler in handlers:
        if own := getattr(handler, "login_schemes", None):
            declaration = declared(handler)
            if declaration is None or declaration[0] is role:
                found.update(own)
    return found


def _serves_session(scheme: str) -> bool:
    """Return whether a scheme logs in as the user of the session where no credentials are known."""
    if scheme != "ntlm":
        return scheme == "negotiate"
    from coda_network._auth.security_context import has_sspi

    return has_sspi()


class CredentialLookup:
    """Finds credentials by scheme for one request in one role, when a login asks.

    :param handlers: of the opener; what they declare comes first
    :param role: of the login
    :param url: without userinfo, for the password managers of sites
    :param authority: of the proxy, for the password managers of proxies
    :param other: serves every scheme where no handler knows anybody
    """

    def __init__(self, handlers: Iterable[Any], role: Role, url: str, authority: str, other: CredentialSource) -> None:
        self._handlers = handlers
        self._role = role
        self._url = url
        self._authority = authority
        self._other = other

    def get(self, scheme: str) -> CredentialSource | None:
        """Return the source of credentials for a scheme; None where the scheme is not to be used.

        :param scheme: its name in lower case
        """
        managers = self._managers(scheme)
        # The user of the session logs in at a site only where a handler says so: a site can make use of the ticket
        # (RFC 4559 section 7), and guess at the password behind NTLM.
        if not managers and self._role is Role.ORIGIN and _serves_session(scheme) and self._other(None) is None:
            return None
        find = find_site_password if self._role is Role.ORIGIN else find_user_password
        uris = [self._url] if self._role is Role.ORIGIN else [self._authority]
        if self._role is Role.PROXY and scheme == "digest":
            # The standard library asks for the URL here, so some programs gave the password for the URL.
            uris.append(self._url)

        def source(realm: str | None) -> Credentials | None:
            for manager in managers:
                for uri in uris:
                    user, password = find(manager, realm, uri)
                    if user is not None:
                        return Credentials(user, password or "")
            return self._other(realm)

        return source

    def expect_a_login(self) -> bool:
        """Return whether the program named somebody who may have to log in."""
        return any(self._managers(scheme) for scheme in SCHEMES) or self._other(None) is not None

    def _managers(self, scheme: str) -> list[Any]:
        found, wanted = [], (self._role, scheme)
        for handler in self._handlers:
            # Few handlers have a password manager, and others declare nothing.
            if hasattr(handler, "passwd") and declared(handler) == wanted:
                found.append(handler.passwd)
        return found
