"""Plain sockets through proxies: any protocol over TCP, with the logins that http proxies ask for.

``create_connection()`` is for programs that would call ``socket.create_connection()``. The other names are those of
the first coda_network: the same through an opener and its handlers (``create_connect_handle()``), several proxies one
behind the other (``do_connect_chain()``), and passing bytes on (``socket_read_write()``).
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast

from coda_network import urllib2
from coda_network._http.deadline_connection import DeadlineHTTPConnection
from coda_network._http.read_response import response_from_head
from coda_network._http.tunnel_login import TunnelError
from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import lift_deadline
from coda_network._net.relay import Relayed, relay
from coda_network._net.timeout import Timeout, for_opening
from coda_network._net.tls import Cert, begin_tls
from coda_network._opener.director import OpenerDirector
from coda_network._opener.handler_list import Handlers, handler_list
from coda_network._opener.http_handlers import HTTPSHandler
from coda_network._route.connect import connect_over
from coda_network._route.find import find_routes
from coda_network._route.hops import connect_through
from coda_network._secrets import lets_out_no_secret
from coda_network._wire.authority import join_authority, split_authority

if TYPE_CHECKING:
    from ssl import SSLContext

    from coda_network._http.response import HTTPResponse

    class ConnectResponse(HTTPResponse):
        """What ``create_connect_handle()`` returns: the proxy's response, and the socket."""

        connect_sock: socket.socket


__all__ = [
    "HTTPSConnectConnection",
    "HTTPSConnectHandler",
    "Timeout",
    "TunnelError",
    "build_connect_opener",
    "create_connect_handle",
    "create_connection",
    "do_connect_chain",
    "socket_read_write",
    "start_tls",
]

# What stands for socket.getdefaulttimeout() in the signatures of the standard library.
_SOCKET_DEFAULT: Any = socket._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]  # private, but in each of them


@lets_out_no_secret
def create_connection(
    address: tuple[str, int],
    timeout: float | None = _SOCKET_DEFAULT,
    source_address: tuple[str, int] | None = None,
    *,
    proxy: str | bool | Sequence[str] | None = None,
    context: SSLContext | None = None,
) -> socket.socket:
    """Connect to an address, through a proxy where there is one, and return the connected socket.

    Use it in place of ``socket.create_connection()``. An http or https proxy opens a tunnel (CONNECT, RFC 9110 9.3.6)
    and gets a login by the scheme that it asks for: Negotiate, NTLM, Digest or Basic; SOCKS proxies are spoken to with
    the extra ``socks``. What the peer sends first stays in the socket to the last byte.

    :param address: host and port; the proxy resolves the name
    :param timeout: seconds until the connection is open, for all addresses of a host, logins, and TLS with the proxy
        together, names included; afterwards the timeout of each call on the socket. None is no limit; the default is
        that of the socket module. Of a ``Timeout`` the shorter one of *connect* and *total* is for opening, and *read*
        for each call afterwards
    :param source_address: local host and port to connect from
    :param proxy: ``http://user:password@host:port``, percent-encoded (``DOMAIN%5Cuser`` for Windows domains). With
        https in place of http the connection to the proxy is encrypted, and the socket is a TLS socket: TLS of your own
        within it is begun by ``start_tls()``. ``socks4``, ``socks4a``, ``socks5`` and ``socks5h`` are the other
        schemes; the second and the last let the proxy resolve the name. A list is a chain, the nearest proxy first.
        None takes what ``proxies.find()`` finds: the environment's (``https_proxy``, else ``all_proxy``) unless
        ``no_proxy`` names the host, or the choice of ``patch()``. An empty string or False connects directly
    :param context: of TLS with https proxies; None is the default one
    :returns: the socket
    :raises TunnelError: the proxy refused: an OSError that names its status (407, 403, 502 ...); ``response`` is the
        proxy's response, ``report`` the outcome of the login
    :raises TimeoutError: the time is up
    :raises OSError: a connection failed, or the proxy does not speak HTTP
    :raises ValueError: the proxy's URL cannot be used
    """
    if proxy is None:
        routes = find_routes(f"https://{join_authority(*address)}/", context=context)
        return cast("socket.socket", connect_over(routes, address, _seconds(timeout), source_address))
    if proxy is True:
        raise ValueError("proxy is a URL; None takes it from the environment, an empty string or False means no proxy")
    hops = [proxy] if isinstance(proxy, str) and proxy else proxy or []
    return connect_through(hops, address, _seconds(timeout), source_address, context=context)


