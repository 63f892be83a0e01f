"""One request of an opener, on a connection that is leased for it."""

from __future__ import annotations

import functools
from typing import Any

from coda_network._auth.scheme import Role
from coda_network._opener.body import NO_BODY, Body
from coda_network._opener.connections import Connections, connections_of
from coda_network._opener.exchange import exchange
from coda_network._opener.identity import Identity
from coda_network._opener.kept import KeptConnection
from coda_network._opener.plan import Plan, plan
from coda_network._pool.key import PoolKey
from coda_network._wire.trace import Trace

log = Trace("pool")


def carry_out(opener: Any, make: Any, request: Any, options: dict[str, Any], debuglevel: int) -> Any:
    """Return the answer to *request*, on an idle connection of *opener* where there is one.

    Its end gives the connection back, or closes it.

    :param make: makes a connection: called with the host, ``timeout=`` and *options*
    :raises URLError: there is no answer
    """
    url = request.get_full_url()
    connections = connections_of(opener) if not options or _is_hashable(options) else None
    planned = plan(request, url, connections is not None)
    memory = None if connections is None else connections.memory
    identity = Identity(url, planned, getattr(opener, "handlers", None) or (), memory)
    if connections is None:
        kept = _open(make, options, planned, identity, request.timeout)
        on_end = functools.partial(_close, kept)
    else:
        key = _key(make, options, planned)
        kept = _lease(connections, key, identity, request.timeout) or _open(
            make, options, planned, identity, request.timeout
        )
        on_end = functools.partial(connections.finish, key, kept, connections.pool.generation)
    connection = kept.connection
    if connection.debuglevel != debuglevel:
        connection.set_debuglevel(debuglevel)
    data = request.data
    try:
        response = exchange(kept, planned, NO_BODY if data is None else Body(data), identity)
    except BaseException:
        kept.close()
        raise
    response._on_end = functools.partial(_close, kept) if response.tunnel else on_end
    response.url = url
    response.msg = response.reason
    return response


def _key(make: Any, options: dict[str, Any], planned: Plan) -> PoolKey:
    """Return whatever makes two connections differ: options by value, contexts of TLS by identity."""
    if planned.tunnel:
        # Who asked for a tunnel with a header of his own is the only one to use it.
        options = {**options, "Proxy-Authorization": planned.proxy_header}
    return PoolKey(make, planned.host, planned.tunnel, tuple(options.items()))


def _lease(connections: Connections, key: PoolKey, identity: Identity, timeout: Any) -> KeptConnection | None:
    while idle := connections.pool.lease(key):
        kept: KeptConnection = idle
        if identity.fits(kept):
            kept.set_timeout(timeout)
            log("an idle connection to %s is used again", key.host)
            return kept
        kept.close()
    return None


def _open(make: Any, options: dict[str, Any], planned: Plan, identity: Identity, timeout: Any) -> KeptConnection:
    """Return a connection that connects with its first request."""
    connection = make(planned.host, timeout=timeout, **options)
    connection._has_exchange = True
    kept = KeptConnection(connection)
    if planned.tunnel:
        given = planned.proxy_header
        connection.set_tunnel(planned.tunnel, headers={} if given is None else {"Proxy-Authorization": given})
        connection._proxy_login = identity.login(kept, Role.PROXY)
        connection._proxy_keep_alive = True
    identity.prepare(kept)
    return kept


def _is_hashable(options: dict[str, Any]) -> bool:
    try:
        hash(tuple(options.values()))
    except TypeError:
        return False
    return True


def _close(kept: KeptConnection, response: Any, reusable: bool) -> None:
    kept.close()
