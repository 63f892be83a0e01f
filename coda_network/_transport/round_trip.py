"""One request of an opener, on a connection that is leased for it."""

from __future__ import annotations

import functools
from typing import Any

from coda_network._auth.scheme import Role
from coda_network._pool.key import PoolKey
from coda_network._trace import Trace
from coda_network._transport.body import NO_BODY, Body
from coda_network._transport.exchange import exchange
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._transport.prepared import PreparedRequest, prepare
from coda_network._transport.request_auth import RequestAuth
from coda_network._transport.session import Session, session_of

log = Trace("pool")


def round_trip(opener: Any, make: Any, request: Any, options: dict[str, Any], debuglevel: int) -> Any:
    """Return the answer to *request*, on an idle connection of *opener* where there is one.

    Its end gives the connection back, or closes it.

    :param make: makes a connection: called with the host, ``timeout=`` and *options*
    :raises URLError: there is no answer
    """
    url = request.get_full_url()
    session = session_of(opener) if not options or _is_hashable(options) else None
    prepared = prepare(request, url, session is not None)
    memory = None if session is None else session.memory
    auth = RequestAuth(url, prepared, getattr(opener, "handlers", None) or (), memory)
    if session is None:
        kept = _open(make, options, prepared, auth, request.timeout)
        on_end = functools.partial(_close, kept)
    else:
        key = _key(make, options, prepared)
        kept = _lease(session, key, auth, request.timeout) or _open(make, options, prepared, auth, request.timeout)
        on_end = functools.partial(session.finish, key, kept, session.pool.generation)
    connection = kept.connection
    if connection.debuglevel != debuglevel:
        connection.set_debuglevel(debuglevel)
    data = request.data
    try:
        response = exchange(kept, prepared, NO_BODY if data is None else Body(data), auth)
    except BaseException:
        kept.close()
        raise
    response._release = functools.partial(_close, kept) if response.tunnel else on_end
    response.url = url
    response.msg = response.reason
    return response


def _key(make: Any, options: dict[str, Any], prepared: PreparedRequest) -> PoolKey:
    """Return whatever makes two connections differ: options by value, contexts of TLS by identity."""
    if prepared.tunnel:
        # Who asked for a tunnel with a header of his own is the only one to use it.
        options = {**options, "Proxy-Authorization": prepared.proxy_header}
    return PoolKey(make, prepared.host, prepared.tunnel, tuple(options.items()))


def _lease(session: Session, key: PoolKey, auth: RequestAuth, timeout: Any) -> PooledConnection | None:
    while idle := session.pool.lease(key):
        kept: PooledConnection = idle
        if auth.fits(kept):
            kept.set_timeout(timeout)
            log("an idle connection to %s is used again", key.host)
            return kept
        kept.close()
    return None


def _open(
    make: Any, options: dict[str, Any], prepared: PreparedRequest, auth: RequestAuth, timeout: Any
) -> PooledConnection:
    """Return a connection that connects with its first request."""
    connection = make(prepared.host, timeout=timeout, **options)
    connection._login_handled_elsewhere = True
    kept = PooledConnection(connection)
    if prepared.tunnel:
        given = prepared.proxy_header
        connection.set_tunnel(prepared.tunnel, headers={} if given is None else {"Proxy-Authorization": given})
        connection._proxy_login = auth.login(kept, Role.PROXY)
        connection._proxy_keep_alive = True
    auth.prepare(kept)
    return kept


def _is_hashable(options: dict[str, Any]) -> bool:
    try:
        hash(tuple(options.values()))
    except TypeError:
        return False
    return True


def _close(kept: PooledConnection, response: Any, reusable: bool) -> None:
    kept.close()
