"""An opener with a cache, and the cache of the openers of the whole process."""

from __future__ import annotations

from typing import Any

from coda_network._cache.cache import HTTPCache
from coda_network._cache.transaction import respond
from coda_network._opener import director
from coda_network._stack import Stack

_installed = Stack()
_under_way: set[int] = set()
"""Requests by their identity: a proxy of another scheme opens a request by the opener once more."""


class CachingOpener(director.OpenerDirector):
    """An OpenerDirector whose responses are stored and used again."""

    cache: HTTPCache | None = None

    def _open(self, req: Any, data: Any = None) -> Any:
        """Return a stored response, or what the handlers return."""
        if self.cache is None:
            return super()._open(req, data)
        return _respond(self.cache, self, req, super()._open, data)


def install(cache: HTTPCache) -> None:
    """Give all openers that have none of their own a cache from now on."""
    _installed.add(cache)
    director.caching = _open_with_installed


def remove(cache: HTTPCache) -> None:
    """Undo an ``install()``, the last one of the same cache."""
    _installed.remove(cache)
    if not list(_installed):
        director.caching = None


def _open_with_installed(opener: Any, req: Any, data: Any) -> Any:
    cache = next(iter(_installed), None)
    if cache is None or (isinstance(opener, CachingOpener) and opener.cache is not None):
        return opener._open(req, data)
    return _respond(cache, opener, req, opener._open, data)


def _respond(cache: HTTPCache, opener: Any, req: Any, send: Any, data: Any) -> Any:
    me = id(req)
    if req.type not in ("http", "https") or me in _under_way:
        return send(req, data)
    _under_way.add(me)
    try:
        return respond(cache, opener, req, lambda: send(req, data))
    finally:
        _under_way.discard(me)
