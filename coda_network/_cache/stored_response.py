"""A stored response as ``http.client`` has it: of its class, read from the file of the cache."""

from __future__ import annotations

import http.client
import io
import re
from typing import Any, BinaryIO

from coda_network._cache.entry import Entry
from coda_network._http.in_place import is_on

_FOLD = re.compile(r"[\r\n]+[ \t]*")


def stored_response(entry: Entry, method: str, url: str, age: float) -> Any:
    """Return a response with the header section and the body of *entry*, whose file it closes.

    :param method: of the request; one for HEAD has no body
    :param age: in seconds
    """
    size = entry.size or 0
    fields = [(name, value) for name, value in entry.headers.items() if name.lower() not in ("age", "content-length")]
    # A 204 has no length (RFC 9110 section 8.6).
    fields += [("Content-Length", str(size))] if size or entry.status != 204 else []
    fields.append(("Age", str(int(age))))
    file, entry.file = entry.file, None
    return _response(entry.status, entry.reason, fields, method, url, file, size)


def gateway_timeout(method: str, url: str) -> Any:
    """Return the response to ``only-if-cached`` where nothing is stored that could be used (RFC 9111 5.2.1.7)."""
    return _response(504, "Gateway Timeout", [("Content-Length", "0")], method, url, None, 0)


def _response(
    status: int, reason: str, fields: list[tuple[str, str]], method: str, url: str, file: BinaryIO | None, size: int
) -> Any:
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {_FOLD.sub(' ', value)}" for name, value in fields)]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
    from coda_network._http.response import HTTPResponse

    # Where the patch is, http.client's own class has our behaviour.
    response_class: Any = http.client.HTTPResponse if is_on() else HTTPResponse
    response = response_class(_Stand(head, file, size), method=method, url=url)
    response.begin()
    response.url = url
    response.msg = response.reason
    response.from_cache = status != 504 or file is not None
    return response


class _Stand:
    """Stands in for the socket of a response."""

    def __init__(self, head: bytes, file: BinaryIO | None, size: int) -> None:
        self._message = _Message(head, file, size)

    def makefile(self, mode: str, *arguments: object) -> io.BufferedReader:
        return io.BufferedReader(self._message)


class _Message(io.RawIOBase):
    """The bytes of a response: its head, then as much of a file as is its body."""

    def __init__(self, head: bytes, file: BinaryIO | None, size: int) -> None:
        self._head = memoryview(head)
        self._file = file
        self._left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        if self._head:
            count = min(len(view), len(self._head))
            view[:count], self._head = self._head[:count], self._head[count:]
            return count
        if self._file is None or not self._left:
            return 0
        file: Any = self._file  # typeshed's BinaryIO lacks readinto()
        read: int = file.readinto(view[: self._left])
        self._left -= read
        return read

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()
