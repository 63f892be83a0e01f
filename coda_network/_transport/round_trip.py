"""One request of an opener, on a connection that is leased for it and released when its response ends."""

from __future__ import annotations

import functools
from types import MethodType
from typing import Any

from coda_network._auth.scheme import Role
from coda_network._http.connection import HTTPConnection
from coda_network._net import happy_eyeballs
from coda_network._originals import original, urllib_request
from coda_network._pool.key import PoolKey
from coda_network._route.route import Route, RouteFailed, dial_over, has_failed_to_connect
from coda_network._trace import Trace
from coda_network._transport.body import NO_BODY, Body
from coda_network._transport.exchange import exchange
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._transport.prepared import PreparedRequest, prepare
from coda_network._transport.request_auth import RequestAuth
from coda_network._transport.session import Session, session_of
from coda_network._wire.framing import tokens

log = Trace("pool")

_stdlib_full_url = urllib_request.Request.full_url
_stdlib_get_full_url = original(urllib_request.Request, "get_full_url")
_stdlib_get_method = original(urllib_request.Request, "get_method")
_CHALLENGES = frozenset(role.status for role in Role)


def round_trip(
    opener: Any, make: Any, request: Any, options: dict[str, Any], debuglevel: int, route: Route | None = None
) -> Any:
    """Send *request* and return its response, over an idle connection of *opener* where there is one.

    The end of the response releases the connection: into the pool, or closed.

    :param opener: whose session and handlers serve the request; None for none
    :param make: makes a connection: called with the host, ``timeout=`` and *options*
    :param request: a ``Request``
    :param options: of *make*
    :param debuglevel: above 0 prints what is sent and received
    :param route: over which it goes; None for the routes that the request has, or else the proxy that it says itself
    :raises URLError: there is no response
    """
    if route is None and (routes := getattr(request, "_routes", None)) is not None:
        send = functools.partial(round_trip, opener, make, request, options, debuglevel)
        return _over_routes()(routes, send, request.timeout)
    # As the director does, for the same reason.
    data, of_url, of_method = request.data, request.get_full_url, request.get_method
    if (
        type(request).full_url is _stdlib_full_url
        and type(of_url) is type(of_method) is MethodType
        and of_url.__func__ is _stdlib_get_full_url
        and of_method.__func__ is _stdlib_get_method
        and not request.fragment
    ):
        url, method = request._full_url, getattr(request, "method", "GET" if data is None else "POST")
    else:
        url, method = request.get_full_url(), request.get_method()
    session = session_of(opener) if not options or _is_hashable(options) else None
    prepared = prepare(request, url, method, session, route)
    auth = RequestAuth(url, prepared, getattr(opener, "handlers", None) or (), session, request)
    response = send_prepared(session, make, options, prepared, data, auth, request.timeout, debuglevel, opener)
    response.url = url
    response.msg = response.reason if response.status not in _CHALLENGES else _why_refused(response)
    return response


def send_prepared(
    session: Session | None,
    make: Any,
    options: dict[str, Any],
    prepared: PreparedRequest,
    data: Any,
    auth: RequestAuth,
    timeout: Any,
    debuglevel: int = 0,
    opener: Any = None,
) -> Any:
    """Send a request that is ready for its connection, and return its response; the other parameters as above.

    :param session: whose connections serve the request; None for one of its own
    :param data: the body, None for none
    :param auth: who logs in
    :param timeout: in seconds, for each call on the socket
    """
    leased = None
    if session is None:
        pooled = _open(make, options, prepared, auth, timeout, opener)
        on_end = functools.partial(_close, pooled)
    else:
        # All of them at once: other threads have other keys.
        key, of, by = session.last_key
        asked = (make, prepared.host, prepared.tunnel, tuple(options.items()))
        if prepared.tunnel or by is not prepared.route or of != asked:
            key = _key(make, options, prepared)
            session.last_key = key, asked, prepared.route
        leased = _lease(session, key, auth, timeout)
        pooled = leased or _open(make, options, prepared, auth, timeout, opener)
        on_end = functools.partial(session.finish, key, pooled, session.pool.generation)
    connection = pooled.connection
    if connection.debuglevel != debuglevel:
        connection.set_debuglevel(debuglevel)
    try:
        response = exchange(pooled, prepared, NO_BODY if data is None else Body(data), auth)
    except BaseException as error:
        pooled.close()
        if prepared.route is not None and isinstance(error, OSError) and has_failed_to_connect(connection):
            raise RouteFailed(error) from None
        raise
    if getattr(response, "_release", pooled) is None:
        # Who has said ``close`` sends nothing more on the connection (RFC 9112 section 9.6), whatever comes.
        is_last = response.tunnel or (prepared.headers["Connection"] != "keep-alive" and _says_close(prepared))
        response._release = functools.partial(_close, pooled) if is_last else on_end
    else:
        _leave_to(response, connection)
    if leased is not None:
        response.connection_reused = not leased.hung_up
    return response


