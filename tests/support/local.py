"""A local proxy for a with statement, and a client that decides every byte it sends to one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from coda_network._local_proxy.proxy import LocalProxy
from coda_network._local_proxy.settings import Limits, Settings
from coda_network._route.back_off import dead_routes
from coda_network._route.named import named_routes
from support.listening import TIMEOUT


@contextmanager
def local_proxy(*ways: str, limits: Limits | None = None, **options: Any) -> Iterator[LocalProxy]:
    """Run a local proxy whose ways are these upstreams, one after the other; with none it connects directly."""
    routes = options.pop("routes", None) or named_routes([[way] for way in ways] or [[]])
    dead_routes.clear()  # ports come again
    proxy = LocalProxy(Settings(routes, limits=limits or Limits(drain=0.2), **options))
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.close()


class Listens(Protocol):
    """A local proxy, or a program that runs one."""

    @property
    def address(self) -> tuple[str, int]: ...


class RawClient:
    """A connection to a local proxy, for a with statement."""

    def __init__(self, proxy: Listens) -> None:
        self.sock = socket.create_connection(proxy.address, TIMEOUT)
        self.file = self.sock.makefile("rb")

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *exception: object) -> None:
        self.file.close()
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def head(self) -> bytes:
        """Return the head of the next response, without the empty line."""
        lines = []
        while (line := self.file.readline()) not in (b"\r\n", b""):
            lines.append(line)
        return b"".join(lines)

    def response(self) -> tuple[int, bytes, bytes]:
        """Return status, head and body of the next response; the body by its length, by chunks, or to the end."""
        head = self.head()
        status = int(head.split(b" ", 2)[1])
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
        }
        if status in (204, 304):
            return status, head, b""
        if fields.get(b"transfer-encoding") == b"chunked":
            pieces = []
            while size := int(self.file.readline(), 16):
                pieces.append(self.file.read(size))
                assert self.file.readline() == b"\r\n"
            while self.file.readline() not in (b"\r\n", b""):
                pass
            return status, head, b"".join(pieces)
        length = fields.get(b"content-length")
        return status, head, self.file.read() if length is None else self.file.read(int(length))

    def get(self, url: str, *lines: str) -> tuple[int, bytes, bytes]:
        """Send GET with these header lines and return the response."""
        self.send("\r\n".join([f"GET {url} HTTP/1.1", "Host: x", *lines, "", ""]).encode())
        return self.response()
