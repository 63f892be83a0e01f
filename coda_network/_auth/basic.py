"""Basic access authentication (RFC 7617)."""

from __future__ import annotations

from base64 import b64encode

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, Peer
from coda_network._wire.challenge import Challenge


class Basic:
    """The Basic scheme for one user; its one authorization serves every request, from any thread."""

    name = "Basic"
    binds_connection = False

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._header: str | None = None

    @property
    def complete(self) -> bool:
        """Return whether the authorization was made: Basic takes one step."""
        return self._header is not None

    @property
    def may_suffice(self) -> bool:
        """Return True: each authorization is a whole login."""
        return True

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """Return the authorization for a first challenge.

        :raises CannotServe: the challenge is a second one: the peer has refused the authorization
        """
        if self._header is not None:
            raise CannotServe("Basic: the user name or password was refused")
        # RFC 7617 section 2.1: a challenge can name no charset but UTF-8. Where it names none, UTF-8 is still what
        # servers' password files have today, and what urllib and browsers send.
        pair = f"{self._credentials.username}:{self._credentials.password}"
        self._header = "Basic " + b64encode(_encoded(pair)).decode("ascii")
        return self._header

    def again(self, outgoing: Outgoing) -> str | None:
        """Return the same authorization as before."""
        return self._header

    def accepted(self, info: str | None) -> None:
        """Do nothing: in Basic the peer sends no proof."""


def create(credentials: Credentials | None, peer: Peer) -> Basic:
    """Return the scheme for one user; the peer plays no part in Basic.

    :raises CannotServe: there is no user, or the name has a colon, which would end it early (RFC 7617 section 2)
    """
    if credentials is None:
        raise CannotServe("Basic: no user name given")
    if ":" in credentials.username:
        raise CannotServe("Basic: a user name with a colon in it cannot be sent")
    return Basic(credentials)


def _encoded(pair: str) -> bytes:
    try:
        # surrogateescape: bytes from the environment that are not UTF-8 are sent as they are.
        return pair.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        # Not chained: the message of the UnicodeEncodeError shows characters of the password.
        raise CannotServe("Basic: the user name or password is not valid text") from None
