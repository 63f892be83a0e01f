"""The http and https handlers: a leased connection for each request, given back when its answer is over."""

from __future__ import annotations

import functools
import http.client
import urllib.request
from typing import Any
from urllib.error import URLError

from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login
from coda_network._auth.scheme import Peer, Role
from coda_network._http.connection import HTTPConnection
from coda_network._http.https import HTTPSConnection
from coda_network._net.dial import SocketKeepalive
from coda_network._net.tls import Cert, client_context
from coda_network._net.tunnelling import TunnelError
from coda_network._opener.connections import Connections, connections_of
from coda_network._opener.exchange import Body, exchange, may_repeat
from coda_network._opener.kept import KeptConnection
from coda_network._opener.logins import proxy_credentials, sources
from coda_network._opener.plan import Plan, plan
from coda_network._pool.key import PoolKey
from coda_network._wire.urls import split_authority

_stdlib_do_open = urllib.request.AbstractHTTPHandler.do_open
_stdlib_init = urllib.request.AbstractHTTPHandler.__init__


class TunnelRefused(URLError):
    """A proxy refused the tunnel to an https site.

    ``reason`` is the TunnelError; ``code``, ``headers`` and ``fp`` are those of the proxy's answer.
    """

    def __init__(self, response: Any) -> None:
        super().__init__(TunnelError(response, getattr(response, "auth_report", None)))
        self.code = response.status
        self.headers = response.headers
        self.fp = response


class AbstractHTTPHandler(urllib.request.AbstractHTTPHandler):
    """urllib.request.AbstractHTTPHandler whose requests share connections."""

    __module__ = "urllib.request"  # it stands in for that class, and is shown and looked up by its name

    socket_keepalive: bool | SocketKeepalive = False

    def do_open(self, http_class: Any, req: Any, **http_conn_args: Any) -> Any:
        """Carry out *req* on a connection of *http_class*, an idle one of this opener where there is one.

        What is no class of connections (an instance, a function) makes its own connection each time, as in the
        standard library, and so does a handler without an opener.

        :raises URLError: the server could not be reached, or a proxy refused the tunnel to it
        """
        if not (isinstance(http_class, type) and hasattr(http_class, "_new_response")):
            return _stdlib_do_open(self, http_class, req, **http_conn_args)
        opener = getattr(self, "parent", None)
        response = _Transaction(self, opener, http_class, req, http_conn_args).run()
        if response.tunnel:
            return _refused(opener, req, response)
        response.url = req.get_full_url()
        response.msg = response.reason
        return response


class HTTPHandler(AbstractHTTPHandler, urllib.request.HTTPHandler):
    """urllib.request.HTTPHandler over kept connections.

    :param debuglevel: above 0 prints what is sent and received
    :param socket_keepalive: see httplib.HTTPConnection
    """

    __module__ = "urllib.request"

    def __init__(self, debuglevel: int | None = None, socket_keepalive: bool | SocketKeepalive = False) -> None:
        _init_debuglevel(self, http.client.HTTPConnection, debuglevel)
        self.socket_keepalive = socket_keepalive

    def http_open(self, req: Any) -> Any:
        """Open an http URL."""
        return self.do_open(_connection_class("HTTPConnection"), req, **_options(self))


class HTTPSHandler(AbstractHTTPHandler, urllib.request.HTTPSHandler):
    """urllib.request.HTTPSHandler over kept connections.

    :param context: of TLS; None is http.client's default
    :param check_hostname: overrides the context's own
    :param cert: the client certificate: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param socket_keepalive: see httplib.HTTPConnection
    """

    __module__ = "urllib.request"

    def __init__(
        self,
        debuglevel: int | None = None,
        context: Any = None,
        check_hostname: bool | None = None,
        cert: Cert | None = None,
        socket_keepalive: bool | SocketKeepalive = False,
    ) -> None:
        _init_debuglevel(self, http.client.HTTPSConnection, debuglevel)
        if context is None or cert is not None:
            context = client_context(context, cert)
        if check_hostname is not None:
            context.check_hostname = check_hostname
        self._context = context
        self._check_hostname = None  # its place in Python 3.10 and 3.11; the context has it
        self.socket_keepalive = socket_keepalive

    def https_open(self, req: Any) -> Any:
        """Open an https URL."""
        return self.do_open(_connection_class("HTTPSConnection"), req, context=self._context, **_options(self))


def _init_debuglevel(handler: Any, connection_class: Any, debuglevel: int | None) -> None:
    _stdlib_init(handler, connection_class.debuglevel if debuglevel is None else debuglevel)


def _options(handler: AbstractHTTPHandler) -> dict[str, Any]:
    return {"socket_keepalive": handler.socket_keepalive} if handler.socket_keepalive else {}


_STDLIB = {"HTTPConnection": http.client.HTTPConnection, "HTTPSConnection": http.client.HTTPSConnection}
_OURS = {"HTTPConnection": HTTPConnection, "HTTPSConnection": HTTPSConnection}


def _connection_class(name: str) -> Any:
    """Look the class up when it is needed: programs and tests put their own into http.client."""
    found = getattr(http.client, name)
    return _OURS[name] if found is _STDLIB[name] and not hasattr(found, "_new_response") else found


