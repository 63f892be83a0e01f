"""``multipart/form-data`` (RFC 7578) with files from disk, which are read while they are sent.

The ``email`` package of the standard library and urllib3's encoder hold the whole body in memory, and the encoder of
requests-toolbelt comes with requests; so this one is our own.
"""

from __future__ import annotations

import io
import mimetypes
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any


class MultipartBody:
    """The body of a form with files: a binary file of known size that can be read again from its beginning.

    :param fields: name -> value, or several values
    :param files: name -> a path; an open binary file; or ``(file name, path, file or bytes)``, and with a media type
        behind it
    :raises OSError: a file is not there, or is a directory
    :raises ValueError: what is given is none of those
    """

    def __init__(self, fields: Mapping[str, Any] | None, files: Mapping[str, Any]) -> None:
        self.boundary = secrets.token_hex(16)
        self._parts: list[bytes | _File] = []
        for name, value in (fields or {}).items():
            for each in value if isinstance(value, (list, tuple)) else [value]:
                content = each if isinstance(each, bytes) else str(each).encode()
                self._parts += [self._head(name, None, None), content, b"\r\n"]
        for name, given in files.items():
            filename, source, media_type = _file_parts(given)
            self._parts += [self._head(name, filename, media_type), _File(source), b"\r\n"]
        self._parts.append(f"--{self.boundary}--\r\n".encode())
        self._rest: Iterator[Any] = iter(self._parts)
        self._current: Any = None
        self._position = 0

    @property
    def content_type(self) -> str:
        """The value of Content-Type."""
        return f"multipart/form-data; boundary={self.boundary}"

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def __bool__(self) -> bool:
        return True

    def read(self, amount: int = -1) -> bytes:
        """Return the next bytes, none at the end.

        :raises OSError: a file is shorter, or longer, than it was
        """
        if amount is None or amount < 0:
            amount = len(self) - self._position
        data = b""
        while not data and amount:
            if self._current is None:
                part = next(self._rest, None)
                if part is None:
                    break
                self._current = part.open() if isinstance(part, _File) else io.BytesIO(part)
            data = self._current.read(amount)
            if not data:
                self._close_current()
        self._position += len(data)
        return data

    def tell(self) -> int:
        """Return how much has been read."""
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go back to the beginning.

        :raises OSError: to somewhere else
        """
        if offset or whence:
            raise io.UnsupportedOperation("a form can be read again from its beginning only")
        self._close_current()
        self._rest, self._position = iter(self._parts), 0
        return 0

    def close(self) -> None:
        """Close the file that is being read."""
        self._close_current()

    def _close_current(self) -> None:
        current, self._current = self._current, None
        if current is not None:
            current.close()

    def _head(self, name: str, filename: str | None, media_type: str | None) -> bytes:
        lines = [f"--{self.boundary}", f'Content-Disposition: form-data; name="{_quoted(name)}"']
        if filename is not None:
            lines[-1] += f'; filename="{_quoted(filename)}"'
            lines.append(f"Content-Type: {media_type}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n"


class _File:
    """One file of a form: its size is known before it is opened."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._start = 0
        if isinstance(source, bytes):
            self._size = len(source)
        elif hasattr(source, "read"):
            self._start = source.tell()
            self._size = source.seek(0, os.SEEK_END) - self._start
            source.seek(self._start)
        else:
            with open(source, "rb") as file:  # says what is wrong with it, before anything is sent
                self._size = os.fstat(file.fileno()).st_size

    def __len__(self) -> int:
        return self._size

    def open(self) -> Any:
        if isinstance(self._source, bytes):
            return io.BytesIO(self._source)
        if hasattr(self._source, "read"):
            self._source.seek(self._start)
            return _Exactly(self._source, self._size, closes=False)
        return _Exactly(io.FileIO(self._source), self._size, closes=True)


class _Exactly:
    """Reads as many bytes of a file as were announced."""

    def __init__(self, file: Any, size: int, closes: bool) -> None:
        self._file = file
        self._left = size
        self._closes = closes

    def read(self, amount: int) -> bytes:
        data: bytes = self._file.read(min(amount, self._left)) if self._left else b""
        if self._left and not data:
            raise OSError(f"a file of the form became shorter while it was sent: {self._left} bytes are missing")
        self._left -= len(data)
        return data

    def close(self) -> None:
        if self._closes:
            self._file.close()


def _file_parts(given: Any) -> tuple[str, Any, str]:
    """Return the file name, the source and the media type of a file."""
    media_type = None
    if isinstance(given, (tuple, list)):
        if not 2 <= len(given) <= 3:
            raise ValueError("a file of a form is a path, an open file, or (file name, path or file[, media type])")
        filename, source, *more = given
        media_type = more[0] if more else None
    else:
        filename, source = getattr(given, "name", given), given
    if not isinstance(source, (bytes, str, os.PathLike)) and not hasattr(source, "read"):
        raise ValueError(f"a file of a form is a path, an open file, or bytes with a name, not {type(source).__name__}")
    if isinstance(filename, (bytes, int)):
        filename = "file"
    name = PurePath(filename).name
    return name, source, media_type or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _quoted(name: str) -> str:
    # WHATWG HTML, "multipart/form-data encoding algorithm".
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
