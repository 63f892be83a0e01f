"""One request on one leased connection: sent, challenged, logged in, sent again, answered."""

from __future__ import annotations

from collections.abc import Callable
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any, Optional
from urllib.error import URLError

from coda_network._auth.scheme import Outgoing, Role
from coda_network._net.tunnelling import drain
from coda_network._opener.kept import KeptConnection
from coda_network._opener.plan import Plan

if TYPE_CHECKING:
    from coda_network._auth.login import Login

# RFC 9110 9.2.2: what may be sent twice without doing twice.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

MOST_ROUNDS = 16
"""Answers to challenges in one exchange; two logins take six at most, more is a server that never ends."""

LoginMaker = Callable[[Role], Optional["Login"]]
"""Makes the login of a role on the leased connection; None where nobody is known for it."""


class Body:
    """A request's body, and whether it can be sent once more."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self._start: int | None = None
        if hasattr(data, "read") and hasattr(data, "seek"):
            try:
                self._start = data.tell()
            except (OSError, AttributeError, ValueError):
                self._start = None

    def rewind(self) -> bool:
        """Make the body ready to be sent again; return False where it can be read only once."""
        data = self.data
        if self._start is not None:
            try:
                data.seek(self._start)
            except (OSError, ValueError):
                return False
            return True
        if data is None or isinstance(data, (bytes, bytearray, memoryview, str)):
            return True
        # What is its own iterator is used up by reading: generators, pipes.
        return not hasattr(data, "read") and iter(data) is not data

    def signable(self) -> Any:
        """Return the body in a form that a scheme may hash, None where reading it would use it up."""
        return self.data if isinstance(self.data, bytes) or self._start is not None else None


def exchange(kept: KeptConnection, plan: Plan, body: Body, login_for: LoginMaker) -> Any:
    """Carry out one request and log in where that is asked for; return the answer that stands.

    A refused tunnel comes back as the proxy's answer, with ``tunnel`` True. An answer whose challenge could not be
    served has an ``auth_report`` that says why.

    :raises OSError: what failed below HTTP
    :raises http.client.HTTPException: what came was no HTTP
    """
    connection = kept.connection
    outgoing = Outgoing(plan.method, plan.target, body.signable())
    answers: dict[Role, str] = {}
    for _ in range(MOST_ROUNDS):
        headers = plan.headers
        logins = kept.logins(plan.by_proxy)
        sent: dict[Role, str] = {}
        for role, login in logins:
            value = answers.pop(role, None) or login.header(outgoing)
            if value is not None:
                sent[role] = value
                headers = {**headers, role.answer_header: value}
        # The answer to the first leg of a handshake can only be a challenge: the body stays back, as in browsers.
        held_back = body.data is not None and any(login.awaits_challenge for _, login in logins)
        try:
            if held_back:
                connection.request(plan.method, plan.target, None, _without_body(headers))
            else:
                connection.request(plan.method, plan.target, body.data, headers, encode_chunked=plan.chunked)
        except OSError as error:
            # As urllib has it: what fails before the answer is URLError, and the answer's own failures are not.
            raise URLError(error)  # noqa: B904  # the cause shows where it happened, as tracebacks of urllib do
        response = connection.getresponse()
        if response.tunnel:
            return response
        challenger = _challenger(response.status, plan)
        for role, login in logins:
            if role is Role.ORIGIN and challenger is Role.PROXY:
                # The request did not reach the site, which gets the same answer the next time.
                answers.update({role: sent[role]} if role in sent else {})
            elif role is not challenger:
                fields = response.headers.get_all
                login.accepted([*(fields(role.info_header) or ()), *(fields(role.challenge_header) or ())])
        if challenger is None:
            if not held_back:
                return response
            # Let in before the handshake was over: now the body goes.
            drain(response)
            continue
        answer = _answer(kept, challenger, response, outgoing, login_for)
        if answer is None or not (held_back or body.rewind()):
            return response
        drain(response)
        answers[challenger] = answer
    return response


def _answer(kept: KeptConnection, role: Role, response: Any, outgoing: Outgoing, login_for: LoginMaker) -> str | None:
    """Return the header to answer a challenge with; None where the challenge stands, with a report of why."""
    login = kept.login(role)
    if login is None:
        login = login_for(role)
        if login is None:
            return None
        kept.set_login(role, login)
    answer = login.challenged(response.headers.get_all(role.challenge_header) or (), outgoing)
    if answer is not None and login.in_progress and response.will_close:
        login.report.note(role.name.lower(), "the peer closed the connection in the middle of the handshake")
        answer = None
    response.auth_report = login.report
    return answer


def may_repeat(error: BaseException, plan: Plan, body: Body, reused: bool) -> bool:
    """Tell whether a request that failed may be sent again, on a new connection (RFC 9110 9.2.2).

    A kept connection may have been closed in the moment that we wrote to it.
    """
    if isinstance(error, URLError):
        error = error.reason  # type: ignore[assignment]  # an OSError here, see exchange()
    gone = isinstance(error, (RemoteDisconnected, ConnectionResetError, BrokenPipeError, ConnectionAbortedError))
    return reused and gone and plan.method in IDEMPOTENT and body.rewind()


def _challenger(status: int, plan: Plan) -> Role | None:
    if status == Role.ORIGIN.status:
        return Role.ORIGIN
    # Inside a tunnel the proxy is silent: a 407 there is the site's own, and gets no login of ours.
    return Role.PROXY if status == Role.PROXY.status and plan.by_proxy else None


def _without_body(headers: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in headers.items() if name not in ("Transfer-Encoding", "Content-Length")}
    return {**fields, "Content-Length": "0"}
