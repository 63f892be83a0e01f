"""A hop through an HTTP proxy: CONNECT with its login (RFC 9110 section 9.3.6), in plain text or over TLS."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING, Any

from coda_network._auth.credentials import Credentials
from coda_network._auth.defaults import default_credentials
from coda_network._auth.login import Login
from coda_network._auth.scheme import Peer, Role
from coda_network._http.deadline_connection import DeadlineHTTPConnection
from coda_network._http.drain import keep_body
from coda_network._http.tunnel_login import TunnelError
from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import tls_within
from coda_network._net.tls import load_ssl, shared_context
from coda_network._route.hops import Address, Dial, Hop

if TYPE_CHECKING:
    from coda_network._route.proxy_url import ProxyURL

# What OpenSSL says, in its several versions, of a peer whose first bytes are no TLS.
_NO_TLS = frozenset({"HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"})
_NO_TLS |= {"WRONG_VERSION_NUMBER"}


class HTTPHop(Hop):
    """An http:// or https:// proxy."""

    reads_requests = True

    def enter(self, sock: Any, deadline: Deadline) -> Any:
        """Begin TLS with an https:// proxy.

        :raises OSError: the handshake failed, or the proxy speaks in plain text
        """
        if self.proxy.scheme != "https":
            return sock
        try:
            ssl = load_ssl()
            context = shared_context() if self.context is None else self.context
        except BaseException:
            sock.close()
            raise
        try:
            return tls_within(deadline, context, sock, self.proxy.host)
        except ssl.SSLError as error:
            name = f"the proxy {self.proxy.authority}"
            if isinstance(error, ssl.SSLEOFError):
                why = f"{name} ended the connection when TLS began; one of plain text has a URL with http://"
            elif error.reason in _NO_TLS:
                why = f"{name} speaks plain text, not TLS: its URL begins with http://, not https://"
            else:
                raise
            raise ssl.SSLError(error.errno, why) from error

    def open(self, reach: Dial, address: Address, deadline: Deadline) -> Any:
        """Open a tunnel.

        :raises TunnelError: the proxy refused
        :raises OSError: the proxy is not reached, or does not speak HTTP
        """
        connection = _ProxyConnection(self.proxy, reach, deadline)
        try:
            connection.set_tunnel(*address, headers=self.connect_headers)
            connection.connect()
            sock, connection.sock = connection.sock, None
            return sock
        except TunnelError as refused:
            keep_body(refused.response)
            if not self.place or hasattr(refused.response, "refused_by"):  # by a hop before this one
                raise
            refused.response.refused_by = f"{self.place}, {self.proxy.scheme}://{self.proxy.authority}"
            raise TunnelError(refused.response, refused.report) from None
        except http.client.HTTPException as error:
            if isinstance(error, (OSError, ValueError)):
                raise
            kind = type(error).__name__
            raise ConnectionError(f"{self.proxy.authority} does not respond as an HTTP proxy does ({kind})") from error
        finally:
            connection.close()


class _ProxyConnection(DeadlineHTTPConnection):
    """The connection to one proxy and the login there."""

    def __init__(self, proxy: ProxyURL, reach: Dial, deadline: Deadline) -> None:
        super().__init__(proxy.host, proxy.port, deadline=deadline)
        self._create_connection = reach
        peer = Peer(Role.PROXY, proxy.host, proxy.port)
        source = default_credentials(peer)
        if proxy.username is not None:
            credentials = Credentials(proxy.username, proxy.password or "")
            source = lambda realm: credentials  # noqa: E731  # it is a CredentialSource like the other
        self._log_in_with(Login(Role.PROXY, peer, source))
