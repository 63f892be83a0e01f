"""Who logs in for one request: at the proxy and at the site, as handlers, headers, URLs and netrc say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from coda_network._auth.credentials import Credentials, CredentialSource
from coda_network._auth.defaults import default_credentials
from coda_network._auth.login import Login
from coda_network._auth.memory import LoginMemory
from coda_network._auth.scheme import Peer, Role
from coda_network._route.choose import credentials_in_proxy_url
from coda_network._transport.credential_lookup import CredentialLookup, schemes
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._transport.prepared import PreparedRequest, split_login
from coda_network._wire.authority import split_authority


class RequestAuth:
    """Makes the logins of one request, and tells which connections it may use.

    :param handlers: of the opener; some of them declare logins
    :param memory: what was accepted where, None where nothing is kept
    """

    def __init__(
        self, url: str, prepared: PreparedRequest, handlers: Iterable[Any], memory: LoginMemory | None
    ) -> None:
        self._url = url
        self._prepared = prepared
        self._handlers = handlers
        self._memory = memory

    def login(self, kept: PooledConnection, role: Role) -> Login:
        """Return the login of a role on a connection, begun where there was none."""
        login = kept.login(role)
        if login is None:
            peer = self._peer(kept, role)
            login = Login(
                role,
                peer,
                self._sources(role, peer),
                schemes(self._handlers, role),
                memory=self._memory,
                preset_header=self._given(role),
                # Asked for by an attribute of the program's own Basic handler.
                allow_basic_after_failure=any(
                    getattr(handler, "allow_basic_after_failure", False) for handler in self._handlers
                ),
            )
            kept.set_login(role, login)
        return login

    def expects(self, kept: PooledConnection, role: Role) -> bool:
        """Tell whether the next request may be challenged by somebody to whom we could answer."""
        return self._sources(role, self._peer(kept, role)).expect_a_login() and self.login(kept, role).may_be_challenged

    def fits(self, kept: PooledConnection) -> bool:
        """Tell whether an idle connection can serve this request as far as its logins go, and prepare them."""
        for role, login in kept.logins(by_proxy=True):
            if role is Role.ORIGIN and self._prepared.by_proxy and login.peer != self._peer(kept, role):
                # One connection to a proxy serves many sites, but a login of one site only that site.
                if login.binds_connection:
                    return False
                kept.set_login(role, None)
                continue
            login.credentials, login.preset_header = self._sources(role, login.peer), self._given(role)
            # The one who opened a tunnel is its user, whatever the scheme.
            if not login.is_still_for_its_user(role is Role.PROXY and self._prepared.tunnel is not None):
                return False
        self.prepare(kept)
        return True

    def prepare(self, kept: PooledConnection) -> None:
        """Begin the logins that go out unasked: with a header of the program, or as accepted on another connection."""
        if not self._memory and "Authorization" not in self._prepared.headers and self._prepared.proxy_header is None:
            return
        for role in self.roles():
            if kept.login(role) is None and (self._given(role) is not None or self._is_known(kept, role)):
                self.login(kept, role)

    def _is_known(self, kept: PooledConnection, role: Role) -> bool:
        known = self._memory.recall(self._peer(kept, role)) if self._memory else None
        return known is not None and not known.scheme.binds_connection

    def roles(self) -> tuple[Role, ...]:
        """Return who reads the request."""
        return (Role.PROXY, Role.ORIGIN) if self._prepared.by_proxy else (Role.ORIGIN,)

    def _given(self, role: Role) -> str | None:
        """Return the header of a role that the program itself sends."""
        given: str | None = self._prepared.proxy_header
        return self._prepared.headers.get(role.authorization_header) if role is Role.ORIGIN else given

    def _sources(self, role: Role, peer: Peer) -> CredentialLookup:
        url = split_login(self._url)[1]
        return CredentialLookup(self._handlers, role, url, self._prepared.host, self._other(role, peer))

    def _other(self, role: Role, peer: Peer) -> CredentialSource:
        """Return who logs in where no handler knows anybody: named by a header, by a URL, or by nothing at all."""
        prepared, given = self._prepared, self._given(role)
        named = Credentials.from_basic_header(given) if given else None
        if role is Role.ORIGIN:
            named = named or prepared.credentials
        else:
            named = named or prepared.proxy_credentials or credentials_in_proxy_url(self._handlers, prepared.host)
        return default_credentials(peer) if named is None else lambda realm: named

    def _peer(self, kept: PooledConnection, role: Role) -> Peer:
        connection = kept.connection
        if role is Role.PROXY:
            return Peer(role, connection.host, connection.port)
        if self._prepared.by_proxy:
            authority = self._prepared.target.partition("://")[2].partition("/")[0]
            return Peer(role, *split_authority(authority, 80))
        if self._prepared.tunnel:
            host, port = connection._tunnel_host, connection._tunnel_port
        else:
            host, port = connection.host, connection.port
        certificate = None
        if hasattr(connection.sock, "getpeercert"):
            certificate = connection.sock.getpeercert(binary_form=True)
        return Peer(role, host, port, certificate)
