"""The answer to a download, whose body is whole or raises."""

from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPException, IncompleteRead, InvalidURL
from typing import Any
from urllib.error import URLError

from coda_network._opener.director import OpenerDirector


class DownloadHandle:
    """An answer whose body is read to its announced end, or raises: the answer of an opener in all else.

    Attributes and methods that are not here are those of the answer: ``code``, ``headers``, ``url``, ``info()`` ...
    """

    def __init__(self, response: Any, opener: OpenerDirector) -> None:
        self._response = response
        self._opener = opener
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def read(self, amt: int | None = None) -> bytes:
        """Return the rest of the body, or the next *amt* bytes of it (fewer only at its end).

        :raises http.client.IncompleteRead: the connection ended before the body
        :raises OSError: the connection failed, or the time is up
        """
        data: bytes = self._response.read() if amt is None else self._response.read(amt)
        self._check(len(data), amt)
        return data

    def read1(self, n: int = -1) -> bytes:
        """Return what is there, at most *n* bytes, waiting for the first of them only; raises as read() does."""
        data: bytes = self._response.read1(n)
        self._check(len(data), n)
        return data

    def readinto(self, buffer: Any) -> int:
        """Read into *buffer* and return how many bytes came; raises as read() does."""
        count: int = self._response.readinto(buffer)
        self._check(count, len(buffer))
        return count

    def readline(self, limit: int = -1) -> bytes:
        """Return the next line, or at most *limit* bytes of it; raises as read() does."""
        line: bytes = self._response.readline(limit)
        self._check(len(line), limit)
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the lines that are left; raises as read() does."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _check(self, count: int, wanted: int | None) -> None:
        """Raise where nothing more came although something was announced: http.client is silent then."""
        if not count and wanted != 0 and not self._closed and (missing := getattr(self._response, "length", 0)):
            raise IncompleteRead(b"", missing)

    def close(self) -> None:
        """Close the answer and every connection that was opened for it."""
        self._closed = True
        self._response.close()
        self._opener.close()

    def __enter__(self) -> DownloadHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DownloadHandle {self._response.code}>"


def as_url_error(call: Any, *arguments: Any, **options: Any) -> Any:
    """Call a function of an opener or an answer; what is no answer becomes URLError, whoever noticed it."""
    try:
        return call(*arguments, **options)
    except (URLError, IncompleteRead, InvalidURL):
        raise
    except (OSError, HTTPException) as error:
        raise URLError(error) from error
