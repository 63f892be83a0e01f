"""One request on one leased connection: sent, challenged, logged in, sent again, answered."""

from __future__ import annotations

from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from coda_network._auth.scheme import Outgoing, PeerUnproven, Role
from coda_network._http.tunnel_login import drain
from coda_network._trace import Trace
from coda_network._transport.body import NO_BODY, Body
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._transport.prepared import PreparedRequest

try:
    from ssl import SSLEOFError, SSLZeroReturnError
except ImportError:  # a Python without TLS
    SSLEOFError = SSLZeroReturnError = RemoteDisconnected  # type: ignore[assignment, misc]  # nobody raises them then

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coda_network._auth.login import Login
    from coda_network._transport.request_auth import RequestAuth

log = Trace("opener")

# RFC 9110 9.2.2: what may be sent twice without doing twice.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

# What is raised on a connection that its peer has closed.
GONE = (
    RemoteDisconnected,
    ConnectionResetError,
    BrokenPipeError,
    ConnectionAbortedError,
    SSLEOFError,
    SSLZeroReturnError,
)

MOST_CHALLENGES = 16
"""Challenges in one exchange; two logins take six at most, more is a server that never ends."""


def exchange(kept: PooledConnection, prepared: PreparedRequest, body: Body, auth: RequestAuth) -> Any:
    """Carry out one request and log in where that is asked for; return the answer that stands.

    A refused tunnel comes back as the proxy's answer, with ``tunnel`` True. An answer whose challenge could not be
    served has an ``auth_report`` that says why.

    :raises OSError: what failed below HTTP
    :raises http.client.HTTPException: what came was no HTTP
    """
    if body.needs_login_first and (refused := _log_in_ahead(kept, prepared, auth)) is not None:
        return refused
    connection = kept.connection
    answers: dict[Role, str] = {}
    sent: dict[Role, str] = {}
    repeated = let_in_early = False
    challenges = 0
    while True:
        headers, data = prepared.headers, body.data
        logins = kept.logins(prepared.by_proxy)
        if logins:
            outgoing = Outgoing(prepared.method, prepared.target, body.signable())
            sent = {role: value for role, login in logins if (value := answers.get(role) or login.start(outgoing))}
            answers = {}
            headers = _with_logins(headers, logins, sent)
            if any(login.awaits_challenge for _, login in logins):
                # The answer to the first leg of a handshake can only be a challenge, on this very connection: the body
                # stays back, as in browsers.
                headers = {**headers, "Connection": "keep-alive"}
                if data is not None and not let_in_early:
                    headers, data = _without_body(headers), None

        reused = connection.sock is not None
        try:
            response = _send(connection, prepared, data, headers)
        except (OSError, RemoteDisconnected) as error:
            # A kept connection may have been closed in the moment that we wrote to it.
            may_repeat = reused and not repeated and _is_gone(error) and prepared.method in IDEMPOTENT
            if not may_repeat or any(login.in_progress for _, login in logins) or not body.rewind():
                raise
            connection.close()
            repeated, answers = True, sent
            continue
        if response.tunnel:
            response.auth_report = kept.proxy_login and kept.proxy_login.report
            return response

        challenger = _challenger(response.status, prepared)
        for role, login in logins:
            # What the proxy refuses has not reached the site.
            if challenger is None or (role is Role.PROXY and challenger is Role.ORIGIN):
                fields = response.headers.get_all
                try:
                    login.on_response([*(fields(role.info_header) or ()), *(fields(role.challenge_header) or ())])
                except PeerUnproven as error:
                    response.close()
                    raise URLError(error)  # noqa: B904  # it says all there is to say
        if challenger is None:
            if data is body.data:
                return response
            # Let in before the handshake was over: now the body goes.
            let_in_early = True
            drain(response)
            continue
        if challenger is Role.PROXY:
            if Role.ORIGIN in sent:
                answers[Role.ORIGIN] = sent[Role.ORIGIN]
            if data is not None and body.needs_login_first:
                # It says keep-alive, and squid means it not: the rest of the body is still in its way.
                response.will_close = True
        challenges += 1
        spent = data is not None and not body.rewind()
        outgoing = Outgoing(prepared.method, prepared.target, body.signable())
        answer = _answer(auth.login(kept, challenger), response, outgoing, spent)
        if answer is None or challenges == MOST_CHALLENGES:
            return response
        drain(response)
        if response.will_close:
            connection.close()
        answers[challenger] = answer


def _log_in_ahead(kept: PooledConnection, prepared: PreparedRequest, auth: RequestAuth) -> Any:
    """Log in with a HEAD, which does nothing (RFC 9110 9.2.1); return its answer where that failed, None otherwise.

    A body that is large, or can be read only once, is not spent on a request that ends in a challenge. Some proxies
    never answer again on a connection on which they refused a large body.
    """
    awaited = [role for role in auth.roles() if auth.expects(kept, role)]
    if not awaited:
        return None
    response = exchange(kept, prepared.for_head(), NO_BODY, auth)
    if response.tunnel or any(auth.login(kept, role).failed for role in awaited):
        return response
    drain(response)
    return None


def _send(connection: Any, prepared: PreparedRequest, data: Any, headers: dict[str, Any]) -> Any:
    try:
        connection.request(
            prepared.method, prepared.target, data, headers, encode_chunked="Transfer-Encoding" in headers
        )
    except OSError as error:
        # As urllib has it: what fails before the answer is URLError, and the answer's own failures are not.
        raise URLError(error)  # noqa: B904  # the cause shows where it happened, as tracebacks of urllib do
    response = connection.getresponse()
    if log.is_on() and not response.tunnel:
        # What stands behind the question mark may be for nobody's eyes.
        path, _, query = prepared.target.partition("?")
        log(
            "%s %s: %d %s", prepared.method, (path or "/") + ("?..." if query else ""), response.status, response.reason
        )
    return response


def _answer(login: Login, response: Any, outgoing: Outgoing, spent: bool) -> str | None:
    """Return the header to answer a challenge with; None where the challenge stands, with a report of why."""
    response.auth_report = login.report
    answer = login.on_challenge(response.headers.get_all(login.role.challenge_header) or (), outgoing)
    if answer is None:
        return None
    if spent:
        login.withdraw("not sent, because the body can be read only once and has been sent in vain")
        return None
    if login.in_progress and response.will_close:
        login.withdraw("the peer closed the connection in the middle of the handshake")
        return None
    return answer


def _is_gone(error: BaseException) -> bool:
    return isinstance(error.reason if isinstance(error, URLError) else error, GONE)


_BY_STATUS = {role.status: role for role in Role}


def _challenger(status: int, prepared: PreparedRequest) -> Role | None:
    role = _BY_STATUS.get(status)
    # Inside a tunnel the proxy is silent: a 407 there is the site's own, and gets no login of ours.
    return role if role is None or prepared.by_proxy or role is Role.ORIGIN else None


def _with_logins(
    headers: dict[str, Any], logins: Sequence[tuple[Role, Login]], sent: dict[Role, str]
) -> dict[str, Any]:
    """Return the headers with those of the logins, which have taken over what the program gave in their places."""
    places = {role.authorization_header for role, _ in logins}
    headers = {name: value for name, value in headers.items() if name not in places}
    return headers | {role.authorization_header: value for role, value in sent.items()}


def _without_body(headers: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in headers.items() if name not in ("Transfer-Encoding", "Expect")}
    return {**fields, "Content-Length": "0"}
