"""Seeded odd responses: an ordinary one with a few things changed, each by a rule that has a name."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

Change = Callable[[random.Random, bytes], bytes]


def _swap(old: bytes, *new: bytes) -> Change:
    return lambda rng, data: data.replace(old, rng.choice(new), 1)


def _insert_field(*lines: bytes) -> Change:
    def change(rng: random.Random, data: bytes) -> bytes:
        line = rng.choice(lines)
        fields = [found.end() for found in re.finditer(rb"\r\n", data.partition(b"\r\n\r\n")[0])]
        place = rng.choice(fields) if fields else data.find(b"\r\n") + 2
        return data[:place] + line + b"\r\n" + data[place:]

    return change


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data))]


def _append(*tails: bytes) -> Change:
    return lambda rng, data: data + rng.choice(tails)


def _flip(rng: random.Random, data: bytes) -> bytes:
    place = rng.randrange(len(data))
    return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]


INTERIM = (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 X\r\nA: b\r\n\r\n")

CHANGES: dict[str, Change] = {
    "status": _swap(b" 200 ", b" 204 ", b" 304 ", b" 404 ", b" 099 ", b" 2000 ", b" 20 ", b"  200 ", b" 299 "),
    "version": _swap(b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1", b"ICY"),
    "reason": _swap(b" OK", b"", b" ", b" \xe4\xf6", b" O K ", b"\tOK"),
    "line end": _swap(b"\r\n", b"\n", b"\r\r\n", b"\r"),
    "field": _insert_field(
        b"X: y", b"X : y", b"X", b": y", b"X:", b"X:y ", b" X: y", b"X\xe4: y", b"X: \xe4", b"X y: z", b"\tfolded"
    ),
    "length": _insert_field(b"Content-Length: 5", b"Content-Length: 7", b"Content-Length: +5", b"Content-Length: 05"),
    "coding": _insert_field(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: Chunked", b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding : chunked",
    ),
    "connection": _insert_field(b"Connection: close", b"Connection: keep-alive", b"Keep-Alive: timeout=5, max=1"),
    "interim": lambda rng, data: rng.choice(INTERIM) + data,
    "cut": _cut,
    "tail": _append(b"\r\n", b"x", b"HTTP/1.1 200 OK\r\n\r\n", b"0\r\n\r\n"),
    "byte": _flip,
    "chunk size": _swap(
        b"\r\n\r\n5\r\n", b"\r\n\r\n05\r\n", b"\r\n\r\n5;a=b\r\n", b"\r\n\r\n 5\r\n",
        b"\r\n\r\n5 \r\n", b"\r\n\r\n6\r\n",
    ),
}  # fmt: skip

ORDINARY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello",
)


def odd_response(seed: int) -> tuple[bytes, tuple[str, ...]]:
    """Return a response, and the names of what was changed in it."""
    rng = random.Random(seed)
    data = rng.choice(ORDINARY)
    names = tuple(rng.choice(list(CHANGES)) for _ in range(rng.choice((1, 1, 1, 2, 2, 3))))
    for name in names:
        if data:
            data = CHANGES[name](rng, data)
    return data, names
