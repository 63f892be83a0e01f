"""Negotiate (RFC 4559): SPNEGO with Kerberos, else with NTLM; the peer's last token is verified."""

from __future__ import annotations

from enum import Enum

from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, Peer
from coda_network._auth.security_context import (
    SERVICE,
    SecurityContext,
    decode_token,
    encode_token,
    has_sspi,
    has_tickets,
    load_spnego,
)
from coda_network._wire.challenge import Challenge

# How an NTLM message of type 3 begins (MS-NLMP section 2.2.1.3), inside SPNEGO as well: the password is
# judged now.
NTLM_PROOF = b"NTLMSSP\0\x03\0\0\0"


class State(Enum):
    IDLE = "nothing was sent"
    STARTED = "the first token was sent"
    GOING_ON = "a further token was sent"
    ANSWERED = "the proof of NTLM was sent"
    ACCEPTED = "the peer let us in"


class Move(Enum):
    START = "send the first token"
    GO_ON = "answer the peer's token"
    RETRY = "the peer may know only NTLM without SPNEGO around it"
    EARLY = "the peer sent a token before the login began"
    REFUSED = "refused"


# What a challenge leads to: (state, whether the challenge holds a token) -> the move.
MOVES: dict[tuple[State, bool], Move] = {
    (State.IDLE, False): Move.START,
    (State.IDLE, True): Move.EARLY,
    (State.STARTED, False): Move.RETRY,
    (State.STARTED, True): Move.GO_ON,
    (State.GOING_ON, False): Move.REFUSED,
    (State.GOING_ON, True): Move.GO_ON,
    (State.ANSWERED, False): Move.REFUSED,
    (State.ANSWERED, True): Move.REFUSED,
    # The connection was logged in, and is asked again: by a peer that looks at each request for itself.
    (State.ACCEPTED, False): Move.START,
    (State.ACCEPTED, True): Move.EARLY,
}


class Negotiate:
    """The Negotiate scheme: one login on one connection.

    With credentials Kerberos is tried first (where GSSAPI or SSPI is at hand), then NTLM. Without credentials
    the tickets of the user's own session serve; on Windows that is the logged-on user.
    """

    name = "Negotiate"
    binds_connection = True

    def __init__(self, credentials: Credentials | None, peer: Peer) -> None:
        self._credentials = credentials
        self._peer = peer
        self._state = State.IDLE
        self._context: SecurityContext | None = None
        # Whether NTLM messages go out as they are. Squid's negotiate_wrapper takes them only so.
        self._bare = False

    @property
    def complete(self) -> bool:
        """Whether there is nothing more to say. A peer may still send a token, to prove itself."""
        return self._state in (State.ANSWERED, State.ACCEPTED)

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """The header value with the first token, or with the answer to the peer's token."""
        move = MOVES[self._state, challenge.token is not None]
        if move is Move.RETRY:
            # Only a first token is known to the peer, no proof: nobody's password has been refused yet.
            if self._bare or self._kerberos or self._credentials is None:
                move = Move.REFUSED
            else:
                move, self._bare = Move.START, True
        if move is Move.START:
            token, following = self._first_token(), State.STARTED
        elif move is Move.GO_ON:
            token, following = self._next_token(challenge.token or ""), State.GOING_ON
        elif move is Move.EARLY:
            raise CannotServe(f"Negotiate: {Move.EARLY.value}")
        else:
            raise CannotServe(f"Negotiate: {self._refusal()}")
        self._state = State.ANSWERED if NTLM_PROOF in token else following
        return encode_token(self.name, token)

    def again(self, outgoing: Outgoing) -> str | None:
        """None: the connection is logged in."""
        return None

    def accepted(self, info: str | None) -> None:
        """Verify the peer's last token, "Negotiate oYG...", if it sent one (RFC 4559 section 5).

        Raises CannotServe if the token does not prove that the peer is who it says (mutual authentication).
        """
        context, self._context = self._context, None
        if context is None:
            return
        self._state = State.ACCEPTED
        scheme, _, text = (info or "").strip().partition(" ")
        if self._bare or scheme.lower() != "negotiate" or not text.strip():
            return  # NTLM without SPNEGO has no last token, and other peers may leave it out
        try:
            context.step(decode_token(self.name, text.strip()))
        except CannotServe as error:
            raise CannotServe(f"{error}; the peer did not prove who it is") from None

    def __repr__(self) -> str:
        return f"<Negotiate: {self._state.value}>"

    @property
    def _kerberos(self) -> bool:
        return self._context is not None and self._context.mechanism == "kerberos"

    def _refusal(self) -> str:
        if self._kerberos or self._credentials is None:
            return "the ticket was refused"
        return "the user name or password was refused"

    def _first_token(self) -> bytes:
        protocol = "ntlm" if self._bare else "negotiate"
        try:
            self._context = SecurityContext(self.name, protocol, self._credentials, self._peer)
            token = self._context.step(None)
        except CannotServe:
            if self._credentials is not None:
                raise
            raise CannotServe(self._why_no_ticket()) from None
        if self._credentials is None and self._context.mechanism == "ntlm" and not has_sspi():
            # pyspnego would log in with the first entry of a file meant for servers, NTLM_USER_FILE.
            raise CannotServe(self._why_no_ticket())
        return token or b""

    def _next_token(self, text: str) -> bytes:
        given = decode_token(self.name, text)
        token = None if self._context is None else self._context.step(given)
        if token is None:  # nothing to say, and the peer is not content
            raise CannotServe(f"Negotiate: {self._refusal()}")
        return token

    def _why_no_ticket(self) -> str:
        """Ask for Kerberos alone: SPNEGO reports only what the last of its mechanisms said."""
        reason = f"Negotiate: no ticket for {SERVICE}@{self._peer.host}"
        try:
            SecurityContext(self.name, "kerberos", None, self._peer).step(None)
        except CannotServe as error:
            reason += str(error).removeprefix("Negotiate")
        return reason


def create(credentials: Credentials | None, peer: Peer) -> Negotiate:
    """Return the scheme for one user, or for the owner of the tickets, at one peer.

    Raises CannotServe without pyspnego, and where there are neither credentials nor Kerberos.
    """
    load_spnego(Negotiate.name)
    if credentials is not None and not credentials.user:
        credentials = None
    if credentials is None and not has_tickets():
        raise CannotServe("Negotiate: no ticket, and pyspnego[kerberos] is not installed")
    return Negotiate(credentials, peer)
