"""Bodies that are large, or can be read only once, and the requests that send them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from support.accounts import ALICE

SIZE = 100_000


class Once:
    """A body that can be read once, and counts what was read."""

    def __init__(self, size: int = SIZE) -> None:
        self.left = size
        self.read_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self.left:
            raise StopIteration
        piece = b"x" * min(self.left, 5000)
        self.left -= len(piece)
        self.read_bytes += len(piece)
        return piece


BODIES: dict[str, Any] = {
    "large bytes": lambda: b"x" * SIZE,
    "generator": Once,
    "file": lambda: io.BytesIO(b"x" * SIZE),
    "list": lambda: [b"x" * 1000] * (SIZE // 1000),
}


def post(library: ModuleType, url: str, body: Any) -> Any:
    return library.Request(url, body, {"Content-Length": str(SIZE), "Content-Type": "text/plain"})


def opener_for(library: ModuleType, kind: Any, url: str, password: str = ALICE.password) -> Any:
    handler = kind()
    handler.add_password(None, url, ALICE.user, password)
    return library.build_opener(library.ProxyHandler({}), handler)


def basic_opener(library: ModuleType, url: str) -> Any:
    passwords = library.HTTPPasswordMgrWithDefaultRealm()
    return opener_for(library, lambda: library.HTTPBasicAuthHandler(passwords), url)


def read(opener: Any, request: Any) -> bytes:
    with opener.open(request, timeout=10) as response:
        return response.read()
