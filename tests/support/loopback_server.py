"""What the servers in this process have in common: a listener of their own for a with statement."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import TypeVar

from support.listening import Listener

Server = TypeVar("Server", bound="LoopbackServer")


class LoopbackServer:
    """A server on loopback for a with statement; `_serve(sock, number)` of a subclass has each connection.

    `tls` is a server context: connections then begin with a TLS handshake.
    """

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self._listener = Listener(host, tls, port)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self._listener.address

    @property
    def port(self) -> int:
        return self._listener.port

    @property
    def netloc(self) -> str:
        """host:port as in a URL."""
        return self._listener.netloc

    @property
    def scheme(self) -> str:
        """http, or https with TLS."""
        return "http" if self._listener.tls is None else "https"

    @property
    def url(self) -> str:
        """`http://host:port`, or https with TLS; no slash at the end."""
        return f"{self.scheme}://{self.netloc}"

    @property
    def connections(self) -> int:
        """How many connections have been accepted."""
        return self._listener.connections

    def __enter__(self: Server) -> Server:
        self._listener.start(self._serve)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._listener.stop()
        self._raise_failures(error)

    def _serve(self, sock: socket.socket, number: int) -> None:
        raise NotImplementedError  # each subclass has its own

    def _raise_failures(self, error: BaseException | None) -> None:
        """Raise what a connection's thread raised, unless the with block has failed by itself, by *error*."""
        if error is None and self._listener.failures:
            raise self._listener.failures[0]
