"""Whose credentials a login uses, and which schemes: what the handlers of an opener declare, then other sources."""

from __future__ import annotations

import functools

from coda_network._auth.credentials import Credentials
from coda_network._auth.defaults import default_credentials
from coda_network._auth.registry import SCHEMES
from coda_network._auth.scheme import Role
from coda_network._route.choose import credentials_in_proxy_url
from coda_network._transport.declared_logins import declared
from coda_network._transport.password_entries import find_site_password, find_user_password
from coda_network._wire.origin import is_stranger

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from coda_network._auth.credentials import CredentialSource
    from coda_network._auth.registry import Entry
    from coda_network._auth.scheme import Peer
    from coda_network._transport.declared_logins import DeclaredLogins
    from coda_network._transport.prepared import PreparedRequest


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

    :param declared: what the handlers of the opener declare comes first
    :param role: of the login
    :param peer: who asks for it; without a certificate
    :param url: without userinfo, for the password managers of sites
    :param prepared: the request
    :param preset_header: the authorization that the program itself sends
    :param request: the ``Request`` of the program
    """

    # What serves every scheme where no handler knows anybody; found when somebody asks.
    _found_elsewhere: CredentialSource | None = None

    def __init__(
        self,
        declared: DeclaredLogins,
        role: Role,
        peer: Peer,
        url: str,
        prepared: PreparedRequest,
        preset_header: str | None,
        request: Any,
    ) -> None:
        self._declared = declared
        self._role = role
        self._peer = peer
        self._url = url
        self._prepared = prepared
        self._preset_header = preset_header
        self._request = request

    def get(self, scheme: str) -> CredentialSource | None:
        """Return the source of credentials for a scheme; None where the scheme is not to be used.

        :param scheme: its name in lower case
        """
        role, managers = self._role, []
        for handler in self._declared.by_login.get((role, scheme), ()):
            if hasattr(handler, "passwd"):
                managers.append(handler.passwd)
        if managers:
            return functools.partial(self._find, managers, scheme)
        # The user of the session logs in at a site only where a handler says so: a site can make use of the ticket
        # (RFC 4559 section 7), and guess at the password behind NTLM.
        if role is Role.ORIGIN and _serves_session(scheme) and self._find_elsewhere(None) is None:
            return None
        return self._find_elsewhere

    def expect_a_login(self) -> bool:
        """Return whether the program named somebody who may have to log in."""
        for scheme in SCHEMES:
            for handler in self._declared.by_login.get((self._role, scheme), ()):
                if hasattr(handler, "passwd"):
                    return True
        return self._find_elsewhere(None) is not None

    def _find(self, managers: list[Any], scheme: str, realm: str | None) -> Credentials | None:
        role, url = self._role, self._url
        for manager in managers:
            if role is Role.ORIGIN:
                found = find_site_password(manager, realm, url)
            else:
                found = find_user_password(manager, realm, self._prepared.host)
                if scheme == "digest" and found[0] is None:
                    # The standard library asks for the URL here, so some programs gave the password for the URL.
                    found = find_user_password(manager, realm, url)
            if found[0] is not None:
                # Most often the very answer that the manager gave to the last request.
                known = self._declared.credentials.get(role)
                if known is None or known[0] is not found:
                    known = self._declared.credentials[role] = found, Credentials(found[0], found[1] or "")
                return known[1]
        return self._find_elsewhere(realm)

    def _find_elsewhere(self, realm: str | None) -> Credentials | None:
        source = self._found_elsewhere
        if source is None:
            source = self._found_elsewhere = self._elsewhere()
        return source(realm)

    def _elsewhere(self) -> CredentialSource:
        """Return who logs in where no handler knows anybody: as a header field, a URL or netrc says."""
        prepared = self._prepared
        found = Credentials.from_basic_header(self._preset_header) if self._preset_header else None
        if self._role is Role.ORIGIN:
            found = found or prepared.credentials
        else:
            found = found or prepared.proxy_credentials
            found = found or credentials_in_proxy_url(self._declared.proxy_handlers, prepared.host)
        if found is not None:
            return lambda realm: found
        # ``patch(credentials=pair)`` names no site: it is for those that the program itself asks for.
        return default_credentials(self._peer, named_only=self._role is Role.ORIGIN and is_stranger(self._request))
