"""What all clients have in common."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, ClassVar

from place import BLOCK, HOST, Site

if TYPE_CHECKING:
    from ssl import SSLContext


class Client:
    """One client, pointed at one site, over http or https.

    Its operations return how many bytes of the body came, or how many records were in it: `get`, `post`, `get_json`,
    `log_in`, and `read_blocks`, `read_whole`, `read_into`, `read_lines` for a long body. An operation that a client
    has no way of its own for is not defined.

    name: in the tables
    needs: the modules without which it is left out
    threads: whether threads may share it; otherwise each thread has one of its own
    ours: whether it is this package, by itself or under the standard library
    """

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    threads: ClassVar[bool] = False
    ours: ClassVar[bool] = False

    def __init__(self, site: Site, secure: bool) -> None:
        self.site = site
        self.secure = secure
        self.port = site.https_port if secure else site.http_port
        self.base = f"{'https' if secure else 'http'}://{HOST}:{self.port}"

    def context(self) -> SSLContext:
        """Return a TLS context that trusts the site."""
        import ssl  # here, as everywhere: what a client does not use shall not count as its memory

        return ssl.create_default_context(cafile=self.site.ca)

    def repeat(self, count: int, operation: str, arguments: tuple[Any, ...], expected: int) -> None:
        """Do one operation *count* times; what comes must be what is *expected*."""
        act = getattr(self, operation)
        for _ in range(count):
            if (came := act(*arguments)) != expected:
                raise ValueError(f"{self.name}: {operation} returned {came}, not {expected}")

    def close(self) -> None:
        """Close the connections."""


class FileLike(Client):
    """A client whose responses are files, as those of the standard library are."""

    def ask(self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        """Send a request, return the response."""
        raise NotImplementedError  # each subclass has its own

    def get(self, path: str) -> int:
        return len(self.ask(path).read())

    def post(self, path: str, body: bytes) -> int:
        return len(self.ask(path, body).read())

    def get_json(self, path: str) -> int:
        response = self.ask(path, None, {"Accept-Encoding": "gzip"})
        assert response.headers["Content-Encoding"] == "gzip"
        return len(json.loads(zlib.decompress(response.read(), 31)))

    def read_blocks(self, path: str) -> int:
        response = self.ask(path)
        total = 0
        while block := response.read(BLOCK):
            total += len(block)
        return total

    def read_whole(self, path: str) -> int:
        return len(self.ask(path).read())

    def read_into(self, path: str) -> int:
        response = self.ask(path)
        buffer = bytearray(BLOCK)
        total = 0
        while count := response.readinto(buffer):
            total += count
        return total

    def read_lines(self, path: str) -> int:
        total = 0
        with self.ask(path) as response:
            for line in response:
                total += len(line)
        return total
