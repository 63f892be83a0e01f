"""The response of a download: its body arrives whole, or reading it raises."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPMessage, IncompleteRead
from typing import Any

from coda_network._download.charset import json_of, text_of


class DownloadHandle:
    """A response whose body is read to its announced end, or raises.

    Attributes and methods that are not here are those of the response: ``code``, ``headers``, ``url``, ``info()`` ...

    Read to its end it leaves its connection to the next download; closed before, it closes that.

    :param response: of an opener
    """

    # Of the response, by __getattr__().
    code: int
    status: int
    reason: str
    url: str
    headers: HTTPMessage
    length: int | None
    connection_reused: bool

    def __init__(self, response: Any) -> None:
        self._response = response
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        if name == "_response":  # of a copy that is being made
            raise AttributeError(name)
        return getattr(self._response, name)

    def read(self, amt: int | None = None) -> bytes:
        """Return the rest of the body, or the next ``amt`` bytes of it (fewer only at its end).

        :param amt: how many bytes; None for all that are left
        :returns: the bytes, none at the end
        :raises http.client.IncompleteRead: the connection ended before the body
        :raises OSError: the connection failed, or the time is up
        """
        data: bytes = self._response.read() if amt is None else self._response.read(amt)
        self._check(len(data), amt)
        return data

    @property
    def text(self) -> str:
        """The rest of the body as text, in the charset that the response or the text itself names."""
        return text_of(self.read(), self._response.headers)

    def json(self) -> Any:
        """Return what the rest of the body in JSON says.

        :raises ValueError: it is no JSON
        """
        return json_of(self.read())

    def read1(self, n: int = -1) -> bytes:
        """Return what has arrived, at most ``n`` bytes, waiting only for the first of them; raises as read() does."""
        data: bytes = self._response.read1(n)
        self._check(len(data), n)
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read into ``buffer`` and return how many bytes came; raises as read() does."""
        count: int = self._response.readinto(buffer)
        self._check(count, len(buffer))
        return count

    def readline(self, limit: int = -1) -> bytes:
        """Return the next line, or at most ``limit`` bytes of it; raises as read() does."""
        line: bytes = self._response.readline(limit)
        self._check(len(line), limit)
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the lines that are left; raises as read() does."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _check(self, count: int, wanted: int | None) -> None:
        """Raise where a read came back empty before the announced end, about which http.client is silent."""
        if not count and wanted != 0 and not self._closed and (missing := getattr(self._response, "length", 0)):
            raise IncompleteRead(b"", missing)

    def close(self) -> None:
        """Close the response, and its connection unless the body has been read to its end."""
        self._closed = True
        self._response.close()

    def __enter__(self) -> DownloadHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DownloadHandle {self._response.code}>"