@functools.cache
def _over_routes() -> Any:
    """Load what tries routes with the first request that has any: most programs have none."""
    from coda_network._transport.routes import over_routes

    return over_routes


def _why_refused(response: Any) -> str:
    """Return the reason phrase of a refusal, for the text of HTTPError; it says where a password was not sent."""
    why = getattr(getattr(response, "auth_report", None), "not_sent", None)
    return f"{response.reason} ({why})" if why else str(response.reason)


def _key(make: Any, options: dict[str, Any], prepared: PreparedRequest) -> PoolKey:
    """Return what makes two connections differ: options by value, TLS contexts by identity."""
    if prepared.tunnel:
        # A tunnel that was opened with an authorization of the program's own serves only requests with the same one.
        options = {**options, "Proxy-Authorization": prepared.proxy_authorization}
    if prepared.route is not None:
        options = {**options, "route": (prepared.route.hops, prepared.route.context)}
    return PoolKey(make, prepared.host, prepared.tunnel, tuple(options.items()))


def _lease(session: Session, key: PoolKey, auth: RequestAuth, timeout: Any) -> PooledConnection | None:
    while idle := session.pool.lease(key):
        pooled: PooledConnection = idle
        try:
            if auth.fits(pooled):
                pooled.set_timeout(timeout)
                if log.is_on():
                    log("an idle connection to %s is used again", key.authority)
                return pooled
        except BaseException:  # a signal, or credentials that raise
            pooled.close()
            raise
        pooled.close()
    return None


def _open(
    make: Any, options: dict[str, Any], prepared: PreparedRequest, auth: RequestAuth, timeout: Any, opener: Any
) -> PooledConnection:
    """Return a connection that connects with its first request."""
    connection = make(prepared.host, timeout=timeout, **options)
    if getattr(opener, "races_addresses", False) and happy_eyeballs.stands_in_for(connection._create_connection):
        connection._create_connection = happy_eyeballs.create_connection
    if prepared.route is not None:
        dial_over(prepared.route, connection)
    pooled = PooledConnection(connection)
    proxy_login = None
    if prepared.tunnel:
        preset = prepared.proxy_authorization
        connection.set_tunnel(prepared.tunnel, headers={} if preset is None else {"Proxy-Authorization": preset})
        proxy_login = auth.login(pooled, Role.PROXY)
    HTTPConnection._log_in_with(connection, proxy_login)
    auth.begin_unasked(pooled)
    return pooled


def _is_hashable(options: dict[str, Any]) -> bool:
    try:
        hash(tuple(options.values()))
    except TypeError:
        return False
    return True


def _says_close(prepared: PreparedRequest) -> bool:
    return "close" in tokens([str(prepared.headers["Connection"])])


def _leave_to(response: Any, connection: Any) -> None:
    """Let a response read on alone that says nothing of its end: of a class of the program, or of http.client's own."""
    if connection.sock is not None:
        connection.sock.close()
        connection.sock = None


def _close(pooled: PooledConnection, response: Any, reusable: bool) -> None:
    pooled.close()
