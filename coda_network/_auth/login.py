"""One login on one connection for one role: which scheme is tried, what is sent, when it is given up.

A challenge comes, the strongest scheme that can serve it is chosen, and its header goes out. The peer then
responds with its approval (any other status, at any step), or with another challenge: to the scheme in hand
that is the next token of a handshake or a refusal, and only the scheme can tell. ``TRANSITIONS`` shows all of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from coda_network._auth.choosing import Choosing
from coda_network._auth.credentials import Credentials, CredentialSource
from coda_network._auth.login_states import AWAITING_RESPONSE, TRANSITIONS, Event, State
from coda_network._auth.memory import Attempt, LoginMemory
from coda_network._auth.refused_passwords import refused_passwords
from coda_network._auth.registry import SCHEMES, Entry, label
from coda_network._auth.report import AuthReport
from coda_network._auth.scheme import (
    CannotServe,
    HeaderSection,
    Outgoing,
    Peer,
    PeerUnproven,
    Role,
    Scheme,
    SourceTable,
)
from coda_network._auth.standing import Standing
from coda_network._auth.tokens import describe
from coda_network._auth.words import bare, further, offer
from coda_network._trace import INFO, Trace
from coda_network._wire.challenge import Challenge, parse_challenges

log = Trace("auth")

# Kerberos inside SPNEGO takes three legs at most, NTLM two. A peer that asks for more than this never ends.
MOST_ROUNDS = 10

LARGE_BODY = 1 << 16
"""Bytes above which the body of a request waits until the login is done: a challenge would waste it, and squid never
responds again on a connection on which it refused more than this."""

CUT_SHORT = "the peer closed the connection in the middle of the handshake"
CUT_SHORT_TWICE = "the connection ended in the middle of the handshake, twice"


class Login(Choosing, Standing):
    """The login of one connection at a proxy or at an origin server; used by one thread at a time.

    For each request: ``start`` before it is sent; after a response with the role's status ``on_challenge``, whose
    value is sent with the same request again; after any other response ``on_response``. At most one login with a
    password that is refused is sent for one request. While ``in_progress`` is False, the login may be carried
    on on a new connection to the same peer.

    :param credentials: who logs in: a source for all schemes, or a source for each scheme that may be used,
        by its name in lower case. It may be replaced between requests; ``is_still_for_its_user`` then tells
        whether the connection can go on.
    :param schemes: what is known of each scheme; the registry of this package
    :param memory: shared by the connections of one opener, so that a login that was accepted goes out unasked
    :param allow_basic_after_failure: whether Basic, which gives the password away, may follow a stronger
        scheme that has failed
    :param preset_header: the header that the program itself sends, None where it sends none: it goes out first, and
        not once more when it is refused. It gives way to what was accepted before for the user that it names. It may
        be replaced between requests
    """

    def __init__(
        self,
        role: Role,
        peer: Peer,
        credentials: CredentialSource | SourceTable,
        schemes: Mapping[str, Entry] = SCHEMES,
        memory: LoginMemory | None = None,
        *,
        allow_basic_after_failure: bool = False,
        preset_header: str | None = None,
    ) -> None:
        self.role = role
        self.peer = peer
        self.credentials = credentials
        self.preset_header = preset_header
        self._schemes = schemes
        self._memory = memory
        self._allow_basic_after_failure = allow_basic_after_failure
        self._state = State.IDLE
        self._attempt: Attempt | None = None  # the scheme in hand
        self._accepted_header: str | None = None  # of the program, the last one that was accepted
        self._holds = False  # a request without an authorization was let in after the login
        self._begin()

    def _begin(self) -> None:
        """Start afresh with what belongs to one request only."""
        self.report = AuthReport()
        self._rounds = 0
        self._tried: set[str] = set()
        self._failed = False  # a header went out for a scheme, and that scheme came to nothing
        self._refused = False  # a password was judged, and refused
        self._unasked: str | None = None  # the header that went out before anybody asked, ours or the program's
        self._is_bound_to_token = False

    def start(self, outgoing: Outgoing) -> str | None:
        """Begin a request: return the header value to send with it, None if it goes without.

        Basic and Digest go out unasked where they were accepted before, on this connection or on another one.
        """
        self._move(Event.REQUEST)
        self._begin()
        if self._state is State.IDLE:
            self._attempt = None
        attempt = self._attempt or self._recall()
        given = self.preset_header
        if attempt is not None and self._is_for_its_user(attempt) and (given is None or _names(given, attempt)):
            if attempt.scheme.binds_connection:
                if attempt is self._attempt:
                    return None  # the connection is logged in
            else:
                self._attempt = attempt
                self._unasked = attempt.scheme.again(outgoing)
        if self._unasked is None and self.preset_header is not None:
            if not self.binds_connection:
                self._attempt = None
            if not self._is_refused(self.preset_header):
                self._unasked = self.preset_header
        if self._unasked is not None:
            self._move(Event.ANTICIPATE)
            if log.is_on():
                self._tell(f"we send {describe(self._unasked)}, before anybody asks")
        return self._unasked

    def on_challenge(self, headers: HeaderSection, outgoing: Outgoing, will_close: bool = False) -> str | None:
        """Return the authorization to send the request with again after a 407 or 401; None to give up.

        :param headers: of the response; challenges may be missing or malformed
        :param outgoing: the request
        :param will_close: the response is the last one on its connection
        """
        authorization = self._next_authorization(headers, outgoing)
        if authorization is not None and will_close and self.in_progress:
            self.withdraw(CUT_SHORT)  # the next token is valid on this connection only
            return None
        return authorization

    def _next_authorization(self, headers: HeaderSection, outgoing: Outgoing) -> str | None:
        challenges = parse_challenges(headers.get_all(self.role.challenge_header) or ())
        challenge = self._for_scheme_in_hand(challenges)
        if log.is_on():
            self._tell(offer(challenges) if challenge is None else further(challenge))
        self._rounds += 1
        if challenge is not None:
            self._move(Event.GO_ON)
            header = self._step(challenge, outgoing)
            if header is not None:
                return header
        else:
            self._drop_scheme_in_hand()
            self._judge_given_header(challenges)
            self._move(Event.CHALLENGE)
        return self._choose(challenges, outgoing) if self._state is State.CHOOSING else None

    def withdraw(self, reason: str) -> None:
        """Take back the header given out last: it was not sent, and nothing more is tried for this request."""
        if self._attempt is not None:
            self.report.note(self._attempt.label, reason)
            if self._attempt.credentials is not None:
                refused_passwords.end_trial(self.peer, self._attempt.credentials)

    def on_response(self, headers: HeaderSection | None) -> None:
        """Learn from a response that does not challenge this role.

        :param headers: of the response; None where none of them is about logins
        :raises PeerUnproven: the peer's last token is wrong: the peer is not who it says
        """
        attempt = self._attempt
        if attempt is not None and self._state in AWAITING_RESPONSE:
            try:
                attempt.scheme.accepted(None if headers is None else self._info_for(attempt.scheme, headers))
            except CannotServe as reason:
                self._fail(attempt, str(reason))
                self._move(Event.BROKEN)
                if attempt.scheme.binds_connection:
                    raise PeerUnproven(str(reason)) from None
                # A wrong proof of Digest (rspauth) is noted only: nobody else looks at it, so there are servers that
                # have never had it right.
                return
            self.report.note(attempt.label, "accepted")
            if log.is_on(INFO):
                self._tell(f"{attempt.label} is accepted", log.info)
            memory = self._memory
            if memory is None or memory.recall(self.peer) is not attempt:
                self._note_accepted(attempt.credentials)
                if memory is not None:
                    memory.remember(self.peer, attempt)
        elif self._state is State.ACCEPTED:
            self._holds = True
        elif self._state is State.ANTICIPATED and (refused_passwords or self._accepted_header != self._unasked):
            self._accepted_header = self._unasked
            self._note_accepted(Credentials.from_basic_header(self._unasked or ""))
        self._move(Event.OTHER)

    def _note_accepted(self, credentials: Credentials | None) -> None:
        if credentials is not None:
            refused_passwords.accept(self.peer, credentials)

    def _info_for(self, scheme: Scheme, headers: HeaderSection) -> str | None:
        """Return the field value that a scheme learns from at the end of a login.

        That of the info header (RFC 7615), or the last token of a scheme that binds its connection, which comes like a
        challenge (RFC 4559 section 5).
        """
        lines = headers.get_all
        values: list[str] = [*(lines(self.role.info_header) or ()), *(lines(self.role.challenge_header) or ())]
        for value in values:
            names_scheme = value.partition(" ")[0].lower() == scheme.name.lower()
            if names_scheme == scheme.binds_connection:
                return value
        return None

    def _move(self, event: Event) -> None:
        try:
            self._state = TRANSITIONS[self._state, event]
        except KeyError:
            raise RuntimeError(f"a login in state {self._state.name} cannot take {event.name}") from None

    def _recall(self) -> Attempt | None:
        return None if self._memory is None else self._memory.recall(self.peer)

    def _source(self, scheme: str) -> CredentialSource | None:
        return self.credentials if callable(self.credentials) else self.credentials.get(scheme)

    def _knows_better(self, given: Credentials, challenge: Challenge) -> bool:
        """Return whether there are credentials other than *given*: those were not judged."""
        source = self._source(challenge.scheme)
        known = None if source is None else source(challenge.params.get("realm"))
        return known is not None and known != given

    def _is_for_its_user(self, attempt: Attempt | None) -> bool:
        if attempt is None:
            return False
        # As _source() says, without the call.
        known = self.credentials
        source = known if callable(known) else known.get(attempt.challenged)
        if source is None:
            return False
        # Mostly the very object: asked for in each request.
        return (found := source(attempt.realm)) is attempt.credentials or found == attempt.credentials

    def _for_scheme_in_hand(self, challenges: list[Challenge]) -> Challenge | None:
        """Return the challenge that is for the scheme in hand; None if there is none."""
        attempt = self._attempt
        if attempt is None or self._state not in AWAITING_RESPONSE:
            return None
        mine = [challenge for challenge in challenges if label(challenge) == attempt.label]
        if self._state is State.ANTICIPATED:
            # Only with stale=true is the login itself still good (RFC 7616 section 3.3). Else the header may
            # have been for another realm, or with a nonce that the peer has forgotten: that calls for a new
            # beginning.
            mine = [
                challenge
                for challenge in mine
                if challenge.params.get("stale", "").lower() == "true"
                and challenge.params.get("realm") == attempt.realm
            ]
        # Of several the one with a token: NTLM is sometimes offered anew beside its own token.
        return max(mine, key=lambda challenge: challenge.token is not None, default=None)

    def _drop_scheme_in_hand(self) -> None:
        """Give up the scheme in hand, if any: a challenge came that is not for it."""
        attempt = self._attempt
        if attempt is None:
            return
        if self._state is State.ANTICIPATED and self._memory is not None:
            self._memory.forget(self.peer, attempt)
        elif self._state is State.NEGOTIATING:
            self._fail(attempt, "the peer broke off the handshake")
        elif self._state is State.COMPLETED:
            self._fail(attempt, "the login was refused", judged=True)
        self._attempt = None

    def _judge_given_header(self, challenges: list[Challenge]) -> None:
        """Note that the program's own header was refused; where Basic is offered, that judged the password.

        It is none on ``DOMAIN\\user``, which is a name for other schemes than Basic, and none on letters beyond
        ASCII, which the program may have encoded in another way than we do.
        """
        if self.preset_header is None or self._unasked is not self.preset_header:
            return
        given = Credentials.from_basic_header(self.preset_header)
        if given is None or given.domain or not (given.username + given.password).isascii():
            return
        for challenge in challenges:
            if challenge.scheme == "basic" and not self._knows_better(given, challenge):
                self._failed = self._refused = True
                self._tried.add(label(challenge))
                self.report.note(label(challenge), "the user name or password was refused")
                refused_passwords.refuse(self.peer, given, challenge.scheme, challenge.params.get("realm"))

    def _step(self, challenge: Challenge, outgoing: Outgoing) -> str | None:
        """Return the next authorization of the scheme in hand; None if it cannot go on."""
        attempt = self._attempt
        assert attempt is not None  # the state is STEPPING
        judged = attempt.scheme.complete
        try:
            if self._rounds > MOST_ROUNDS:
                raise CannotServe("the login does not come to an end")
            header = attempt.scheme.step(challenge, outgoing)
        except CannotServe as reason:
            self._fail(attempt, str(reason), judged=judged)
            self._move(Event.BROKEN)
            return None
        return self._sent(attempt, header, challenge)

    def _tell(self, what: str, write: Callable[..., None] = log) -> None:
        """Write to the log what happens; who listens gets the report as well."""
        write("%s %s: %s", self.role.name, self.peer.host, what, role=self.role, report=self.report)

    def _is_refused(self, header: str) -> bool:
        """Return whether the peer refused the password in the program's own header a while ago, by any scheme."""
        credentials = Credentials.from_basic_header(header)
        return credentials is not None and refused_passwords.age(self.peer, credentials) is not None

    def _sent(self, attempt: Attempt, header: str, challenge: Challenge | None) -> str:
        """Take note of an authorization that goes out; ``challenge`` is what it is for, None for a first one."""
        self._attempt = attempt
        self._holds = False
        self._tried.add(attempt.label)
        self._is_bound_to_token = challenge is not None and challenge.token is not None
        self.report.note(attempt.label, "sent")
        if log.is_on():
            self._tell(f"we send {describe(header)}")
        self._move(Event.FINAL if attempt.scheme.complete else Event.LEG)
        return header

    def _fail(self, attempt: Attempt, reason: str, judged: bool = False) -> None:
        """An attempt came to nothing; ``judged`` if that was the peer's verdict on a whole login."""
        self._failed = True
        # A refused ticket says nothing about the password, which may serve another scheme.
        if judged and attempt.credentials is not None:
            self._refused = True
            refused_passwords.refuse(self.peer, attempt.credentials, attempt.challenged, attempt.realm)
        elif attempt.credentials is not None:
            refused_passwords.end_trial(self.peer, attempt.credentials)
        self.report.note(attempt.label, reason)
        self._tell(f"{attempt.label} has failed: {bare(attempt.challenged, reason)}", log.info)
        if self._memory is not None:
            self._memory.forget(self.peer, attempt)
        self._attempt = None


def _names(given: str, attempt: Attempt) -> bool:
    """Return whether the program's own header names the user of an attempt."""
    return Credentials.from_basic_header(given) == attempt.credentials