def _refused(opener: Any, req: Any, response: Any) -> Any:
    """Ask the handlers for 407 what they make of a refused tunnel; raise it where they make nothing of it."""
    if response.status == 407 and isinstance(opener, urllib.request.OpenerDirector):
        by_code = opener.handle_error.get("http", {})  # type: ignore[attr-defined]  # urllib's table of handlers
        for handler in by_code.get(407, ()):
            result = handler.http_error_407(req, response, 407, response.reason, response.headers)
            if result is not None:
                return result
    raise TunnelRefused(response)


class _Transaction:
    """One call of do_open(): the lease, the exchange, and one repetition where the lease had died."""

    def __init__(self, handler: Any, opener: Any, http_class: Any, request: Any, options: dict[str, Any]) -> None:
        self.handlers = getattr(opener, "handlers", None) or ()
        self.debuglevel = handler._debuglevel
        self.request = request
        self.http_class = http_class
        self.options = options
        self.connections: Connections | None = connections_of(opener)
        self.plan: Plan = plan(request, self.connections is not None)
        # Whatever makes two connections differ. Options are compared by value, contexts of TLS by identity.
        self.key = PoolKey(http_class, self.plan.host, self.plan.tunnel, tuple(options.items()))
        try:
            hash(self.key)
        except TypeError:
            self.connections = None

    def run(self) -> Any:
        body = Body(self.request.data)
        kept = self._lease()
        while True:
            reused = kept.used
            try:
                response = self._attempt(kept, body)
            except BaseException as error:
                kept.close()
                if may_repeat(error, self.plan, body, reused):
                    kept = self._fresh()
                    continue
                raise
            generation = self.connections.pool.generation if self.connections else 0
            if self.connections is None or response.tunnel:
                response._on_end = functools.partial(_close, kept)
            else:
                response._on_end = functools.partial(self.connections.finish, self.key, kept, generation)
            return response

    def _attempt(self, kept: KeptConnection, body: Body) -> Any:
        connection = kept.connection
        if connection.debuglevel != self.debuglevel:
            connection.set_debuglevel(self.debuglevel)
        return exchange(kept, self.plan, body, lambda role: self._login(kept, role))

    def _lease(self) -> KeptConnection:
        if self.connections is not None:
            while (kept := self.connections.pool.lease(self.key)) is not None:
                if self._fits(kept):
                    kept.set_timeout(self.request.timeout)
                    return kept
                kept.close()
        return self._fresh()

    def _fresh(self) -> KeptConnection:
        connection = self.http_class(self.plan.host, timeout=self.request.timeout, **self.options)
        kept = KeptConnection(connection)
        if self.plan.tunnel:
            fields = {}
            if self.plan.proxy_header is not None:
                fields["Proxy-Authorization"] = self.plan.proxy_header
            connection.set_tunnel(self.plan.tunnel, headers=fields)
            connection._proxy_login = kept.proxy_login = self._login(kept, Role.PROXY)
            connection._proxy_keep_alive = True
        elif self.plan.by_proxy and self.connections is not None and self.connections.knows_logins:
            kept.proxy_login = self._login(kept, Role.PROXY)
        if self.connections is not None and self.connections.knows_logins:
            kept.origin_login = self._remembered(kept)
        return kept

    # -- who logs in

    def _fits(self, kept: KeptConnection) -> bool:
        """Tell whether an idle connection can serve this request as far as its logins go, and prepare them."""
        for role, login in kept.logins(by_proxy=True):
            if role is Role.ORIGIN and self.plan.by_proxy and login.peer != self._peer(kept, role):
                # One connection to a proxy serves many sites, but a login of one site only that site.
                if login.binds_connection:
                    return False
                kept.set_login(role, None)
                continue
            login.credentials = self._sources(role)
            if not login.is_still_for_its_user():
                return False
        if kept.origin_login is None and self.connections is not None and self.connections.knows_logins:
            kept.origin_login = self._remembered(kept)
        return True

    def _remembered(self, kept: KeptConnection) -> Login | None:
        assert self.connections is not None
        known = self.connections.memory.recall(self._peer(kept, Role.ORIGIN))
        return self._login(kept, Role.ORIGIN) if known is not None else None

    def _login(self, kept: KeptConnection, role: Role) -> Login | None:
        """Make the login of a role; None where nobody is known for it and nothing is declared."""
        credentials = self._sources(role)
        if not credentials:
            return None
        memory = self.connections.memory if self.connections is not None else None
        return Login(role, self._peer(kept, role), credentials, memory=memory)

    def _sources(self, role: Role) -> Any:
        url, authority = self.request.full_url, self.plan.host
        if role is Role.ORIGIN:
            return sources(self.handlers, role, url, authority, (self.plan.credentials,))
        given = Credentials.from_basic_header(self.plan.proxy_header) if self.plan.proxy_header else None
        in_url = proxy_credentials(self.handlers, authority)
        return sources(self.handlers, role, url, authority, (given, in_url))

    def _peer(self, kept: KeptConnection, role: Role) -> Peer:
        connection = kept.connection
        if role is Role.PROXY:
            return Peer(role, connection.host, connection.port)
        if self.plan.by_proxy:
            authority = self.plan.target.partition("://")[2].partition("/")[0]
            return Peer(role, *split_authority(authority, 80))
        if self.plan.tunnel:
            host, port = connection._tunnel_host, connection._tunnel_port
        else:
            host, port = connection.host, connection.port
        certificate = None
        if hasattr(connection.sock, "getpeercert"):
            certificate = connection.sock.getpeercert(binary_form=True)
        return Peer(role, host, port, certificate)


def _close(kept: KeptConnection, response: Any, reusable: bool) -> None:
    kept.close()
