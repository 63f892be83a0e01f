"""NTLM over HTTP (MS-NTHT): NTLMv2 with message integrity code and channel binding (MS-NLMP), by pyspnego."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Protocol

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, Peer
from coda_network._auth.security_context import SecurityContext, decode_token, encode_token, has_sspi, load_spnego
from coda_network._auth.tokens import with_all_fields
from coda_network._wire.challenge import Challenge


class Messages(Protocol):
    """What makes the two messages of the client (MS-NLMP sections 2.2.1.1 and 2.2.1.3)."""

    def negotiate(self) -> bytes:
        """Return the NEGOTIATE message, type 1. It has 40 bytes or more, because gss-ntlmssp refuses shorter ones."""

    def authenticate(self, challenge: bytes) -> bytes:
        """Return the AUTHENTICATE message, type 3, for the server's CHALLENGE message, type 2.

        :raises CannotServe: the server's message cannot be read
        """


class State(Enum):
    IDLE = "nothing was sent"
    STARTED = "type 1 was sent"
    PROOF_SENT = "type 3 was sent"
    ACCEPTED = "the peer has accepted"


# What a challenge leads to: (state, whether the challenge has a token) -> the next state, or why there is none.
NEXT: dict[tuple[State, bool], State | str] = {
    (State.IDLE, False): State.STARTED,
    (State.IDLE, True): "NTLM: the peer sent a token before the login began",
    (State.STARTED, False): "NTLM: the peer did not go on with the login",
    (State.STARTED, True): State.PROOF_SENT,
    (State.PROOF_SENT, False): "NTLM: the user name or password was refused",
    (State.PROOF_SENT, True): "NTLM: the peer sent a second token in one login",
    # The connection is logged in, but this peer wants a login for each request.
    (State.ACCEPTED, False): State.STARTED,
    (State.ACCEPTED, True): "NTLM: the peer sent a token before the login began",
}


class Ntlm:
    """The NTLM scheme: one login on one connection.

    :param new_messages: called for each handshake, of which a connection may see several
    """

    name = "NTLM"
    binds_connection = True

    def __init__(self, new_messages: Callable[[], Messages]) -> None:
        self._new_messages = new_messages
        self._messages: Messages | None = None
        self._state = State.IDLE

    @property
    def complete(self) -> bool:
        """Return whether type 3 was sent, or the peer has accepted without it."""
        return self._state in (State.PROOF_SENT, State.ACCEPTED)

    @property
    def may_suffice(self) -> bool:
        """Return whether type 3 was sent: type 1 proves nothing."""
        return self.complete

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """Return the authorization: type 1 for a challenge without a token, type 3 for one that has type 2.

        :raises CannotServe: the login was refused, or the challenge does not fit the handshake
        """
        following = NEXT[self._state, challenge.token is not None]
        if isinstance(following, str):
            raise CannotServe(following)
        if challenge.token is None or self._messages is None:
            self._messages = self._new_messages()
            message = self._messages.negotiate()
        else:
            message = self._messages.authenticate(with_all_fields(decode_token(self.name, challenge.token)))
        self._state = following
        return encode_token(self.name, message)

    def again(self, outgoing: Outgoing) -> str | None:
        """Return None: the connection is logged in (MS-NTHT section 1.3)."""
        return None

    def accepted(self, info: str | None) -> None:
        """Forget the keys of the login. A peer may accept before the handshake has ended."""
        self._messages = None
        if self._state is not State.IDLE:
            self._state = State.ACCEPTED

    def __repr__(self) -> str:
        return f"<NTLM: {self._state.value}>"


class SpnegoMessages:
    """NTLMv2 messages made by pyspnego, or on Windows by the system."""

    def __init__(self, credentials: Credentials | None, peer: Peer) -> None:
        self._context = SecurityContext(Ntlm.name, "ntlm", credentials, peer)

    def negotiate(self) -> bytes:
        return self._context.step(None) or b""

    def authenticate(self, challenge: bytes) -> bytes:
        return self._context.step(challenge) or b""


def create(credentials: Credentials | None, peer: Peer) -> Ntlm:
    """Return the scheme for one user at one peer.

    :raises CannotServe: there is no user name (on Windows, the logged-on user needs none), or no pyspnego
    """
    if credentials is not None and not credentials.user:
        credentials = None
    if credentials is None and not has_sspi():
        raise CannotServe("NTLM: no user name given")
    load_spnego(Ntlm.name)
    return Ntlm(partial(SpnegoMessages, credentials, peer))
