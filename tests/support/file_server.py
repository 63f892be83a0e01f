"""A server of one file, whose every response a test can change, and what a download of it leaves."""

from __future__ import annotations

import re
from collections.abc import Callable
from http.client import IncompleteRead
from pathlib import Path

import pytest

from coda_network.utilities import Retry, download_file
from support.origin import patterned
from support.peer import ClientGone, ScriptedPeer, Wire

BODY = patterned(300_000)
OTHER = patterned(350_000)[::-1]
AT_ONCE = Retry(attempts=3, backoff=0)


class FileServer:
    """A file server whose every response can be changed by a script of the test."""

    def __init__(self, body: bytes = BODY, etag: str | None = '"one"', ranges: bool = True) -> None:
        self.body, self.etag, self.ranges = body, etag, ranges
        self.fields: list[str] = []
        self.asked: list[tuple[str | None, str | None]] = []
        self.change: Callable[[FileServer, int], bytes | None] = lambda server, number: None
        self.cut_at = 1 << 60

    def __call__(self, wire: Wire) -> None:
        while True:
            try:
                head = wire.read_head().decode()
            except ClientGone:
                return
            wanted, state = field(head, "Range"), field(head, "If-Range")
            self.asked.append((wanted, state))
            special = self.change(self, len(self.asked))
            if special is not None:
                wire.send(special)
                return
            if field(head, "If-None-Match") == self.etag and self.etag:
                wire.send(f"HTTP/1.1 304 Not Modified\r\nETag: {self.etag}\r\n\r\n".encode())
                continue
            first, last, status = 0, len(self.body) - 1, "200 OK"
            fields = [f"ETag: {self.etag}"] if self.etag else []
            if wanted and self.ranges and state in (None, self.etag):
                match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
                assert match
                first, last = int(match[1]), int(match[2] or last)
                status = "206 Partial Content"
                fields.append(f"Content-Range: bytes {first}-{last}/{len(self.body)}")
                if first >= len(self.body):
                    wire.respond(b"", "416 No", f"Content-Range: bytes */{len(self.body)}")
                    continue
            piece = self.body[first : last + 1]
            fields += [*self.fields, f"Content-Length: {len(piece)}"]
            wire.send("\r\n".join([f"HTTP/1.1 {status}", *fields]).encode() + b"\r\n\r\n" + piece[: self.cut_at])
            if len(piece) > self.cut_at:
                return


def field(head: str, name: str) -> str | None:
    found = re.search(rf"\r\n{name}: ([^\r]*)", head, re.IGNORECASE)
    return found[1] if found else None


def only(folder: Path, *names: str) -> bool:
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


def changed(server: FileServer) -> None:
    server.body, server.etag = OTHER, '"two"'


def begun(peer: ScriptedPeer, server: FileServer, folder: Path) -> None:
    """Leave a part of 100,000 bytes."""
    server.cut_at = 100_000
    with pytest.raises(IncompleteRead):
        download_file(peer.url, folder / "file", retry=Retry(attempts=1))
    server.cut_at = 1 << 60
    server.asked.clear()
