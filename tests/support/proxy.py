"""A small forward proxy in this process: absolute-form requests, CONNECT, and a Basic login that is verified.

It frames messages itself and uses nothing of http.client, which the package under test may have patched.
"""

from __future__ import annotations

import base64
import socket
import ssl
import sys
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader

from support.listening import TIMEOUT
from support.loopback_server import LoopbackServer
from support.relaying import relay

REALM = "coda proxy"
_NOT_PASSED_ON = {"connection", "proxy-connection", "keep-alive", "proxy-authorization", "expect"}


@dataclass(frozen=True)
class ProxyRequest:
    """One request as the proxy saw it, and the status of the response."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    connection: int
    status: int

    def header(self, name: str) -> str | None:
        """The value of the first header called `name`, in any spelling."""
        return _value(self.headers, name)


class Proxy(LoopbackServer):
    """The proxy, for a with statement. `credentials` is (user, password) where a login is demanded.

    With `tls`, a server context, it is an https:// proxy. Each request in absolute form is a connection to
    its origin.
    """

    def __init__(
        self, credentials: tuple[str, str] | None = None, tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        super().__init__(tls=tls, port=port)
        self._lock = threading.Lock()
        self._requests: list[ProxyRequest] = []
        self._proof: str | None = None
        self._userinfo = ""
        if credentials is not None:
            self._proof = base64.b64encode(":".join(credentials).encode()).decode()
            self._userinfo = ":".join(urllib.parse.quote(part, safe="") for part in credentials) + "@"

    @property
    def url_with_login(self) -> str:
        """`url` with user:password in it, percent-encoded."""
        return f"{self.scheme}://{self._userinfo}{self.netloc}"

    @property
    def requests(self) -> list[ProxyRequest]:
        """Every request, oldest first, the refused ones included."""
        with self._lock:
            return list(self._requests)

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            with sock.makefile("rb") as reader:
                while self._serve_one(sock, reader, number):
                    pass
        except (ConnectionError, TimeoutError, ssl.SSLError):
            pass  # A client or an origin that goes away ends the connection.

    def _serve_one(self, sock: socket.socket, reader: BufferedReader, number: int) -> bool:
        """Serve one request; False when the connection is at its end."""
        line, headers = _read_head(reader)
        if not line:
            return False
        method, target, version = line.split(" ", 2)
        keep = _keeps_alive(version, headers)

        def log(status: int) -> None:
            with self._lock:
                self._requests.append(ProxyRequest(method, target, version, headers, number, status))

        if self._proof is not None and _value(headers, "Proxy-Authorization") != f"Basic {self._proof}":
            for _ in _request_body(reader, headers):
                pass
            log(407)
            _respond(sock, "407 Proxy Authentication Required", keep, f'Proxy-Authenticate: Basic realm="{REALM}"')
            return keep
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            return self._tunnel(sock, reader, host.strip("[]"), int(port), log)
        url = urllib.parse.urlsplit(target)
        if url.scheme != "http" or url.hostname is None:
            log(400)
            _respond(sock, "400 Bad Request", keep=False)
            return False
        try:
            server = socket.create_connection((url.hostname, url.port or 80), TIMEOUT)
        except OSError:
            log(502)
            _respond(sock, "502 Bad Gateway", keep=False)
            return False
        with server:
            path = (url.path or "/") + (f"?{url.query}" if url.query else "")
            _send_head(server, f"{method} {path} HTTP/1.1", headers, "Connection: close")
            if _value(headers, "Expect") is not None:
                sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            for block in _request_body(reader, headers):
                server.sendall(block)
            with server.makefile("rb") as responses:
                return self._pass_response(sock, responses, method, keep, log)

    def _pass_response(
        self,
        sock: socket.socket,
        responses: BufferedReader,
        method: str,
        keep: bool,
        log: Callable[[int], None],
    ) -> bool:
        status = 100
        while status < 200:
            line, headers = _read_head(responses)
            status = int(line.split(" ")[1])
            if status < 200:
                _send_head(sock, line, headers)
        bodiless = method == "HEAD" or status in (204, 304)
        length = "0" if bodiless else _value(headers, "Content-Length")
        keep = keep and (length is not None or _value(headers, "Transfer-Encoding") is not None)
        log(status)
        _send_head(sock, line, headers, f"Connection: {'keep-alive' if keep else 'close'}")
        # Chunks are passed on as they are; the origin, asked to, closes behind them.
        left = sys.maxsize if length is None else int(length)
        while left and (block := responses.read1(min(left, 65536))):
            sock.sendall(block)
            left -= len(block)
        return keep

    def _tunnel(
        self, sock: socket.socket, reader: BufferedReader, host: str, port: int, log: Callable[[int], None]
    ) -> bool:
        try:
            server = socket.create_connection((host, port), TIMEOUT)
        except OSError:
            log(502)
            _respond(sock, "502 Bad Gateway", keep=False)
            return False
        with server:
            log(200)
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            relay(sock, server)
        return False


def _read_head(reader: BufferedReader) -> tuple[str, list[tuple[str, str]]]:
    """Return the first line and the headers; an empty line at the end of the connection."""
    line = reader.readline().decode("latin-1").strip()
    headers = []
    while line and (field := reader.readline().decode("latin-1").strip()):
        name, _, value = field.partition(":")
        headers.append((name, value.strip()))
    return line, headers


def _value(headers: list[tuple[str, str]], name: str) -> str | None:
    return next((value for key, value in headers if key.lower() == name.lower()), None)


def _keeps_alive(version: str, headers: list[tuple[str, str]]) -> bool:
    options = f"{_value(headers, 'Connection')},{_value(headers, 'Proxy-Connection')}".lower()
    return "close" not in options and (version == "HTTP/1.1" or "keep-alive" in options)


def _send_head(sock: socket.socket, line: str, headers: list[tuple[str, str]], *more: str) -> None:
    passed = [f"{name}: {value}" for name, value in headers if name.lower() not in _NOT_PASSED_ON]
    sock.sendall("\r\n".join([line, *passed, *more, "", ""]).encode("latin-1"))


def _respond(sock: socket.socket, status: str, keep: bool, *headers: str) -> None:
    body = f"{status}\n"
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Content-Type: text/plain"]
    if not keep:
        lines.append("Connection: close")
    sock.sendall("\r\n".join([*lines, "", body]).encode("latin-1"))


def _request_body(reader: BufferedReader, headers: list[tuple[str, str]]) -> Iterator[bytes]:
    """Yield the request's body as it stands on the wire, chunk framing included."""
    if (_value(headers, "Transfer-Encoding") or "").lower() == "chunked":
        size = -1
        while size:
            line = reader.readline()
            size = int(line.split(b";")[0], 16)
            yield line
            yield reader.read(size + 2) if size else b""
        while (line := reader.readline()).strip():
            yield line
        yield line
    else:
        left = int(_value(headers, "Content-Length") or 0)
        while left:
            block = reader.read1(min(left, 65536))
            if not block:
                raise ConnectionError("the request's body ended early")
            left -= len(block)
            yield block
