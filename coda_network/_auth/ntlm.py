"""NTLM over HTTP (MS-NTHT): NTLMv2 with message integrity code and channel binding (MS-NLMP), by pyspnego."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Protocol

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, Peer
from coda_network._auth.security_context import SecurityContext, decode_token, encode_token, has_sspi, load_spnego
from coda_network._wire.challenge import Challenge


class Messages(Protocol):
    """Who makes the two messages of the client (MS-NLMP sections 2.2.1.1 and 2.2.1.3)."""

    def negotiate(self) -> bytes:
        """The first message, type 1. gss-ntlmssp refuses one of less than 40 bytes."""

    def authenticate(self, challenge: bytes) -> bytes:
        """The answer, type 3, to the server's challenge, type 2.

        Raises CannotServe if that makes no sense.
        """


class State(Enum):
    IDLE = "nothing was sent"
    STARTED = "type 1 was sent"
    ANSWERED = "type 3 was sent"
    ACCEPTED = "the peer let us in"


# What a challenge leads to: (state, whether the challenge holds a token) -> the next state, or why there is
# none.
NEXT: dict[tuple[State, bool], State | str] = {
    (State.IDLE, False): State.STARTED,
    (State.IDLE, True): "NTLM: the peer sent a token before the login began",
    (State.STARTED, False): "NTLM: the peer did not go on with the login",
    (State.STARTED, True): State.ANSWERED,
    (State.ANSWERED, False): "NTLM: the user name or password was refused",
    (State.ANSWERED, True): "NTLM: the peer sent a second token in one login",
    # The connection was logged in, and is asked again: by a peer that looks at each request for itself.
    (State.ACCEPTED, False): State.STARTED,
    (State.ACCEPTED, True): "NTLM: the peer sent a token before the login began",
}


class Ntlm:
    """The NTLM scheme: one login on one connection. ``new_messages`` is called for each login."""

    name = "NTLM"
    binds_connection = True

    def __init__(self, new_messages: Callable[[], Messages]) -> None:
        self._new_messages = new_messages
        self._messages: Messages | None = None
        self._state = State.IDLE

    @property
    def complete(self) -> bool:
        """Whether type 3 was sent, or the peer did without it."""
        return self._state in (State.ANSWERED, State.ACCEPTED)

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """The header value with type 1 for a challenge without a token, with type 3 for one with type 2."""
        following = NEXT[self._state, challenge.token is not None]
        if isinstance(following, str):
            raise CannotServe(following)
        if challenge.token is None or self._messages is None:
            self._messages = self._new_messages()
            message = self._messages.negotiate()
        else:
            message = self._messages.authenticate(decode_token(self.name, challenge.token))
        self._state = following
        return encode_token(self.name, message)

    def again(self, outgoing: Outgoing) -> str | None:
        """None: the connection is logged in (MS-NTHT section 1.3)."""
        return None

    def accepted(self, info: str | None) -> None:
        """Forget the keys of the login; a peer may let us in before its end."""
        self._messages = None
        if self._state is not State.IDLE:
            self._state = State.ACCEPTED

    def __repr__(self) -> str:
        return f"<NTLM: {self._state.value}>"


class SpnegoMessages:
    """NTLMv2 messages by pyspnego, or by Windows itself where that is the system."""

    def __init__(self, credentials: Credentials | None, peer: Peer) -> None:
        self._context = SecurityContext(Ntlm.name, "ntlm", credentials, peer)

    def negotiate(self) -> bytes:
        return self._context.step(None) or b""

    def authenticate(self, challenge: bytes) -> bytes:
        return self._context.step(challenge) or b""


def create(credentials: Credentials | None, peer: Peer) -> Ntlm:
    """Return the scheme for one user at one peer.

    Raises CannotServe without a user name or without pyspnego.
    """
    if credentials is not None and not credentials.user:
        credentials = None
    if credentials is None and not has_sspi():
        raise CannotServe("NTLM: no user name given")
    load_spnego(Ntlm.name)
    return Ntlm(partial(SpnegoMessages, credentials, peer))
