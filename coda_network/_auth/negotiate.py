"""Negotiate (RFC 4559): SPNEGO with Kerberos, else with NTLM; the peer's last token is checked."""

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
from coda_network._auth.tokens import with_all_fields
from coda_network._wire.challenge import Challenge

# The beginning of an NTLM message of type 3 (MS-NLMP section 2.2.1.3), alone or in SPNEGO: with it the peer can check
# the password.
NTLM_PROOF = b"NTLMSSP\0\x03\0\0\0"


class State(Enum):
    IDLE = "nothing was sent"
    STARTED = "the first token was sent"
    GOING_ON = "a further token was sent"
    PROOF_SENT = "the proof of NTLM was sent"
    ACCEPTED = "the peer has accepted"


class Move(Enum):
    START = "send the first token"
    GO_ON = "send the token that follows the peer's"
    RETRY = "the peer may know only NTLM without SPNEGO around it"
    EARLY = "the peer sent a token before the login began"
    REFUSED = "refused"


# What a challenge leads to: (state, whether the challenge has a token) -> the move.
MOVES: dict[tuple[State, bool], Move] = {
    (State.IDLE, False): Move.START,
    (State.IDLE, True): Move.EARLY,
    (State.STARTED, False): Move.RETRY,
    (State.STARTED, True): Move.GO_ON,
    (State.GOING_ON, False): Move.REFUSED,
    (State.GOING_ON, True): Move.GO_ON,
    (State.PROOF_SENT, False): Move.REFUSED,
    (State.PROOF_SENT, True): Move.REFUSED,
    # The connection is logged in, but this peer wants a login for each request.
    (State.ACCEPTED, False): Move.START,
    (State.ACCEPTED, True): Move.EARLY,
}


class Negotiate:
    """The Negotiate scheme: one login on one connection.

    With credentials it tries Kerberos first (where there is GSSAPI or SSPI), then NTLM. Without credentials it uses the
    tickets of the user's session; on Windows that is the logged-on user.
    """

    name = "Negotiate"
    binds_connection = True

    def __init__(self, credentials: Credentials | None, peer: Peer) -> None:
        self._credentials = credentials
        self._peer = peer
        self._state = State.IDLE
        self._context: SecurityContext | None = None
        # Whether NTLM messages are sent without SPNEGO: Squid's negotiate_wrapper accepts no others.
        self._bare = False

    @property
    def complete(self) -> bool:
        """Return whether no token follows. The peer may still send one, to prove who it is."""
        return self._state in (State.PROOF_SENT, State.ACCEPTED)

    @property
    def may_suffice(self) -> bool:
        """Return whether the last token proves who we are: one of Kerberos does, the first one of NTLM does not."""
        return self.complete or self._kerberos

    def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
        """Return the authorization with the first token, or with the one that follows the peer's token.

        :raises CannotServe: the login was refused, or the challenge does not fit the handshake
        """
        move = MOVES[self._state, challenge.token is not None]
        if move is Move.RETRY:
            # The peer has seen only a first token, which proves nothing: no password has been refused yet.
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
        self._state = State.PROOF_SENT if NTLM_PROOF in token else following
        return encode_token(self.name, token)

    def again(self, outgoing: Outgoing) -> str | None:
        """Return None: the connection is logged in."""
        return None

    def accepted(self, info: str | None) -> None:
        """Check the peer's last token, "Negotiate oYG...", if it sent one (RFC 4559 section 5).

        :raises CannotServe: the token does not prove that the peer is who it says (mutual authentication)
        """
        context, self._context = self._context, None
        if context is None:
            return
        self._state = State.ACCEPTED
        scheme, _, text = (info or "").strip().partition(" ")
        if self._bare or scheme.lower() != "negotiate" or not text.strip():
            return  # NTLM without SPNEGO has no last token, and any peer may leave it out
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
            # pyspnego would use the first entry of NTLM_USER_FILE, a file that is meant for servers.
            raise CannotServe(self._why_no_ticket())
        return token or b""

    def _next_token(self, text: str) -> bytes:
        given = with_all_fields(decode_token(self.name, text))
        token = None if self._context is None else self._context.step(given)
        if token is None:  # the handshake has ended, and the peer still does not accept
            raise CannotServe(f"Negotiate: {self._refusal()}")
        return token

    def _why_no_ticket(self) -> str:
        """Return why there is no ticket, by a try with Kerberos alone: SPNEGO reports its last mechanism only."""
        reason = f"Negotiate: no ticket for {SERVICE}@{self._peer.host}"
        try:
            SecurityContext(self.name, "kerberos", None, self._peer).step(None)
        except CannotServe as error:
            reason += str(error).removeprefix("Negotiate")
        return reason


def create(credentials: Credentials | None, peer: Peer) -> Negotiate:
    """Return the scheme for one user, or for the owner of the tickets, at one peer.

    :raises CannotServe: there is no pyspnego, or there are neither credentials nor Kerberos
    """
    load_spnego(Negotiate.name)
    if credentials is not None and not credentials.user:
        credentials = None
    if credentials is None and not has_tickets():
        raise CannotServe("Negotiate: no ticket, and pyspnego[kerberos] is not installed")
    return Negotiate(credentials, peer)
