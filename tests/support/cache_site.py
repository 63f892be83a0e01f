"""A site that says what the steps of a test say, and a cache with a clock of its own."""

from __future__ import annotations

from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

from coda_network import urllib2
from coda_network.utilities import HTTPCache
from support.peer import Wire

BEGIN = 1_800_000_000.0


class Step(NamedTuple):
    """One request: what the server says if it is asked, and what comes of it."""

    server: str | None = None  # header lines, separated by "|"; None: the server must not be asked
    request: dict[str, str] = {}
    body: str = ""  # expected; "" takes what the server sent, or that of the first step
    status: int = 200  # of the server
    expected: int | None = None  # status, where it is another one
    later: float = 0  # seconds that pass before
    method: str = "GET"
    path: str = "/"
    sent: str = ""  # what the head of the request has to have in it, separated by "|"
    unsent: str = ""  # what it must not have


def date(seconds: float) -> str:
    return formatdate(BEGIN + seconds, usegmt=True)


class Site:
    """A server that says what the steps say, and an opener with a cache and a clock of its own."""

    def __init__(self, folder: Path) -> None:
        self.cache = HTTPCache(folder)
        self.now = BEGIN
        self.cache.clock = lambda: self.now  # type: ignore[method-assign,assignment]  # a clock that is set
        self.heads: list[str] = []
        self.next: Step | None = None
        self.count = 0

    def serve(self, wire: Wire) -> None:
        for raw in wire.read_heads():
            head = raw.decode("latin-1")
            self.heads.append(head)
            step = self.next
            assert step is not None, "the server was asked"
            assert step.server is not None
            if "Content-Length: 4" in head:
                wire.read_exactly(4)
            lines = [line for line in step.server.split("|") if line]
            if not any(line.startswith("Date:") for line in lines):
                lines.append(f"Date: {formatdate(self.now, usegmt=True)}")
            if "BREAK" in lines:
                wire.reset()
                return
            body = b"" if step.status in (204, 304) or step.method == "HEAD" else f"body {self.count}".encode()
            if step.method == "HEAD":
                lines.append("Content-Length: 6")
                text = f"HTTP/1.1 {step.status} Text\r\n" + "\r\n".join(lines) + "\r\n\r\n"
                wire.send(text.encode("latin-1"))
            else:
                wire.respond(body, f"{step.status} Text", *lines)

    def run(self, opener: Any, url: str, steps: list[Step]) -> None:
        for number, step in enumerate(steps):
            self.now += step.later
            self.count = number + 1
            self.next = step if step.server is not None else None
            before = len(self.heads)
            request = urllib2.Request(url + step.path, headers=step.request, method=step.method)
            if step.method in ("POST", "PUT"):
                request.data = b"data"
            try:
                response = opener.open(request)
            except urllib2.HTTPError as error:
                response = error
            with response:
                body = response.read().decode()
                code = response.code
            where = f"step {number + 1}: {step}"
            assert code == (step.expected or step.status), where
            if step.body:
                assert body == step.body, where
            elif step.server is not None and step.method != "HEAD" and step.status not in (204, 304):
                assert body == f"body {number + 1}", where
            elif step.method == "GET" and code == 200:
                assert body == "body 1", where
            asked = self.heads[before:]
            # A request whose connection breaks off is sent once more: it was not the first on it.
            assert len(asked) == (0 if step.server is None else 2 if step.server == "BREAK" else 1), where
            for head in asked:
                assert all(part in head.lower() for part in step.sent.lower().split("|")), where
                assert not step.unsent or step.unsent.lower() not in head.lower(), where


FRESH = "Cache-Control: max-age=60"
TAGGED = 'ETag: "a"|Cache-Control: max-age=60'
AGAIN = Step(None)
