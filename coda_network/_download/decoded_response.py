"""A response whose body is decoded while it is read, within the limits for decompression bombs."""

from __future__ import annotations

import io
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any

from coda_network._download.content_codings import ContentCodingError, Decoder, DecompressionBomb, decoder_for

if TYPE_CHECKING:
    _Base = io.BufferedReader
else:
    _Base = object

PIECE = 65536
FREE_SIZE = 16 << 20
"""Bytes that may come of a body whatever the ratio: a short text of one letter is no attack."""

_CODECS = {"zlib", "brotli", "_brotli", "backports", "compression", "_zstd"}


class DecodedResponse(_Base):
    """A response and its decoded body; what is not about the body is the response's own.

    :param response: of an opener
    :param codings: in the order in which they were applied (RFC 9110 section 8.4)
    :param max_ratio: how many times larger than what was sent the body may become
    :param max_size: how many bytes it may become; None is no limit
    :raises ContentCodingError: a coding is not known, or its package is not installed
    """

    def __init__(self, response: Any, codings: list[str], max_ratio: float, max_size: int | None) -> None:
        decoders = [decoder for coding in reversed(codings) if (decoder := decoder_for(coding)) is not None]
        self._response = response
        self._body = io.BufferedReader(_Decoding(response, decoders, max_ratio, max_size), PIECE)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("_response", "_body"):
            raise AttributeError(name)
        return getattr(self._response, name)

    # How long the decoded body is, nobody knows before its end.
    length = None

    def read(self, amt: int | None = -1) -> bytes:
        """Return the rest of the decoded body, or the next *amt* bytes of it."""
        return self._body.read(amt)

    def read1(self, n: int = -1) -> bytes:
        """Return what has arrived, at most *n* bytes."""
        return self._body.read1(n)

    def readinto(self, buffer: Any) -> int:
        """Read into *buffer*; return how many bytes came."""
        return self._body.readinto(buffer)

    def readline(self, limit: int | None = -1) -> bytes:
        """Return the next line, or at most *limit* bytes of it."""
        return self._body.readline(-1 if limit is None else limit)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """Return the lines that are left."""
        return self._body.readlines(hint or -1)

    def __iter__(self) -> Any:
        return iter(self._body)

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the response."""
        self._body.close()
        self._response.close()

    @property
    def closed(self) -> bool:
        """Return whether the response is closed."""
        return self._body.closed

    def __enter__(self) -> DecodedResponse:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class _Decoding(io.RawIOBase):
    """The decoded body as a file."""

    def __init__(self, response: Any, decoders: list[Decoder], max_ratio: float, max_size: int | None) -> None:
        self._response = response
        self._decoders = decoders
        self._max_ratio = max_ratio
        self._max_size = max_size
        self._taken = 0
        self._given = 0
        self._ended = False
        self._surplus = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._surplus or self._next(len(buffer))
        except Exception as error:
            # Their errors have no base class in common.
            if type(error).__module__.partition(".")[0] in _CODECS:
                raise ContentCodingError(f"the encoded body of the response is damaged ({error})") from error
            raise
        # A decoder may give more than it was asked for.
        count = min(len(data), len(buffer))
        buffer[:count], self._surplus = data[:count], data[count:]
        return count

    def _next(self, most: int) -> bytes:
        while not self._ended:
            data = self._pull(len(self._decoders) - 1, most)
            if data is None:
                self._ended = True
                break
            if data:
                self._given += len(data)
                self._check()
                return data
        return b""

    def _pull(self, stage: int, most: int) -> bytes | None:
        """Return what the decoder at *stage* gives next, b"" where it needs more, None at the end."""
        if stage < 0:
            raw: bytes = self._response.read1(PIECE)
            self._taken += len(raw)
            if not raw:
                if missing := getattr(self._response, "length", 0):
                    raise IncompleteRead(b"", missing)
                return None
            return raw
        decoder = self._decoders[stage]
        if not decoder.needs_input:
            return decoder.decode(b"", most)
        data = self._pull(stage - 1, PIECE)
        if data is None and not decoder.eof and self._taken:
            raise IncompleteRead(b"")
        return decoder.decode(data, most) if data else data

    def _check(self) -> None:
        if self._max_size is not None and self._given > self._max_size:
            raise DecompressionBomb(f"the decoded body is larger than the limit of {self._max_size} bytes")
        if self._given > FREE_SIZE and self._given > self._max_ratio * self._taken:
            raise DecompressionBomb(
                f"a decompression bomb: the body became more than {self._max_ratio:g} times larger than what was sent"
            )
