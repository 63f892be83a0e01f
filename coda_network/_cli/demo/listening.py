"""A server on a free loopback port that counts its connections and serves each in a thread."""

from __future__ import annotations

import socketserver
import threading
from types import TracebackType
from typing import Any

TIMEOUT = 10.0
"""Seconds after which a silent connection is closed, so that the demo always ends."""


class Listener(socketserver.ThreadingTCPServer):
    """A server for a with statement: it serves inside the block, and the block's end waits for its connections.

    :param handler: the class that serves one connection, as in ``socketserver``
    """

    allow_reuse_address = False

    def __init__(self, handler: Any) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.connections = 0
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        port: int = self.server_address[1]
        return port

    def get_request(self) -> Any:
        accepted = super().get_request()
        accepted[0].settimeout(TIMEOUT)
        self.connections += 1
        return accepted

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about a client that has gone: the demo looks at what the client received."""

    def __enter__(self) -> Any:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
