"""A connection over TLS: direct, or through a tunnel."""

from __future__ import annotations

import http.client
import inspect
from typing import Any

from coda_network._http.connection import HTTPConnection
from coda_network._net.dial import SocketKeepalive
from coda_network._net.tls import Cert, client_context, tell

_stdlib_init = http.client.HTTPSConnection.__init__
_plain = http.client.HTTPConnection


class HTTPSConnection(HTTPConnection, http.client.HTTPSConnection):
    """http.client.HTTPSConnection with what HTTPConnection adds, and a client certificate.

    :param cert: the client certificate: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param socket_keepalive: see HTTPConnection

    The other parameters are http.client's in the running version of Python.
    """

    __module__ = "http.client"  # it stands in for that class, and is shown and looked up by its name

    _context: Any

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *args: Any,
        cert: Cert | None = None,
        socket_keepalive: bool | SocketKeepalive = False,
        tcp_keepalive: bool | SocketKeepalive | None = None,
        **options: Any,
    ) -> None:
        _stdlib_init(self, host, port, *args, **options)
        self.socket_keepalive = socket_keepalive if tcp_keepalive is None else tcp_keepalive
        if cert is not None:
            self._context = client_context(self._context, cert)

    def connect(self) -> None:
        """Open the connection, through the tunnel if one is set, and begin TLS with the host at its end.

        :raises TunnelError: the proxy refused
        :raises ssl.SSLError: no trust, no common protocol, or no TLS at all
        :raises OSError: what failed below
        """
        # The plain part is looked up when called: programs replace HTTPConnection.connect, for unix sockets say.
        base = HTTPConnection if isinstance(self, HTTPConnection) else _plain
        base.connect(self)
        try:
            # A name that cannot be encoded is found here: ssl finds it too late to close the socket.
            name = (self._tunnel_host or self.host).encode("idna").decode("ascii")
            self.sock = self._context.wrap_socket(self.sock, server_hostname=name)
        except BaseException:
            self.close()
            raise
        tell(self.sock, self._tunnel_host or self.host)


def _signature() -> inspect.Signature:
    theirs = inspect.signature(_stdlib_init)
    ours = inspect.signature(HTTPSConnection.__init__)
    parameters = [*theirs.parameters.values()]
    parameters += [ours.parameters[name] for name in ("cert", "socket_keepalive", "tcp_keepalive")]
    return theirs.replace(parameters=parameters)


HTTPSConnection.__init__.__signature__ = _signature()  # type: ignore[attr-defined]  # what help() and inspect show
