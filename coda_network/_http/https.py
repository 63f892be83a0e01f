"""A connection over TLS: direct, or through a tunnel."""

from __future__ import annotations

import sys

from coda_network._http.connection import HTTPConnection
from coda_network._net.deadline import TimeLimit
from coda_network._net.timeout import StartedTimeout, Timeout
from coda_network._net.tls import begin_tls, client_context, log_tls
from coda_network._originals import http_client, kept
from coda_network._secrets import forget_secrets
from coda_network._signatures import extends

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from ssl import SSLContext
    from typing import Any

    from coda_network._net.dial import SocketKeepalive
    from coda_network._net.tls import Cert

if TYPE_CHECKING or hasattr(http_client, "HTTPSConnection"):
    from coda_network._originals.http_client import HTTPSConnection as _StdlibHTTPSConnection
else:
    from coda_network._http.no_tls import HTTPSConnection as _StdlibHTTPSConnection

_stdlib_init = kept(_StdlibHTTPSConnection, "__init__")
_plain = http_client.HTTPConnection


class HTTPSConnection(HTTPConnection, _StdlibHTTPSConnection):
    """http.client.HTTPSConnection with what HTTPConnection adds, and a client certificate.

    :param cert: the client certificate: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param socket_keepalive: see HTTPConnection

    The other parameters are http.client's in the running version of Python.
    """

    __module__ = "coda_network.httplib"  # where programs, and pickle, find it

    _context: Any

    if TYPE_CHECKING:
        # For people and their editors; tests/test_signatures.py compares it with http.client's.
        if sys.version_info >= (3, 12):

            def __init__(
                self,
                host: str,
                port: int | None = None,
                *,
                timeout: float | None = ...,
                source_address: tuple[str, int] | None = None,
                context: SSLContext | None = None,
                blocksize: int = 8192,
                max_response_headers: int | None = None,  # Python 3.15 and later
                cert: Cert | None = None,
                socket_keepalive: bool | SocketKeepalive = False,
                tcp_keepalive: bool | SocketKeepalive | None = None,
            ) -> None: ...

        else:

            def __init__(
                self,
                host: str,
                port: int | None = None,
                key_file: str | None = None,
                cert_file: str | None = None,
                timeout: float | None = ...,
                source_address: tuple[str, int] | None = None,
                *,
                context: SSLContext | None = None,
                check_hostname: bool | None = None,
                blocksize: int = 8192,
                cert: Cert | None = None,
                socket_keepalive: bool | SocketKeepalive = False,
                tcp_keepalive: bool | SocketKeepalive | None = None,
            ) -> None: ...

    else:

        @extends(_stdlib_init)
        def __init__(
            self,
            *args: Any,
            cert: Cert | None = None,
            socket_keepalive: bool | SocketKeepalive = False,
            tcp_keepalive: bool | SocketKeepalive | None = None,
            **options: Any,
        ) -> None:
            try:
                _stdlib_init(self, *args, **options)
                _init_extensions(self, cert, socket_keepalive, tcp_keepalive)
            except BaseException as error:
                del args, options, cert
                forget_secrets(error)
                raise

    def connect(self) -> None:
        """Open the connection, through the tunnel if one is set, and begin TLS with the host at its end.

        :raises TunnelError: the proxy refused
        :raises ssl.SSLError: no trust, no common protocol, or no TLS at all
        :raises OSError: what failed below
        """
        if isinstance(self.timeout, (Timeout, StartedTimeout)):
            from coda_network._http.time_limits import connecting

            with connecting(self):
                HTTPSConnection.connect(self)
            return
        # The plain part is looked up when called: programs replace HTTPConnection.connect, for unix sockets say.
        base = HTTPConnection if isinstance(self, HTTPConnection) else _plain
        base.connect(self)
        try:
            # A name that cannot be encoded is found here: ssl finds it too late to close the socket.
            name = (self._tunnel_host or self.host).encode("idna").decode("ascii")
            if isinstance(self.timeout, TimeLimit):
                from coda_network._net.deadline_socket import tls_within

                self.sock = tls_within(self.timeout.deadline, self._context, self.sock, name)
            else:
                self.sock = begin_tls(self._context, self.sock, name)
        except BaseException:
            self.close()
            raise
        log_tls(self.sock, self._tunnel_host or self.host)


def _init_extensions(connection: HTTPSConnection, cert: Any, socket_keepalive: Any, tcp_keepalive: Any) -> None:
    connection.socket_keepalive = socket_keepalive if tcp_keepalive is None else tcp_keepalive
    if cert is not None:
        connection._context = client_context(connection._context, cert)
