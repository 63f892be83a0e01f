"""One request on one leased connection: sent, challenged, sent again with a login, until its response stands."""

from __future__ import annotations

from http.client import BadStatusLine, HTTPException, RemoteDisconnected
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from coda_network._auth.login import CUT_SHORT_TWICE
from coda_network._auth.scheme import Outgoing, PeerUnproven, Role
from coda_network._http.drain import drain
from coda_network._trace import INFO, Trace
from coda_network._transport.body import NO_BODY, Body, RespondedEarly
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._transport.prepared import PreparedRequest

try:
    from ssl import SSLEOFError, SSLZeroReturnError
except ImportError:  # a Python without TLS
    SSLEOFError = SSLZeroReturnError = RemoteDisconnected  # type: ignore[assignment, misc]  # nothing raises them then

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coda_network._auth.login import Login
    from coda_network._transport.expect_continue import WaitingBody
    from coda_network._transport.request_auth import RequestAuth

log = Trace("opener")

# RFC 9110 section 9.2.2: sent twice, they have the same effect as once.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

# Raised on a connection that its peer has closed.
CLOSED_BY_PEER = (
    # RemoteDisconnected; and on a kept connection what is no HTTP: a body that came behind the response before.
    BadStatusLine,
    ConnectionResetError,
    BrokenPipeError,
    ConnectionAbortedError,
    SSLEOFError,
    SSLZeroReturnError,
)

EXPECTATION_FAILED = 417

_new = tuple.__new__  # makes a NamedTuple without a function of Python, for each request with a login

MOST_CHALLENGES = 16
"""Challenges in one exchange; two logins take six at most, and a server that sends more never ends."""


