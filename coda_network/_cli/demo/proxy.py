"""The proxy: opens tunnels to this machine after a login, and keeps a list of the CONNECTs it saw."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from coda_network._cli.demo.doors import Door
from coda_network._cli.demo.listening import TIMEOUT, Listener
from coda_network.connect import socket_read_write


class Seen(NamedTuple):
    """One CONNECT: the authorization it carried, and the status of the response."""

    target: str
    scheme: str
    """The scheme of the authorization as the client wrote it; empty without one."""
    status: int
    remark: str


class Proxy(Listener):
    """The proxy, for a with statement.

    :param new_door: returns the door for a new connection
    """

    def __init__(self, new_door: Callable[[], Door]) -> None:
        super().__init__(_Handler)
        self.new_door = new_door
        self.seen: list[Seen] = []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def setup(self) -> None:
        super().setup()
        self._door = self.server.new_door()

    def do_CONNECT(self) -> None:
        authorization = self.headers.get("Proxy-Authorization")
        verdict = self._door.judge(authorization)
        status = 200 if verdict.passed else 407
        scheme = (authorization or "").partition(" ")[0]
        self.server.seen.append(Seen(self.path, scheme, status, verdict.remark))
        if verdict.passed:
            self._open_tunnel()
            return
        self.send_response(status)
        self.send_header("Proxy-Authenticate", verdict.challenge)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _open_tunnel(self) -> None:
        self.close_connection = True
        port = int(self.path.rpartition(":")[2])
        # Only the port of the target counts: this proxy connects to this machine and nowhere else.
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as site:
            self.send_response(200, "Connection established")
            self.end_headers()
            socket_read_write(self.connection, site, TIMEOUT)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the demo prints what happens."""
