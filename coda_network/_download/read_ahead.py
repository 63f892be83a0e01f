"""A cache of fsspec that reads further ahead the longer a file is read in order, as operating systems do.

fsspec's own caches ask for the whole block size with each read: of a Parquet file, where each read is somewhere else,
most of that is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable

from fsspec.caching import BaseCache, register_cache

FIRST = 64 << 10
"""Bytes ahead of a read that does not go on where the last one ended: headers and footers come in small pieces."""


class GrowingReadAhead(BaseCache):  # type: ignore[misc]  # fsspec has no types
    """What was read last, and what is ahead of it.

    :param blocksize: the most bytes that a read asks for beyond what it needs
    :param fetcher: returns the bytes from a place to before another
    :param size: of the file, in bytes
    """

    name = "coda_growing"

    def __init__(self, blocksize: int, fetcher: Callable[[int, int], bytes], size: int) -> None:
        super().__init__(blocksize, fetcher, size)
        self._start = 0
        self._data = b""
        self._ahead = 0

    def _fetch(self, start: int | None, stop: int | None) -> bytes:
        begin, end = start or 0, self.size if stop is None else min(stop, self.size)
        if begin >= end:
            return b""
        known_end = self._start + len(self._data)
        goes_on = self._start <= begin <= known_end
        if goes_on and end <= known_end:
            return self._data[begin - self._start : end - self._start]
        head = self._data[begin - self._start :] if goes_on else b""
        self._ahead = min(self.blocksize, self._ahead * 2 if goes_on and self._ahead else FIRST)
        data: bytes = head + self.fetcher(begin + len(head), min(self.size, end + self._ahead))
        # Programs go back a little: of a large piece that they have, its end is kept.
        self._start = max(begin, end - self.blocksize)
        self._data = data[self._start - begin :]
        return data[: end - begin]


register_cache(GrowingReadAhead, clobber=True)