def exchange(pooled: PooledConnection, prepared: PreparedRequest, body: Body, auth: RequestAuth) -> Any:
    """Send one request, log in where a challenge asks for it, and return the final response.

    A refused tunnel comes back as the proxy's response, with ``tunnel`` True. A response whose challenge could not be
    met has an ``auth_report`` that says why.

    :param pooled: the leased connection
    :param prepared: the request
    :param body: its body
    :param auth: who logs in
    :raises OSError: a failure below HTTP
    :raises http.client.HTTPException: the peer does not speak HTTP
    """
    if body.needs_login_first and (refused := _log_in_ahead(pooled, prepared, auth)) is not None:
        return refused
    connection = pooled.connection
    to_send: dict[Role, str] = {}
    sent: dict[Role, str] = {}
    repeated = accepted_early = was_refused = expects_no_more = False
    # A login may be good for one request only, and that was the HEAD: another HEAD asks before the body is sent.
    trying = body.needs_login_first and any(login.is_untried for _, login in pooled.logins(prepared.absolute_form))
    challenges = 0
    while True:
        sending = prepared.for_head() if trying else prepared
        headers, data, withheld = sending.headers, None if trying else body.data, trying
        waiting: WaitingBody | None = None
        logins: Sequence[tuple[Role, Login]] = ()
        if pooled.origin_login is not None or pooled.proxy_login is not None:
            logins = pooled.logins(prepared.absolute_form)
        if logins:
            sent, awaits_challenge = {}, False
            for role, login in logins:
                value = to_send.get(role) or login.start(_outgoing(sending, body, role))
                if value:
                    sent[role] = value
                    awaits_challenge |= login.awaits_challenge
            to_send = {}
            headers = _with_logins(headers, logins, sent)
            if awaits_challenge:
                # The response to the first leg of a handshake can only be a challenge, on this very connection: the
                # body stays back, as in browsers.
                headers = {**headers, "Connection": "keep-alive"}
                if data is not None and not accepted_early:
                    headers, data, withheld = _without_body(headers), None, True
        may_wait = data is not None and body.is_spent_by_reading and not expects_no_more and "Expect" not in headers
        if may_wait and any(role not in sent and auth.expects(pooled, role) for role in auth.roles()):
            data = waiting = _waiting_body(connection, data)
            headers = {**headers, "Expect": "100-continue"}

        reused = connection.sock is not None
        try:
            response = _send(connection, sending, data, headers)
        except (OSError, BadStatusLine) as error:
            # The peer may have closed an idle connection at the moment that we wrote to it.
            # What was refused with a challenge was not carried out, whatever its method.
            may_repeat = was_refused or sending.method in IDEMPOTENT
            if not reused or repeated or not may_repeat or not _is_closed_by_peer(error):
                raise
            is_unread = waiting is not None and not waiting.was_read
            if not is_unread and not withheld and not body.rewind():
                raise
            connection.close()
            pooled.hung_up = True
            repeated, to_send = True, _without_tokens(sent, logins)
            continue
        if getattr(response, "tunnel", False) is True:  # a class of the program has none
            response.auth_report = pooled.proxy_login and pooled.proxy_login.report
            return response

        challenger = _challenger(response.status, auth) if response.status in _BY_STATUS else None
        for role, login in logins:
            # A request that the proxy refused has not reached the site.
            if challenger is None or (role is Role.PROXY and challenger is Role.ORIGIN):
                try:
                    login.on_response(_fields_of_logins(response))
                except PeerUnproven as error:
                    response.close()
                    raise URLError(error)  # noqa: B904  # its own message is complete
        if challenger is None:
            if waiting is not None and not waiting.was_read and response.status == EXPECTATION_FAILED:
                expects_no_more = True
            elif not withheld:
                return response
            else:
                # The login holds; or it was accepted before the handshake was over: send the request with its body.
                accepted_early, trying = accepted_early or not trying, False
            drain(response)
            continue
        # One that closes behind its challenge may close behind its final response, too, and not say so.
        hangs_up = response.will_close and waiting is None
        if challenger is Role.PROXY:
            if Role.ORIGIN in sent and not trying:  # a proof of Digest is for one method
                to_send[Role.ORIGIN] = sent[Role.ORIGIN]
            if data is not None and body.needs_login_first:
                # squid announces keep-alive but never responds again while the rest of our body is unread: close.
                response.will_close = True
        trying = False
        challenges += 1
        is_unread = waiting is not None and not waiting.was_read
        spent = data is not None and not is_unread and not body.rewind()
        outgoing = _outgoing(prepared, body, challenger)
        authorization = _authorization_for(auth.login(pooled, challenger), response, outgoing, spent)
        if authorization is None or challenges == MOST_CHALLENGES:
            return response
        if (cookie := auth.keep_cookies(response)) is not None:
            prepared.headers["Cookie"] = cookie
        was_refused = True
        to_send[challenger] = authorization
        goes_on = drain(response)
        if not goes_on or pooled.dropped():
            pooled.hung_up |= goes_on or (hangs_up and not auth.login(pooled, challenger).binds_connection)
            connection.close()
            if auth.login(pooled, challenger).in_progress:
                if repeated:
                    auth.login(pooled, challenger).withdraw(CUT_SHORT_TWICE)
                    return response
                repeated, to_send = True, _without_tokens(to_send, pooled.logins(prepared.absolute_form))


def _log_in_ahead(pooled: PooledConnection, prepared: PreparedRequest, auth: RequestAuth) -> Any:
    """Log in with a HEAD, a safe method (RFC 9110 section 9.2.1), so that a challenge does not waste the body.

    A body that is large, or can be read only once, is not sent before. Some proxies never respond again on a connection
    on which they refused a large body.

    :returns: the response to HEAD where the login failed, None otherwise
    """
    awaited = [role for role in auth.roles() if auth.expects(pooled, role) and not auth.login(pooled, role).is_untried]
    if not awaited:
        return None
    response = exchange(pooled, prepared.for_head(), NO_BODY, auth)
    if getattr(response, "tunnel", False) or any(auth.login(pooled, role).failed for role in awaited):
        return response
    drain(response)
    return None