def start_tls(sock: socket.socket, context: SSLContext, server_hostname: str) -> socket.socket:
    """Begin TLS on a connected socket, which may be a TLS socket already, and return the TLS socket.

    Use it in place of ``context.wrap_socket()``, which writes past the TLS with an https proxy.

    :param sock: as ``create_connection()`` returns it; it is closed where the handshake fails
    :param context: of the new TLS
    :param server_hostname: the name that the certificate is to have
    :raises OSError: the handshake failed
    """
    try:
        return cast("socket.socket", begin_tls(context, sock, server_hostname))
    except BaseException:
        sock.close()
        raise


@lets_out_no_secret
def do_connect_chain(
    proxies: Iterable[str],
    target: str | tuple[str, int],
    timeout_sec: float | None = None,
    *,
    context: SSLContext | None = None,
) -> socket.socket:
    """Connect to a target through several proxies, each reached through those before it, and return the socket.

    :param proxies: URLs as for create_connection(), the nearest proxy first. With none the connection is direct
    :param target: host and port, as a tuple or as ``host:port``
    :param timeout_sec: seconds until the connection is open, as for create_connection(); afterwards the timeout of each
        call on the socket. None is no limit
    :param context: of TLS with https proxies; None is the default one
    :returns: the socket
    :raises TunnelError: a proxy refused; the error is an OSError and names the status
    :raises OSError: a connection failed
    :raises ValueError: a proxy's URL or the target cannot be used
    """
    if isinstance(target, str):
        host, port = split_authority(target, 0)
        if not port:
            raise ValueError("the target needs a port: host:port")
        target = host, port
    hops = proxies if isinstance(proxies, str) else list(proxies)
    return connect_through(hops, target, timeout_sec, context=context)


def socket_read_write(sock_a: socket.socket, sock_b: socket.socket, idle_sec: float | None = None) -> Relayed:
    """Pass bytes on between two connected sockets until both have ended; return how many went each way.

    When one side stops sending, the other one is told and may go on sending. Over TLS, and after a reset, both
    directions end together. The sockets stay open.

    :param idle_sec: seconds of silence that are allowed; None is no limit
    :returns: ``a_to_b`` and ``b_to_a``, in bytes
    :raises TimeoutError: no byte came for *idle_sec*
    """
    return relay(sock_a, sock_b, idle_sec)


class HTTPSConnectConnection(DeadlineHTTPConnection):
    """A connection that only opens its socket and hands it over: the response has it as ``connect_sock``.

    The socket leads to the host that ``set_tunnel()`` names, else to the connection's own host. No request is sent to
    it, whatever the arguments of ``request()``.

    :param deadline: for everything until the socket is handed over; None is no limit
    """

    default_port = http.client.HTTPS_PORT

    _connect_response: Any = None

    def __init__(
        self, host: str, port: int | None = None, *args: Any, deadline: Deadline | None = None, **options: Any
    ) -> None:
        super().__init__(host, port, *args, deadline=deadline or Deadline(None), **options)

    def request(self, *arguments: Any, **options: Any) -> None:
        """Connect. ``getresponse()`` then returns the proxy's response to CONNECT, a refusal too.

        :raises OSError: a connection failed
        """
        try:
            self.connect()
        except TunnelError as refused:
            self._connect_response = refused.response

    def _send_connect(self, *arguments: Any) -> Any:
        self._connect_response = super()._send_connect(*arguments)
        return self._connect_response

    def getresponse(self) -> Any:
        """Return the proxy's response to CONNECT, with ``connect_sock`` where the tunnel is open.

        Without a proxy there is no response: one with status 200 and no header fields takes its place.
        """
        response, self._connect_response = self._connect_response, None
        if self.sock is None:
            return response
        if response is None:
            response = response_from_head([b"HTTP/1.1 200 Connected\r\n", b"\r\n"], None)
        # An opener takes a response with ``tunnel`` set for a refused CONNECT; this one was granted.
        response.tunnel = False
        sock, self.sock = self.sock, None
        response.connect_sock = lift_deadline(sock, _seconds(self.timeout))
        return response


