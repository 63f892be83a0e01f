"""Who logs in for one request, at the proxy and at the site: what handlers, header fields, URLs and netrc say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from coda_network._auth.login import Login
from coda_network._auth.scheme import Peer, Role
from coda_network._transport.credential_lookup import CredentialLookup, schemes
from coda_network._transport.declared_logins import DeclaredLogins
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._transport.prepared import PreparedRequest, take_userinfo
from coda_network._transport.session import Session
from coda_network._wire.authority import split_authority

_new = tuple.__new__  # makes a NamedTuple without a function of Python, for each request with a login


class Party(NamedTuple):
    """One role in a request: the same on every connection that the request may use."""

    peer: Peer
    """Without a certificate: that is a connection's own."""
    preset_header: str | None
    """The authorization that the program itself sends."""
    credentials: CredentialLookup

    def __repr__(self) -> str:
        return f"<Party {self.peer}>"


class RequestAuth:
    """Makes the logins of one request, and says which connections it may use.

    :param url: of the request
    :param prepared: the request
    :param handlers: of the opener; some of them declare logins
    :param session: of the opener, which remembers what was accepted where; None where nothing is remembered
    """

    # Found when a login first asks; most requests have none.
    _proxy: Party | None = None
    _origin: Party | None = None

    def __init__(
        self,
        url: str,
        prepared: PreparedRequest,
        handlers: Iterable[Any],
        session: Session | None,
        request: Any = None,
    ) -> None:
        self._request = request
        self._url = url
        self._prepared = prepared
        self._handlers = handlers
        self._session = session
        self._memory = None if session is None else session.memory

    def keep_cookies(self, response: Any) -> str | None:
        """Take the cookies of a challenge into the program's jars; return the Cookie field to send with the login."""
        if self._request is None:
            return None
        from coda_network._transport.challenge_cookies import keep_cookies

        return keep_cookies(self._request, self._handlers, response)

    def roles(self) -> tuple[Role, ...]:
        """Return the roles of those who read the request."""
        return (Role.PROXY, Role.ORIGIN) if self._prepared.absolute_form else (Role.ORIGIN,)

    def login(self, pooled: PooledConnection, role: Role) -> Login:
        """Return the login of a role on a connection, a new one where there was none."""
        login = pooled.login(role)
        if login is None:
            party = self._party(pooled, role)
            login = Login(
                role,
                party.peer,
                party.credentials,
                schemes(self._handlers, role),
                memory=self._memory,
                preset_header=party.preset_header,
                # Asked for by an attribute of the program's own Basic handler.
                allow_basic_after_failure=any(
                    getattr(handler, "allow_basic_after_failure", False) for handler in self._handlers
                ),
            )
            pooled.set_login(role, login)
        if (role is Role.PROXY) is self._prepared.absolute_form:
            # The party at the other end of the socket. A login may be older than the TLS connection, to whose
            # certificate it can be bound (RFC 5929).
            certificate = pooled.certificate()
            if certificate is not None:
                login.peer = login.peer._replace(tls_certificate=certificate)
        return login

    def expects(self, pooled: PooledConnection, role: Role) -> bool:
        """Return whether the next request may meet a challenge that could be met: somebody is named, or was let in."""
        party = self._party(pooled, role)
        # A ticket names nobody.
        is_known = self._memory is not None and self._memory.recall(party.peer) is not None
        return (is_known or party.credentials.expect_a_login()) and self.login(pooled, role).may_be_challenged

    def fits(self, pooled: PooledConnection) -> bool:
        """Return whether the logins of an idle connection let it serve this request, and make them ready for it."""
        if pooled.proxy_login is not None or pooled.origin_login is not None:
            return self._fits_logins(pooled)
        prepared, memory = self._prepared, self._memory
        if (
            memory is None
            or memory.roles
            or prepared.proxy_authorization is not None
            or "Authorization" in prepared.headers
        ):
            self.begin_unasked(pooled)
        return True

    def _fits_logins(self, pooled: PooledConnection) -> bool:
        prepared = self._prepared
        if (login := pooled.proxy_login) is not None:
            party = self._party(pooled, Role.PROXY)
            login.credentials, login.preset_header = party.credentials, party.preset_header
            # A tunnel belongs to the user who opened it, even with Basic or Digest.
            if not login.is_still_for_its_user(prepared.tunnel is not None):
                return False
        if (login := pooled.origin_login) is not None:
            party = self._party(pooled, Role.ORIGIN)
            if prepared.absolute_form and login.peer != party.peer:
                # A connection to a proxy serves many sites, but the login of a site serves that site only.
                if login.binds_connection:
                    return False
                pooled.origin_login = None
            else:
                login.credentials, login.preset_header = party.credentials, party.preset_header
                if not login.is_still_for_its_user():
                    return False
        self.begin_unasked(pooled)
        return True

    def begin_unasked(self, pooled: PooledConnection) -> None:
        """Begin the logins that go out before a challenge: a header of the program, or one accepted before."""
        prepared = self._prepared
        accepted = () if self._memory is None else self._memory.roles
        if pooled.proxy_login is None and (prepared.proxy_authorization is not None or Role.PROXY in accepted):
            self._begin_unasked(pooled, Role.PROXY)
        if pooled.origin_login is None and (Role.ORIGIN in accepted or "Authorization" in prepared.headers):
            self._begin_unasked(pooled, Role.ORIGIN)

    def _begin_unasked(self, pooled: PooledConnection, role: Role) -> None:
        if role in self.roles():
            party = self._party(pooled, role)
            if party.preset_header is not None or self._was_accepted(party.peer):
                self.login(pooled, role)

    def _was_accepted(self, peer: Peer) -> bool:
        """Return whether a scheme that goes with each request was accepted by *peer* before."""
        attempt = None if self._memory is None else self._memory.recall(peer)
        return attempt is not None and not attempt.scheme.binds_connection

    def _party(self, pooled: PooledConnection, role: Role) -> Party:
        """Return what is known about a role; asked for once, as every connection of this request has the same peers."""
        party = self._proxy if role is Role.PROXY else self._origin
        if party is None:
            party = self._find_party(pooled, role)
            if role is Role.PROXY:
                self._proxy = party
            else:
                self._origin = party
        return party

    def _find_party(self, pooled: PooledConnection, role: Role) -> Party:
        prepared = self._prepared
        if role is Role.PROXY:
            peer = _new(Peer, (role, pooled.connection.host, pooled.connection.port, None))
            preset = prepared.proxy_authorization
        else:
            peer = Peer(role, *self._site(pooled))
            preset = prepared.headers.get(role.authorization_header)
            if isinstance(preset, bytes):
                preset = preset.decode("latin-1")
        url = take_userinfo(self._url)[1] if "@" in self._url else self._url
        session = self._session
        declared = DeclaredLogins(self._handlers) if session is None else session.declared(self._handlers)
        lookup = CredentialLookup(declared, role, peer, url, prepared, preset, self._request)
        return _new(Party, (peer, preset, lookup))

    def _site(self, pooled: PooledConnection) -> tuple[str, int]:
        if self._prepared.absolute_form:
            return split_authority(self._prepared.target.partition("://")[2].partition("/")[0], 80)
        return pooled.far_end()
