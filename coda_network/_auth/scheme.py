"""What a login scheme is: the vocabulary that the schemes and the login which drives them share."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import IO, NamedTuple, Protocol

from coda_network._auth.credentials import Credentials
from coda_network._wire.challenge import Challenge


class Role(Enum):
    """Who asks for the login: a proxy or the origin server; each has its own status and header fields."""

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

    `uri` is written exactly as on the request line: a path, the absolute form for a plain proxy, or
    `host:port` for CONNECT. `body` is None where there is none; a file must be able to seek back to where it
    stands.
    """

    method: str
    uri: str
    body: bytes | IO[bytes] | None = None


class Peer(NamedTuple):
    """The party that asks for the login.

    `host` has no brackets and is the name that the user gave, so that the service principal is `HTTP@host`.
    `tls_certificate` is the peer's certificate in DER form for channel binding (RFC 5929), None without TLS.
    """

    role: Role
    host: str
    port: int
    tls_certificate: bytes | None = None


class CannotServe(Exception):
    """A scheme cannot go on: a library is missing, the challenge is not usable, the login was refused.

    The text is shown to people: it begins with the scheme's name ("NTLM: pyspnego is not installed") and
    holds no secret, neither passwords nor tokens.
    """


class PasswordRefused(CannotServe):
    """The password has been judged, and refused, before anything was sent to the peer: by the KDC of Kerberos."""


class PeerUnproven(OSError):
    """The peer has let us in, and its own proof of who it is, the last token of Negotiate, is wrong."""


class Scheme(Protocol):
    """One login with one scheme: `step` for each challenge until `complete`.

    A scheme that binds its connection (NTLM, Negotiate) lives on that connection only. One that does not
    (Basic, Digest) may be shared by all connections to the same peer after its login was accepted: `again` is
    then called from several threads, so state such as a nonce count has its own lock.

    A login makes a new object through the scheme's factory when it begins. It calls `step` again on the same
    object with each challenge for the scheme that follows before the peer has accepted: with the next token
    of the handshake; without a token, which is a refusal unless the scheme has another way to begin; after
    `complete`, which is always a refusal, unless a Digest challenge says `stale=true`. A shared Digest is
    also asked when the nonce that it was accepted with has become stale.
    """

    @property
    def name(self) -> str:
        """The scheme's name as on the wire: "Basic", "Digest", "NTLM", "Negotiate"."""

    @property
    def binds_connection(self) -> bool:
        """Whether the login holds for the connection (True) or is repeated with each request (False)."""

    @property
    def complete(self) -> bool:
        """Whether the header given out last was the last leg."""

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """The header value that answers `challenge`. Raises CannotServe, whose text says why not."""

    def again(self, outgoing: Outgoing) -> str | None:
        """The header value for a further request after a login that was accepted; None if none is needed."""

    def accepted(self, info: str | None) -> None:
        """The peer has accepted.

        `info` is its (Proxy-)Authentication-Info, for Digest, or the challenge header with its last token
        ("Negotiate oYG..."); None if it sent neither. Raises CannotServe if what the peer sent proves that it
        does not itself know the password or the key.
        """


# What each scheme's module offers as `create`. Credentials are None only for Negotiate (tickets of the user's
# own session). Raises CannotServe, for example where an optional library is missing.
SchemeFactory = Callable[[Credentials | None, Peer], Scheme]
