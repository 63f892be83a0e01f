"""The connections of downloads: each request on them has a timeout for its calls, or a deadline for all of it.

A connection outlives the download that opened it, so its deadline is set with each request: as its ``timeout``.
"""

from __future__ import annotations

import socket
from typing import Any

from coda_network._http.connection import HTTPConnection
from coda_network._http.https import HTTPSConnection
from coda_network._net.deadline import Deadline, TimeLimit
from coda_network._net.deadline_socket import DeadlineSocket, connect_within, put_tls_under, put_under, tls_within


class _WithDeadline(HTTPConnection):
    """A connection whose ``timeout`` may be a TimeLimit."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._create_connection = _connect

    @property
    def timeout(self) -> Any:
        """The seconds for each call on the socket, or the limit for the whole request."""
        return self._timeout

    @timeout.setter
    def timeout(self, value: Any) -> None:
        self._timeout = value
        sock = getattr(self, "sock", None)  # http.client sets the timeout of a new connection first
        if isinstance(sock, DeadlineSocket):
            sock.deadline = _deadline(value)


class DownloadHTTPConnection(_WithDeadline):
    """An HTTPConnection whose ``timeout`` may be a TimeLimit: for connecting, CONNECT, logins and the response."""


class DownloadHTTPSConnection(_WithDeadline, HTTPSConnection):
    """An HTTPSConnection whose ``timeout`` may be a TimeLimit, for the TLS handshake too."""

    def connect(self) -> None:
        """Open the connection as HTTPSConnection does, within the time."""
        deadline = _deadline(self.timeout)
        if deadline is None:
            HTTPSConnection.connect(self)
            put_tls_under(None, self.sock)
        else:
            HTTPConnection.connect(self)
            self.sock = tls_within(deadline, self._context, self.sock, self._tunnel_host or self.host)


def _connect(address: Any, timeout: Any = None, source_address: Any = None) -> socket.socket:
    """Connect as ``socket.create_connection()`` does; the socket can be put under a deadline."""
    deadline = _deadline(timeout)
    if deadline is not None:
        return connect_within(deadline, address, None, source_address)
    return put_under(None, socket.create_connection(address, timeout, source_address))


def _deadline(timeout: Any) -> Deadline | None:
    return timeout.deadline if isinstance(timeout, TimeLimit) else None
