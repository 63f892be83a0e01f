"""The part of a login that chooses: the strongest scheme that is offered, can serve, and was not refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from coda_network._auth.credentials import Credentials, CredentialSource
from coda_network._auth.login_states import Event
from coda_network._auth.memory import Attempt
from coda_network._auth.refused_passwords import refused_passwords
from coda_network._auth.registry import Entry, by_strength, label
from coda_network._auth.report import AuthReport
from coda_network._auth.scheme import CannotServe, Outgoing, PasswordRefused, Peer, Role
from coda_network._auth.words import bare
from coda_network._trace import Trace
from coda_network._wire.challenge import Challenge

log = Trace("auth")

REFUSED_BEFORE = "the user name or password was refused {:.0f} s ago, and is not sent again"


class Choosing:
    """The part of Login that chooses a scheme and begins with it."""

    # What the rest of Login has.
    role: Role
    peer: Peer
    report: AuthReport
    _schemes: Mapping[str, Entry]
    _allow_basic_after_failure: bool
    _tried: set[str]
    _failed: bool
    _refused: bool
    _unasked: str | None
    _source: Callable[[str], CredentialSource | None]
    _recall: Callable[[], Attempt | None]
    _move: Callable[[Event], None]
    _sent: Callable[[Attempt, str, Challenge | None], str]
    _tell: Callable[..., None]
    _fail: Callable[..., None]

    def _choose(self, challenges: list[Challenge], outgoing: Outgoing) -> str | None:
        """Return the first authorization of the strongest scheme that can serve; None if there is none."""
        if not challenges:
            self.report.note(self.role.challenge_header, "missing or malformed")
        for challenge in self._ranked(challenges):
            if label(challenge) in self._tried:
                continue
            try:
                attempt, header = self._begin_scheme(challenge, outgoing)
            except CannotServe as reason:
                self.report.note(label(challenge), str(reason))
                self._tell(f"{label(challenge)} cannot be used: {bare(challenge.scheme, reason)}", log.info)
                continue
            self._tell(f"{attempt.label} is chosen, {self._why(challenge)}")
            return self._sent(attempt, header, None)
        self._tell("no scheme is left")
        self._move(Event.EXHAUSTED)
        return None

    def _ranked(self, challenges: list[Challenge]) -> list[Challenge]:
        """Strongest first; before it what this peer accepted last, as something stronger was no use there."""
        ranked = by_strength(challenges)
        last = self._recall()
        if last is not None and last.challenged != "basic":  # nothing stronger is passed over for Basic
            ranked.sort(key=lambda challenge: challenge.scheme != last.challenged)
        return ranked

    def _why(self, challenge: Challenge) -> str:
        last = self._recall()
        known = last is not None and last.challenged == challenge.scheme
        return "which was accepted before" if known else "the strongest that can be served"

    def _begin_scheme(self, challenge: Challenge, outgoing: Outgoing) -> tuple[Attempt, str]:
        """Begin with one scheme; return it with its first header. Raises CannotServe."""
        entry = self._schemes.get(challenge.scheme)
        if entry is None:
            raise CannotServe("not supported")
        source = self._source(challenge.scheme)
        if source is None:
            raise CannotServe("not enabled")
        if challenge.scheme == "basic":
            if self._failed and not self._allow_basic_after_failure:
                raise CannotServe("not tried after a failed login, because it gives the password away")
        elif self._refused:
            raise CannotServe("not tried after a refused login")
        realm = challenge.params.get("realm") if entry.has_realm else None
        credentials = source(realm)
        if credentials is None and entry.needs_credentials:
            raise CannotServe("no user name given")
        if credentials is not None:
            refused_passwords.begin_trial(self.peer, credentials)
            self._refuse_what_was_refused(challenge.scheme, realm, credentials)
        try:
            scheme = entry.load()(credentials, self.peer)
            # A token that comes before ours belongs to no handshake of ours.
            header = scheme.step(challenge._replace(token=None), outgoing)
        except PasswordRefused:
            self._failed = self._refused = True
            if credentials is not None:
                refused_passwords.refuse(self.peer, credentials, challenge.scheme, realm)
            raise
        except CannotServe:
            if credentials is not None:
                refused_passwords.end_trial(self.peer, credentials)
            raise
        attempt = Attempt(scheme, challenge.scheme, label(challenge), realm, credentials)
        if header == self._unasked:  # Basic: the very same was refused a moment ago
            self._fail(attempt, reason := "the user name or password was refused", judged=True)
            raise CannotServe(reason)
        return attempt, header

    def _refuse_what_was_refused(self, scheme: str, realm: str | None, credentials: Credentials) -> None:
        """Raise CannotServe where the peer refused this password a while ago."""
        if scheme in ("basic", "digest"):
            # After Digest has failed Basic is for programs that ask for it.
            same = ("basic",) if scheme == "basic" and self._allow_basic_after_failure else ("basic", "digest")
        else:
            same = (scheme,)
        age = refused_passwords.age(self.peer, credentials, same, realm)
        if age is not None:
            self._failed = self._refused = True
            self.report.not_sent = REFUSED_BEFORE.format(age)
            raise CannotServe(self.report.not_sent)
