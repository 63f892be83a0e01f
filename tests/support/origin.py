"""An HTTP/1.1 origin in this process that tells, as JSON, what it saw of each request.

The first segment of the path chooses the response (see `_Handler`); everything else is echoed.
"""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import threading
import urllib.parse
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from support.listening import TIMEOUT
from support.loopback_server import LoopbackServer

REALM = "coda origin"


@dataclass(frozen=True)
class Seen:
    """One request as the origin saw it: the `number`th of connection `connection`, both counted from 1."""

    method: str
    path: str
    version: str
    headers: list[tuple[str, str]]
    body_length: int
    body_sha256: str
    connection: int
    number: int
    client_certificate: str | None

    def header(self, name: str) -> str | None:
        """The value of the first header called `name`, in any spelling."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def patterned(size: int) -> bytes:
    """Return `size` bytes in which no two blocks of 256 in a row are alike: what `/bytes/SIZE` returns."""
    blocks = b"".join(index.to_bytes(4, "big") * 64 for index in range(size // 256 + 1))
    return blocks[:size]


class Origin(LoopbackServer):
    """The origin, for a with statement. With `tls`, a server context, it speaks https.

    Kept-alive HTTP/1.1 unless the path says otherwise:

    - `/status/CODE`            that status, with the echo as body where the status may have one
    - `/close`, `/keep-alive`   `Connection: close` after the response; `Keep-Alive: timeout=5, max=100`
    - `/http10`, `/http10-keep-alive`   an HTTP/1.0 response, closed, or kept by `Connection: keep-alive`
    - `/chunked`, `/no-length`  the echo in chunks; without a length, ended by closing
    - `/redirect/CODE?to=URL`   a redirect
    - `/bytes/SIZE`             `patterned(SIZE)`
    - `/cookie/NAME/VALUE`      `Set-Cookie: NAME=VALUE`
    - `/basic/USER/PASSWORD`    401 with a Basic challenge without them (percent-encoded UTF-8)

    Any other path, and what follows the above, is echoed.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        super().__init__(host, tls)
        self._lock = threading.Lock()
        self._requests: list[Seen] = []

    @property
    def connections(self) -> int:
        """How many connections have been accepted since the start or `reset`."""
        return self._listener.connections - self._before

    @property
    def requests(self) -> list[Seen]:
        """The requests since the start or `reset`, oldest first."""
        with self._lock:
            return list(self._requests)

    def reset(self) -> None:
        """Forget the requests and count connections from 0 again (their numbers go on)."""
        with self._lock:
            self._requests.clear()
            self._before = self._listener.connections

    def record(self, seen: Seen) -> None:
        with self._lock:
            self._requests.append(seen)

    def __enter__(self) -> Origin:
        self._before = 0
        return super().__enter__()

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            _Handler(sock, number, self)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # A client that goes away in the middle is its own affair.


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT
    disable_nagle_algorithm = True
    wbufsize = -1  # One send for head and small body.

    def __init__(self, sock: socket.socket, number: int, origin: Origin) -> None:
        self._origin = origin
        self._number = number
        self._count = 0
        super().__init__(sock, ("127.0.0.1", 0), None)

    def __getattr__(self, name: str) -> Any:
        # http.server looks for do_METHOD: every method is served alike.
        if name.startswith("do_"):
            return self._serve_request
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what came is in `Origin.requests`."""

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def _serve_request(self) -> None:
        must_close = self.close_connection  # As the request has it; a Connection header of ours resets it.
        self._respond()
        self.close_connection = self.close_connection or must_close

    def _respond(self) -> None:
        self._count += 1
        digest, length = self._read_body()
        seen = Seen(
            method=self.command,
            path=self.path,
            version=self.request_version,
            headers=list(self.headers.items()),
            body_length=length,
            body_sha256=digest,
            connection=self._number,
            number=self._count,
            client_certificate=self._client_name(),
        )
        self._origin.record(seen)
        echo = json.dumps(vars(seen)).encode()
        target = urllib.parse.urlsplit(self.path)
        kind, *rest = target.path.lstrip("/").split("/")
        respond = getattr(self, "_respond_" + kind.replace("-", "_"), None)
        if respond is None:
            self._send(200, echo)
        else:
            respond(echo, [urllib.parse.unquote(part) for part in rest], urllib.parse.parse_qs(target.query))

    def _read_body(self) -> tuple[str, int]:
        digest, length = hashlib.sha256(), 0
        for block in self._chunks() if self.headers.get("Transfer-Encoding") else self._counted():
            digest.update(block)
            length += len(block)
        return digest.hexdigest(), length

    def _counted(self) -> Any:
        left = int(self.headers.get("Content-Length", 0))
        while left:
            block = self.rfile.read(min(left, 65536))
            if not block:
                raise ConnectionError("the request's body ended early")
            left -= len(block)
            yield block

    def _chunks(self) -> Any:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _client_name(self) -> str | None:
        certificate = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        for part in (certificate or {}).get("subject", ()):
            for name, value in part:
                if name == "commonName":
                    return str(value)
        return None

    def _send(self, status: int, body: bytes, *headers: tuple[str, str], length: bool = True) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)  # A Connection header also decides whether http.server goes on.
        bodiless = status < 200 or status in (204, 304)
        if length and not bodiless:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and not bodiless:
            self.wfile.write(body)

    def _respond_status(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send(int(rest[0]), echo)

    def _respond_close(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send(200, echo, ("Connection", "close"))

    def _respond_keep_alive(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send(200, echo, ("Connection", "keep-alive"), ("Keep-Alive", "timeout=5, max=100"))

    def _respond_http10(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send_http10(echo)
        self.close_connection = True

    def _respond_http10_keep_alive(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send_http10(echo, ("Connection", "keep-alive"))

    def _send_http10(self, echo: bytes, *headers: tuple[str, str]) -> None:
        self.protocol_version = "HTTP/1.0"
        try:
            self._send(200, echo, *headers)
        finally:
            self.protocol_version = "HTTP/1.1"

    def _respond_chunked(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        pieces = [echo[start : start + 50] for start in range(0, len(echo), 50)] + [b""]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        self._send(200, body, ("Transfer-Encoding", "chunked"), length=False)

    def _respond_no_length(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send(200, echo, length=False)
        self.close_connection = True

    def _respond_redirect(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send(int(rest[0]), b"", ("Location", query["to"][0]))

    def _respond_bytes(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send(200, patterned(int(rest[0])))

    def _respond_cookie(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        self._send(200, echo, ("Set-Cookie", f"{rest[0]}={rest[1]}; Path=/"))

    def _respond_basic(self, echo: bytes, rest: list[str], query: dict[str, list[str]]) -> None:
        proof = base64.b64encode(f"{rest[0]}:{rest[1]}".encode()).decode()
        if self.headers.get("Authorization") == f"Basic {proof}":
            self._send(200, echo)
        else:
            self._send(401, b"log in first", ("WWW-Authenticate", f'Basic realm="{REALM}"'))
