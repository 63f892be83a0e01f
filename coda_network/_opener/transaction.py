"""One request of an opener, on a connection that is leased for it."""

from __future__ import annotations

import functools
from typing import Any

from coda_network._auth.scheme import Role
from coda_network._opener.body import NO_BODY, Body
from coda_network._opener.connections import Connections
from coda_network._opener.exchange import exchange
from coda_network._opener.identity import Identity
from coda_network._opener.kept import KeptConnection
from coda_network._opener.plan import plan
from coda_network._pool.key import PoolKey
from coda_network._wire.trace import Trace

log = Trace("pool")


class Transaction:
    """One request, to be run once.

    :param make: makes a connection: called with the host, ``timeout=`` and *options*
    :param connections: of the opener; None opens a connection for this request alone
    :param handlers: of the opener; some of them declare logins
    :raises URLError: the request has no host
    """

    def __init__(
        self, request: Any, make: Any, options: dict[str, Any], connections: Connections | None, handlers: Any
    ) -> None:
        self.request = request
        self.make = make
        self.options = options
        self.connections = connections if not options or _is_hashable(options) else None
        self.plan = plan(request, self.connections is not None)
        memory = None if self.connections is None else self.connections.memory
        self.identity = Identity(request.full_url, self.plan, handlers, memory)

    def run(self, debuglevel: int) -> Any:
        """Return the answer, whose end gives the connection back or closes it."""
        connections = self.connections
        if connections is None:
            kept = self._open()
            on_end = functools.partial(_close, kept)
        else:
            key = self._key()
            kept = self._lease(connections, key)
            on_end = functools.partial(connections.finish, key, kept, connections.pool.generation)
        connection = kept.connection
        if connection.debuglevel != debuglevel:
            connection.set_debuglevel(debuglevel)
        data = self.request.data
        try:
            response = exchange(kept, self.plan, NO_BODY if data is None else Body(data), self.identity)
        except BaseException:
            kept.close()
            raise
        response._on_end = functools.partial(_close, kept) if response.tunnel else on_end
        return response

    def _key(self) -> PoolKey:
        """Return whatever makes two connections differ: options by value, contexts of TLS by identity."""
        options = tuple(self.options.items())
        if self.plan.tunnel:
            # Who asked for a tunnel with a header of his own is the only one to use it.
            options += (("Proxy-Authorization", self.plan.proxy_header),)
        return PoolKey(self.make, self.plan.host, self.plan.tunnel, options)

    def _lease(self, connections: Connections, key: PoolKey) -> KeptConnection:
        while idle := connections.pool.lease(key):
            kept: KeptConnection = idle
            if self.identity.fits(kept):
                kept.set_timeout(self.request.timeout)
                log("an idle connection to %s is used again", self.plan.host)
                return kept
            kept.close()
        return self._open()

    def _open(self) -> KeptConnection:
        """Return a connection that connects with its first request."""
        connection = self.make(self.plan.host, timeout=self.request.timeout, **self.options)
        connection._has_exchange = True
        kept = KeptConnection(connection)
        if self.plan.tunnel:
            given = self.plan.proxy_header
            connection.set_tunnel(self.plan.tunnel, headers={} if given is None else {"Proxy-Authorization": given})
            connection._proxy_login = self.identity.login(kept, Role.PROXY)
            connection._proxy_keep_alive = True
        self.identity.prepare(kept)
        return kept


def _is_hashable(options: dict[str, Any]) -> bool:
    try:
        hash(tuple(options.values()))
    except TypeError:
        return False
    return True


def _close(kept: KeptConnection, response: Any, reusable: bool) -> None:
    kept.close()
