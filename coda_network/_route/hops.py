"""A plain socket to an address over a route: each hop, a proxy, is reached through the one before it."""

from __future__ import annotations

import functools
import http.client
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from coda_network._auth.credentials import Credentials
from coda_network._auth.defaults import default_credentials
from coda_network._auth.login import Login
from coda_network._auth.scheme import Peer, Role
from coda_network._http.deadline_connection import DeadlineHTTPConnection
from coda_network._http.drain import keep_body
from coda_network._http.tunnel_login import TunnelError
from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import connect_within, lift_deadline, tls_within
from coda_network._net.tls import load_ssl
from coda_network._route.proxy_url import ProxyURL, parse_proxy_url

if TYPE_CHECKING:
    from ssl import SSLContext

Address = tuple[str, int]


class Dial(Protocol):
    """Opens a connection to an address, as ``socket.create_connection`` does."""

    def __call__(self, address: Address, timeout: Any, source_address: Address | None, /) -> socket.socket: ...


def connect_through(
    hops: Iterable[str], target: Address, seconds: float | None, source_address: Address | None = None
) -> socket.socket:
    """Connect to *target* and return the socket; what the peer sends first stays in it to the last byte.

    :param hops: URLs of proxies, the nearest one first; with none the connection is direct
    :param target: host and port
    :param seconds: the deadline until the connection is open; afterwards the timeout of each call on the socket
    :param source_address: local host and port to connect from
    :returns: the socket
    :raises TunnelError: a proxy refused the tunnel
    :raises OSError: a connection failed, or a hop does not speak HTTP
    :raises ValueError: the URL of a hop cannot be used, or not at its place
    """
    deadline = Deadline(seconds)

    def dial(address: Address, timeout: Any, source: Address | None) -> socket.socket:
        # Only the first connection is dialled; the others go through it, so *source_address* is for this one.
        return connect_within(deadline, address, None, source_address)

    reach: Dial = dial
    for place, text in enumerate(hops):
        proxy = parse_proxy_url(text)
        if proxy.scheme not in ("http", "https"):
            raise ValueError(f"a tunnel is opened by http and https proxies, not by {proxy.scheme} ones")
        if place and proxy.scheme == "https":
            raise ValueError("only the first hop can be an https proxy: there is no TLS within TLS")
        reach = functools.partial(_through, proxy, reach, deadline)
    sock = reach(target, None, None)
    lift_deadline(sock, seconds)
    return sock


def _through(
    proxy: ProxyURL, reach: Dial, deadline: Deadline, address: Address, timeout: Any, source_address: Address | None
) -> socket.socket:
    """Open a tunnel to *address* through *proxy*, to which *reach* connects."""
    connection = _ProxyConnection(proxy, reach, deadline)
    try:
        connection.set_tunnel(*address)
        connection.connect()
        sock: socket.socket
        sock, connection.sock = connection.sock, None
        return sock
    except TunnelError as refused:
        keep_body(refused.response)
        raise
    except http.client.HTTPException as error:
        if isinstance(error, (OSError, ValueError)):
            raise
        kind = type(error).__name__
        raise ConnectionError(f"{proxy.authority} does not respond as an HTTP proxy does ({kind})") from error
    finally:
        connection.close()


class _ProxyConnection(DeadlineHTTPConnection):
    """The connection to one proxy and the login there."""

    def __init__(self, proxy: ProxyURL, reach: Dial, deadline: Deadline) -> None:
        super().__init__(proxy.host, proxy.port, deadline=deadline)
        self._create_connection = reach
        self._deadline = deadline
        self._context = _tls_context() if proxy.scheme == "https" else None
        peer = Peer(Role.PROXY, proxy.host, proxy.port)
        source = default_credentials(peer)
        if proxy.username is not None:
            credentials = Credentials(proxy.username, proxy.password or "")
            source = lambda realm: credentials  # noqa: E731  # it is a CredentialSource like the other
        self._log_in_with(Login(Role.PROXY, peer, source))

    def _dial(self) -> Any:
        sock = super()._dial()
        if self._context is None:
            return sock
        tls_sock = tls_within(self._deadline, self._context, sock, self.host)
        if self._proxy_login is not None:
            # The login can be bound to the certificate (RFC 5929).
            certificate = tls_sock.getpeercert(binary_form=True)
            self._proxy_login.peer = self._proxy_login.peer._replace(tls_certificate=certificate)
        return tls_sock


def _tls_context() -> SSLContext:
    context: SSLContext = load_ssl().create_default_context()
    return context
