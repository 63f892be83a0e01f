"""Basic access authentication (RFC 7617)."""

from __future__ import annotations

from base64 import b64encode

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, Peer
from coda_network._wire.challenge import Challenge


class Basic:
    """The Basic scheme for one user; its one header serves every request, from any thread."""

    name = "Basic"
    binds_connection = False

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._header: str | None = None

    @property
    def complete(self) -> bool:
        """True once the header was made: Basic has one leg."""
        return self._header is not None

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """The header value for a first challenge; a second one means that the answer was wrong."""
        if self._header is not None:
            raise CannotServe("Basic: the user name or password was refused")
        # RFC 7617 section 2.1: UTF-8 is the only charset that a challenge can name. Without one it is what the
        # password files of servers hold today, and what urllib and browsers send.
        pair = f"{self._credentials.username}:{self._credentials.password}"
        self._header = "Basic " + b64encode(_encoded(pair)).decode("ascii")
        return self._header

    def again(self, outgoing: Outgoing) -> str | None:
        """The same header value as before."""
        return self._header

    def accepted(self, info: str | None) -> None:
        """Nothing to look at: the peer proves nothing of itself."""


def create(credentials: Credentials | None, peer: Peer) -> Basic:
    """Return the scheme for one user; the peer plays no part in Basic.

    :raises CannotServe: there is no user, or the name has a colon, which would end it early (RFC 7617 section
    2)
    """
    if credentials is None:
        raise CannotServe("Basic: no user name given")
    if ":" in credentials.username:
        raise CannotServe("Basic: a user name with a colon in it cannot be sent")
    return Basic(credentials)


def _encoded(pair: str) -> bytes:
    try:
        # surrogateescape: bytes of the environment that were not UTF-8 go out as the bytes they were.
        return pair.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Not chained: the message of that exception shows characters of the password.
        raise CannotServe("Basic: the user name or password is not valid text") from None
