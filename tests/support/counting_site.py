"""A site that counts its requests and says who asked: for tests of what a cache answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from coda_network import urllib2
from support.peer import Wire

FRESH = "Cache-Control: max-age=600"


class Counting:
    """A server that says who asked, and counts."""

    def __init__(self, *lines: str, size: int = 0) -> None:
        self.lines = lines or (FRESH,)
        self.size = size
        self.count = 0

    def __call__(self, wire: Wire) -> None:
        for head in wire.read_heads():
            self.count += 1
            text = head.decode("latin-1").lower()
            asks = [line for line in text.splitlines() if line.startswith(("authorization:", "cookie:", "x-api-key:"))]
            wire.respond(f"{self.count} {asks}".encode() + b"x" * self.size, "200 OK", *self.lines)


def get(opener: Any, url: str, **fields: str) -> bytes:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    with opener.open(urllib2.Request(url, headers=headers)) as response:
        body: bytes = response.read()
    return body


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.parent.name not in ("tmp", folder.name)]
