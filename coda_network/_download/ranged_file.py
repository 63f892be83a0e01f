"""Files that are read in ranges, each by a request of its own, for fsspec."""

from __future__ import annotations

import errno
import io
import shutil
import tempfile
from http.client import IncompleteRead
from typing import IO, Any
from urllib.error import HTTPError

from fsspec.spec import AbstractBufferedFile

from coda_network._download.ranges import content_range, is_of_state, strong_validator
from coda_network._download.retry import Retry

IN_MEMORY = 8 << 20
"""What is larger waits in a temporary file, where a server sends the whole in place of a range."""


class Ranges:
    """The ranges of one file in one state.

    :param open_url: opens the URL with further header fields, once: a function that returns a DownloadHandle
    :param url: for errors
    :param validator: a strong one, of the state that all ranges must be of; None where there is none
    :param size: of the file; None where the first response has to tell it
    :param retry: when to try again; a range that breaks off is gone on with
    """

    def __init__(self, open_url: Any, url: str, validator: str | None, size: int | None, retry: Retry) -> None:
        self._open_url = open_url
        self._url = url
        self._validator = validator
        self._size = size
        self._retry = retry
        self._whole: IO[bytes] | None = None

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from *start* to before *end*, or to the end of the file.

        :raises OSError: there was no such response, or the file has changed
        """
        pieces: list[bytes] = []
        place = furthest = start

        def attempt() -> None:
            nonlocal place
            while place < (end if self._size is None else min(end, self._size)):
                failure = None
                if self._whole is not None:
                    piece = self._from_whole(place, end)
                else:
                    piece, failure = self._request(place, end)
                pieces.append(piece)
                place += len(piece)
                if failure is not None:
                    raise failure

        def progressed() -> bool:
            nonlocal furthest
            before, furthest = furthest, place
            return place > before

        try:
            self._retry.run(attempt, progressed=progressed)
        except HTTPError as error:
            raise as_os_error(error, self._url) from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _request(self, start: int, end: int) -> tuple[bytes, IncompleteRead | None]:
        """Return what comes of a range, and why that is not all of it."""
        try:
            opened = self._open_url({"Range": f"bytes={start}-{end - 1}"})
        except HTTPError as error:
            if error.code != 416:
                raise
            if self._size is not None:
                raise self._changed() from None
            self._size = start  # or less
            return b"", None
        with opened as handle:
            headers = handle.headers
            if self._validator is not None and not is_of_state(headers, self._validator):
                raise self._changed()
            if handle.code != 206:
                self._keep_whole(handle)
                return self._from_whole(start, end), None
            found = content_range(headers)
            if found is None or found.first != start or found.last >= end:
                raise OSError(f"{self._url}: the response is of another range than was asked for")
            if None not in (found.total, self._size) and found.total != self._size:
                raise self._changed()
            self._size = found.total if self._size is None else self._size
            self._validator = self._validator or strong_validator(headers)
            try:
                data: bytes = handle.read()
            except IncompleteRead as error:
                return error.partial[: found.last - found.first + 1], error
            if len(data) != found.last - found.first + 1:
                raise OSError(f"{self._url}: the response says two things about its length")
            return data, None

    def _keep_whole(self, handle: Any) -> None:
        """Keep all of the file: the server ignores ranges, and would send it again each time."""
        whole = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # closed with the file
        try:
            shutil.copyfileobj(handle, whole)
            if self._size is not None and whole.tell() != self._size:
                raise self._changed()
        except BaseException:
            whole.close()
            raise
        self._size = whole.tell()
        self._whole = whole

    def _from_whole(self, start: int, end: int) -> bytes:
        assert self._whole is not None
        self._whole.seek(start)
        return self._whole.read(end - start)

    def _changed(self) -> OSError:
        return OSError(f"{self._url} has changed while it was read")

    def close(self) -> None:
        """Forget what was kept."""
        if self._whole is not None:
            self._whole.close()
            self._whole = None


class RangedFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no types
    """A file of a site, open for reading; fsspec's caches decide which ranges are asked for."""

    def __init__(self, fs: Any, path: str, ranges: Ranges, **options: Any) -> None:
        self._ranges = ranges
        super().__init__(fs, path, "rb", **options)

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._ranges.read(start, min(end, self.size))

    def close(self) -> None:
        """Close the file."""
        self._ranges.close()
        super().close()


class StreamedFile(io.RawIOBase):
    """A file whose size no server tells, read from its beginning to its end."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has come."""
        data = self._handle.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the response."""
        if not self.closed:
            self._handle.close()
        super().close()


def as_os_error(error: HTTPError, url: str) -> OSError:
    """Return the error of a file for what the server, or a proxy, has reported."""
    message = f"the response is {error.code} {error.reason}"
    if error.code in (404, 410):
        return FileNotFoundError(errno.ENOENT, message, url)
    if error.code in (401, 403, 407):
        return PermissionError(errno.EACCES, message, url)
    return OSError(errno.ERANGE if error.code == 416 else errno.EIO, message, url)
