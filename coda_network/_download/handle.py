"""The response of a download: its body arrives whole, or reading it raises."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPMessage, IncompleteRead
from typing import Any

from coda_network._download.charset import json_of, text_of
from coda_network._http.chunks import BrokenBody
from coda_network._net.tls import is_tls


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
        _want_a_farewell(response)

    def __getattr__(self, name: str) -> Any:
        if name == "_response":  # of a copy that is being made
            raise AttributeError(name)
        return getattr(self._response, name)

    @property
    def from_cache(self) -> bool:
        """Whether the body is the one that a cache had stored."""
        return bool(getattr(self._response, "from_cache", False))

    def read(self, amt: int | None = None) -> bytes:
        """Return the rest of the body, or the next ``amt`` bytes of it (fewer only at its end).

        :param amt: how many bytes; None for all that are left
        :returns: the bytes, none at the end
        :raises http.client.IncompleteRead: the connection ended before the body
        :raises OSError: the connection failed, or the time is up
        """
        data: bytes = self._read(self._response.read) if amt is None else self._read(self._response.read, amt)
        self._check(len(data), amt, data if amt is None else b"")
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
        data: bytes = self._read(self._response.read1, n)
        self._check(len(data), n)
        return data

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Read into ``buffer`` and return how many bytes came; raises as read() does."""
        count: int = self._read(self._response.readinto, buffer)
        self._check(count, len(buffer))
        return count

    def readline(self, limit: int = -1) -> bytes:
        """Return the next line, or at most ``limit`` bytes of it; raises as read() does."""
        line: bytes = self._read(self._response.readline, limit)
        self._check(len(line), limit)
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the lines that are left; raises as read() does."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _read(self, read: Any, *arguments: Any) -> Any:
        try:
            return read(*arguments)
        except OSError as error:
            if type(error).__name__ != "SSLEOFError":  # ``ssl`` is not imported for it
                raise
            raise BrokenBody(b"", "TLS ended without a farewell") from error

    def _check(self, count: int, wanted: int | None, data: bytes = b"") -> None:
        """Raise where the body has ended too early, about which http.client is silent.

        :param count: bytes that a read has brought; where there are some, the next one finds out
        :param wanted: bytes that it was to bring at most, None for all
        :param data: what it has brought
        """
        if self._closed or wanted == 0 or (count and wanted is not None):
            return
        response = self._response
        if not count and (missing := getattr(response, "length", 0)):
            raise IncompleteRead(b"", missing)
        if getattr(response, "chunked", False) is True and not getattr(response, "_complete", True):
            raise BrokenBody(data, "the connection ended in the trailers")

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


def _want_a_farewell(response: Any) -> None:
    """Let a body that ends with its TLS connection end with the close_notify alert only (RFC 8446 section 6.1).

    Otherwise who is on the way can cut it anywhere, and nobody notices.
    """
    sock = getattr(getattr(getattr(response, "fp", None), "raw", None), "_sock", None)
    if sock is not None and is_tls(sock) and getattr(response, "length", 0) is None and not response.chunked:
        sock.suppress_ragged_eofs = False
