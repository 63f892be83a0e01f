"""``HTTPCache``: what programs name, a folder and its bound."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from typing import Any

from coda_network._cache.folder import Folder
from coda_network._cache.key import key_of

MAX_SIZE = 1 << 30


class HTTPCache(Folder):
    """A private HTTP cache (RFC 9111) in a folder, for openers of several threads and processes.

    Each user's responses are his own, by the credentials, cookies and client certificate of the request; who they are
    stands on disk as a keyed digest only. The folder is for one user of the system.

    :param folder: a path; it is made where it is not there
    :param max_size: in bytes, of all that is stored; beyond it those are forgotten that were not used for longest, and
        a response of more than half of it is not stored
    :raises OSError: the folder cannot be written to
    :raises ValueError: *max_size* is below 1
    """

    def __init__(self, folder: str | os.PathLike[str], max_size: int = MAX_SIZE) -> None:
        if max_size < 1:
            raise ValueError(f"max_size is a number of bytes from 1 on, not {max_size!r}")
        super().__init__(os.fspath(folder), max_size)

    clock = staticmethod(time.time)

    def forget(self, url: str) -> None:
        """Remove what is stored for a URL, of all users."""
        super().forget(key_of(url))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.max_size)

    def __repr__(self) -> str:
        return f"HTTPCache({self.path!r}, max_size={self.max_size})"


def cache_of(given: Any) -> HTTPCache:
    """Return the cache that a program means.

    :param given: a path, or an HTTPCache
    :raises TypeError: it is neither
    :raises OSError: the folder cannot be written to
    """
    if isinstance(given, HTTPCache):
        return given
    if isinstance(given, (str, os.PathLike)):
        return _named(os.path.abspath(os.fspath(given)))
    raise TypeError(f"cache is the path of a folder, or an HTTPCache, not {type(given).__name__}")


@lru_cache(maxsize=16)
def _named(path: str) -> HTTPCache:
    # One for each folder: it counts what is in there once, and not for each opener.
    return HTTPCache(path)