def _send(connection: Any, prepared: PreparedRequest, data: Any, headers: dict[str, Any]) -> Any:
    try:
        connection.request(
            prepared.method, prepared.target, data, headers, encode_chunked="Transfer-Encoding" in headers
        )
    except RespondedEarly:
        response = connection.getresponse()
        response.will_close = True  # the peer waits for the body, or does not: nobody knows
        return response
    except OSError as error:
        # Like urllib: errors up to sending become URLError, errors while reading the response do not.
        response = _early_response(connection, error)
        if response is None:
            raise URLError(error)  # noqa: B904  # the traceback shows the cause, as urllib's does
        return response
    response = connection.getresponse()
    if log.is_on(INFO) and not getattr(response, "tunnel", False):
        # A query may hold secrets.
        path, _, query = prepared.target.partition("?")
        log.info(
            "%s %s: %d %s", prepared.method, (path or "/") + ("?..." if query else ""), response.status, response.reason
        )
    return response


def _waiting_body(connection: Any, data: Any) -> WaitingBody:
    from coda_network._transport.expect_continue import WaitingBody

    return WaitingBody(connection, data)


def _early_response(connection: Any, error: OSError) -> Any:
    """Return the response that came before the peer stopped reading the request (RFC 9112 section 9.5), else None."""
    if connection.sock is None or not isinstance(error, (BrokenPipeError, ConnectionResetError)):
        return None
    try:
        response = connection.getresponse()
    except (OSError, HTTPException):
        return None
    # Where the rest of the body is, nobody knows.
    response.will_close = True
    return response


def _outgoing(prepared: PreparedRequest, body: Body, role: Role) -> Outgoing:
    """Return what a login signs of a request: the target as the role that checks it sees it.

    Behind a proxy the site sees a path, whatever the proxy was sent (RFC 9112 section 3.2.1).
    """
    target = prepared.target
    if role is Role.ORIGIN and prepared.absolute_form:
        _, slash, path = target.partition("://")[2].partition("/")
        target = slash + path if slash else "/" + target.partition("?")[1] + target.partition("?")[2]
    return _new(Outgoing, (prepared.method, target, None if body is NO_BODY else body.signable()))


def _authorization_for(login: Login, response: Any, outgoing: Outgoing, spent: bool) -> str | None:
    """Return the authorization to send after a challenge; None where the response stands, with a report of why.

    :param login: of the role that the challenge is for
    :param response: with the challenge
    :param outgoing: the request to send again
    :param spent: the body has been sent, and can be read only once
    """
    response.auth_report = login.report
    authorization = login.on_challenge(response.headers, outgoing, response.will_close)
    if authorization is not None and spent:
        login.withdraw("not sent, because the body can be read only once and has been sent in vain")
        return None
    return authorization


def _fields_of_logins(response: Any) -> Any:
    """Return the header section of a response; None, unparsed, where it has nothing for a login.

    To parse the fields of a success took 12 of the 65 us of a request with Basic.
    """
    fields = None if "headers" in vars(response) else getattr(response, "_fields", None)
    return response.headers if fields is None or b"authenticat" in fields.lower() else None


def _without_tokens(sent: dict[Role, str], logins: Sequence[tuple[Role, Login]]) -> dict[Role, str]:
    """Return the authorizations that another connection takes: a login that is bound to the lost one begins anew."""
    bound = {role for role, login in logins if login.in_progress}
    return {role: value for role, value in sent.items() if role not in bound}


def _is_closed_by_peer(error: BaseException) -> bool:
    return isinstance(error.reason if isinstance(error, URLError) else error, CLOSED_BY_PEER)


_BY_STATUS = {role.status: role for role in Role}


def _challenger(status: int, auth: RequestAuth) -> Role | None:
    role = _BY_STATUS.get(status)
    # Inside a tunnel the proxy reads nothing: a 407 there is the site's own, and gets no login of ours.
    return role if role in auth.roles() else None


def _with_logins(
    headers: dict[str, Any], logins: Sequence[tuple[Role, Login]], sent: dict[Role, str]
) -> dict[str, Any]:
    """Return the header fields with those of the logins in place of the program's own, which the logins know."""
    headers = headers.copy()
    for role, _ in logins:
        headers.pop(role.authorization_header, None)
    for role, value in sent.items():
        headers[role.authorization_header] = value
    return headers


def _without_body(headers: dict[str, Any]) -> dict[str, Any]:
    fields = {name: value for name, value in headers.items() if name not in ("Transfer-Encoding", "Expect")}
    return {**fields, "Content-Length": "0"}
