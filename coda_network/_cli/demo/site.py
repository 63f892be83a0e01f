"""The site: one file over https, from a server that keeps its connections alive."""

from __future__ import annotations

import ssl
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from coda_network._cli.demo.listening import Listener


class Site(Listener):
    """A server that sends one file for every path; for a with statement.

    :param content: of the file
    :param certificate: a file with the key and the certificate of localhost
    """

    def __init__(self, content: bytes, certificate: Path) -> None:
        super().__init__(_Handler)
        self.content = content
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        # TLS in the connection's own thread: a client that stops in the handshake delays no other.
        with self._context.wrap_socket(request, server_side=True) as sock:
            super().finish_request(sock, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the demo prints what happens."""
