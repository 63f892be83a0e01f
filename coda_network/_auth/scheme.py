"""What a login scheme is: the types that the schemes share with the login that drives them."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import IO, NamedTuple, Protocol

from coda_network._auth.credentials import Credentials, CredentialSource
from coda_network._wire.challenge import Challenge


class Role(Enum):
    """Who asks for the login: a proxy or the origin server. Each has its own status and fields."""

    __hash__ = object.__hash__  # Enum's own is a function in Python, called ten times a request that is logged in

    PROXY = (407, "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Authentication-Info")
    ORIGIN = (401, "WWW-Authenticate", "Authorization", "Authentication-Info")

    def __init__(self, status: int, challenge_header: str, authorization_header: str, info_header: str) -> None:
        # RFC 9110 sections 11.6 (origin) and 11.7 (proxy).
        self.status = status
        self.challenge_header = challenge_header
        self.authorization_header = authorization_header
        self.info_header = info_header


class Outgoing(NamedTuple):
    """The parts of a request that a scheme may sign.

    :param method: of the request
    :param uri: the request target, exactly as on the request line: in origin-form, in absolute-form for a proxy, in
        authority-form for CONNECT
    :param body: None where there is none; a file must be able to seek back to its position
    """

    method: str
    uri: str
    body: bytes | IO[bytes] | None = None


class Peer(NamedTuple):
    """The party that asks for the login.

    :param role: proxy or origin server
    :param host: the name that the user gave, without brackets: it is part of the service principal, ``HTTP@host``
    :param port: a number
    :param tls_certificate: the peer's certificate in DER form, for channel binding (RFC 5929); None without TLS
    """

    role: Role
    host: str
    port: int
    tls_certificate: bytes | None = None


class HeaderSection(Protocol):
    """What a login reads of a response: ``http.client``'s ``response.headers`` is one."""

    def get_all(self, name: str, /) -> list[str] | None:
        """Return the values of all fields of that name; None where there is none."""


class SourceTable(Protocol):
    """A source of credentials for each scheme, by its name in lower case; a dictionary is one."""

    def get(self, scheme: str, /) -> CredentialSource | None:
        """Return the source; None where the scheme is not to be used."""


class CannotServe(Exception):
    """A scheme cannot go on: a library is missing, the challenge cannot be used, the login was refused.

    The text is for people. It begins with the scheme's name ("NTLM: pyspnego is not installed") and has no secret in
    it, neither a password nor a token.
    """


class PasswordRefused(CannotServe):
    """The KDC of Kerberos has refused the password, before anything was sent to the peer."""


class PeerUnproven(OSError):
    """The peer accepted the login, but its own proof of who it is, the last token of Negotiate, is wrong."""


class Scheme(Protocol):
    """One login with one scheme: ``step()`` for each challenge until ``complete``.

    A scheme that binds its connection (NTLM, Negotiate) belongs to that connection. A scheme that does not (Basic,
    Digest) may be shared by all connections to the same peer once its login was accepted: several threads then call
    ``again()``, so state such as a nonce count needs a lock of its own.

    A login makes a new object by the scheme's factory when it begins. Until the peer accepts, it calls ``step()`` on
    the same object with each further challenge for the scheme. A challenge with a token goes on with the handshake. One
    without a token is a refusal, unless the scheme has another way to begin. After ``complete`` any challenge is a
    refusal, except for a Digest challenge with ``stale=true``. A shared Digest also gets the challenge which says that
    an accepted nonce has become stale.
    """

    @property
    def name(self) -> str:
        """Return the scheme's name as on the wire: "Basic", "Digest", "NTLM", "Negotiate"."""

    @property
    def binds_connection(self) -> bool:
        """Return whether the login is valid for the connection; if not, each request carries an authorization."""

    @property
    def complete(self) -> bool:
        """Return whether the last authorization was the final one of the handshake."""

    @property
    def may_suffice(self) -> bool:
        """Return whether the peer may let a request in with the last authorization: a body goes with it.

        A ticket of Kerberos does, though the peer may still ask for more; the first message of NTLM does not.
        """

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """Return the authorization for *challenge*.

        :raises CannotServe: there is none; the text says why
        """

    def again(self, outgoing: Outgoing) -> str | None:
        """Return the authorization for one more request after an accepted login; None where it needs none."""

    def accepted(self, info: str | None) -> None:
        """Note that the peer has accepted the login, and check the peer's own proof if it sent one.

        :param info: the value of (Proxy-)Authentication-Info, for Digest, or of the challenge field that has the
            peer's last token ("Negotiate oYG..."); None if it sent neither
        :raises CannotServe: the proof is wrong: the peer itself does not know the password or the key
        """


SchemeFactory = Callable[[Credentials | None, Peer], Scheme]
"""The function ``create()`` in the module of each scheme.

Credentials are None for Negotiate only, which then takes the tickets of the user's session. It raises ``CannotServe``
where, for example, an optional library is missing.
"""
