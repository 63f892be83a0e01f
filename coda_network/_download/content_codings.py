"""Content codings (RFC 9110 section 8.4.1): which can be decoded here, and how, in pieces of a bounded size."""

from __future__ import annotations

import functools
import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol


class ContentCodingError(OSError):
    """A body cannot be decoded: its coding is not known here, or it is damaged."""


class DecompressionBomb(ContentCodingError):
    """A body grows beyond what is allowed when it is decoded."""


class Decoder(Protocol):
    """Decodes one coding, without a limit to the body but with one to each piece."""

    @property
    def eof(self) -> bool:
        """Whether the coded data is complete."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more can be decoded from what was given."""

    def decode(self, data: bytes, most: int) -> bytes:
        """Return the next bytes, at most about *most*; what is left of *data* is kept."""


class _Zlib:
    """gzip (RFC 1952), of one member or several; deflate (RFC 9110 8.4.1.2), with or without its zlib header."""

    def __init__(self, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._inner: Any = zlib.decompressobj(31) if is_gzip else None
        self._rest = b""
        self._first = b""  # byte of deflate, which needs a second one to be known
        self._done = False

    @property
    def eof(self) -> bool:
        return self._inner is not None and bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return not self._rest

    def decode(self, data: bytes, most: int) -> bytes:
        data, self._rest = self._rest + data, b""
        if self._done:
            return b""  # padding behind the last member
        if self._inner is None:
            data, self._first = self._first + data, b""
            if len(data) < 2:
                self._first = data
                return b""
            # Servers were seen to send raw deflate; the two bytes of a zlib header are a multiple of 31.
            is_zlib = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._inner = zlib.decompressobj(15 if is_zlib else -15)
        elif self._inner.eof:
            if not self._is_gzip or data[:1] != b"\x1f":
                self._done = True
                return b""
            self._inner = zlib.decompressobj(31)
        result: bytes = self._inner.decompress(data, most)
        self._rest = self._inner.unused_data if self._inner.eof else self._inner.unconsumed_tail
        return result


class _Brotli:
    """br (RFC 7932), by the package ``brotli``."""

    def __init__(self, module: Any) -> None:
        self._inner = module.Decompressor()
        self._rest = b""
        self._gave_nothing = True

    @property
    def eof(self) -> bool:
        return bool(self._inner.is_finished())

    @property
    def needs_input(self) -> bool:
        # It says that it can take more while there is more to give.
        return not self._rest and (self._gave_nothing or bool(self._inner.is_finished()))

    def decode(self, data: bytes, most: int) -> bytes:
        data, self._rest = self._rest + data, b""
        if self._inner.is_finished():
            return b""
        if not self._inner.can_accept_more_data():
            data, self._rest = b"", data
        result: bytes = self._inner.process(data, output_buffer_limit=most)
        self._gave_nothing = not result
        return result


class _Zstd:
    """zstd (RFC 8878), by ``compression.zstd`` of Python 3.14 or its backport."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._inner = self._new()
        self._rest = b""
        self._begun = False

    def _new(self) -> Any:
        # RFC 9659: a window of 8 MiB is the most that a sender may ask of a receiver.
        return self._module.ZstdDecompressor(options={self._module.DecompressionParameter.window_log_max: 23})

    @property
    def eof(self) -> bool:
        return bool(self._inner.eof)

    @property
    def needs_input(self) -> bool:
        return not self._rest and bool(self._inner.eof or self._inner.needs_input)

    def decode(self, data: bytes, most: int) -> bytes:
        data, self._rest = self._rest + data, b""
        if self._inner.eof:
            if not data:
                return b""
            self._inner = self._new()  # the next frame
        result: bytes = self._inner.decompress(data, most)
        if self._inner.eof:
            self._rest = self._inner.unused_data
        return result


@functools.cache
def _brotli() -> Any:
    try:
        import brotli
    except ImportError:
        return None
    # Before 1.2 a few bytes could become any number of them in one step.
    return brotli if hasattr(brotli.Decompressor, "can_accept_more_data") else None


@functools.cache
def _zstd() -> Any:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        return None
    return zstd


def decoder_for(coding: str) -> Decoder | None:
    """Return a decoder for one coding, None for ``identity``.

    :param coding: as a Content-Encoding has it
    :raises ContentCodingError: it is not known, or its package is not installed
    """
    name = coding.strip().lower()
    makers: dict[str, tuple[Callable[[], Any], Callable[[Any], Decoder]]] = {
        "br": (_brotli, _Brotli),
        "zstd": (_zstd, _Zstd),
    }
    if name in ("", "identity"):
        return None
    if name in ("gzip", "x-gzip", "deflate"):
        return _Zlib(name != "deflate")
    if name not in makers:
        raise ContentCodingError(f"the content coding {name[:40]!r} of the response is not known")
    load, make = makers[name]
    if (module := load()) is None:
        raise ContentCodingError(
            f"the content coding {name!r} of the response needs a package: pip install 'coda_network[compression]'"
        )
    return make(module)


def accepted() -> str:
    """Return the value of ``Accept-Encoding``: the codings that can be decoded on this Python, as installed."""
    names = ["gzip", "deflate"]
    if _brotli() is not None:
        names.append("br")
    if _zstd() is not None:
        names.append("zstd")
    return ", ".join(names)