class HTTPSConnectHandler(HTTPSHandler):
    """A handler for https URLs that opens the connection and leaves TLS and the request to the caller.

    :param deadline: for everything until the socket is handed over; None is no limit
    """

    def __init__(self, deadline: Deadline | None = None) -> None:
        super().__init__()
        self._deadline = deadline

    def https_open(self, req: Any) -> Any:
        """Connect to the host of an https URL; the response has the socket as ``connect_sock``."""
        return self.do_open(HTTPSConnectConnection, req, deadline=self._deadline)


def build_connect_opener(
    proxy_handlers: Handlers = None, auth_handlers: Handlers = None, timeout_sec: float | None = None
) -> OpenerDirector:
    """Return an opener whose responses for https URLs carry a connected socket (``connect_sock``).

    :param proxy_handlers: a ProxyHandler, or several handlers; None takes the proxy from the environment
    :param auth_handlers: handlers that know logins for the proxy, one or several
    :param timeout_sec: seconds from now for everything that the opener does; None is no limit
    :returns: the opener
    """
    deadline = None if timeout_sec is None else for_opening(timeout_sec)[0]
    handlers = [*handler_list(proxy_handlers), *handler_list(auth_handlers)]
    return urllib2.build_opener(*handlers, HTTPSConnectHandler(deadline))


@lets_out_no_secret
def create_connect_handle(
    url: str,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    cert: Cert | None = None,
    timeout_sec: float | None = None,
) -> ConnectResponse:
    """Connect to a host, through the proxy of an opener; return a response with the socket as ``connect_sock``.

    The socket is plain TCP: the caller chooses the protocol, begins TLS where it is wanted, and closes the socket.

    :param url: ``https://host:port`` (443 by default), ``http://host:port`` (80 by default) or ``host:port``; a path
        does not count. The proxy is the one for https in each case: a tunnel is what carries a socket
    :param proxy_handlers: a ProxyHandler, or several handlers; None takes the proxy from the environment
    :param auth_handlers: handlers that know logins for the proxy, one or several
    :param cert: not used, as TLS is the caller's; it keeps programs working that pass it
    :param timeout_sec: seconds until the connection is open, names included; afterwards the timeout of each call on the
        socket. None is no limit; a ``Timeout`` counts as for ``create_connection()``
    :returns: the proxy's response to CONNECT (``status``, ``reason``, ``headers``) with ``connect_sock``
    :raises urllib.error.URLError: no connection was opened; where the proxy refused, ``code`` is its status
    :raises ValueError: the URL has another scheme
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "https", url
    elif scheme.lower() not in ("https", "http"):
        raise ValueError("a connection is made to https://host:port, http://host:port, or host:port")
    if scheme.lower() == "http":
        authority = rest.partition("/")[0].partition("?")[0].partition("#")[0]
        rest = join_authority(*split_authority(authority.rpartition("@")[2], 80))
    request = urllib2.Request(f"https://{rest}", method="CONNECT")
    opener = build_connect_opener(proxy_handlers, auth_handlers, timeout_sec)
    afterwards = timeout_sec.read if isinstance(timeout_sec, Timeout) else timeout_sec
    response = opener.open(request, timeout=_SOCKET_DEFAULT if timeout_sec is None else afterwards)
    return cast("ConnectResponse", response)


def _seconds(timeout: float | None) -> float | None:
    return socket.getdefaulttimeout() if timeout is _SOCKET_DEFAULT else timeout
