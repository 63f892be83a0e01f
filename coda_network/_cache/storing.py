"""A response that is stored while the program reads it.

It stays the very object, of a class that extends its own; at the end of the body it has its own class again. One that
is closed before, or cut short, is not stored.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from coda_network._cache.folder import NewFile

if TYPE_CHECKING:
    _Response = http.client.HTTPResponse
else:
    _Response = object  # the class of the response comes behind, see ``_storing()``

Outcome = TypeVar("Outcome")


def store_while_read(response: Any, new: NewFile) -> None:
    """Let *response* be written to *new* by whoever reads it."""
    response._new_file = new
    response._is_reading = False
    kind: Any = type(response)
    response.__class__ = _storing(kind)
    _look_for_the_end(response)


class _Storing(_Response):
    """What a response does besides what it does by itself."""

    def read(self, amt: int | None = None) -> bytes:
        return self._take(super().read, amt)

    def read1(self, n: int = -1) -> bytes:
        return self._take(super().read1, n)

    def readline(self, limit: int = -1) -> bytes:  # type: ignore[override]  # None is no limit in io only
        return self._take(super().readline, limit)

    def readinto(self, b: Any) -> int:
        return self._take(super().readinto, b)

    def readinto1(self, b: Any) -> int:
        return self._take(super().readinto1, b)

    def close(self) -> None:
        super().close()
        _stop(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        _stop(self)
        return self.__reduce_ex__(protocol)

    def _take(self, read: Callable[[Any], Outcome], argument: Any) -> Outcome:
        this: Any = self
        if this._is_reading:  # one of them calls another
            return read(argument)
        this._is_reading = True
        try:
            got = read(argument)
        except BaseException:
            _stop(this)
            raise
        if "_new_file" in vars(this):  # it may have been closed meanwhile
            this._is_reading = False
            count: Any = got  # where it is not the data itself
            data = got if isinstance(got, bytes) else bytes(memoryview(argument).cast("B")[:count])
            if data and not this._new_file.write(data):
                _stop(this)
            else:
                _look_for_the_end(this)
        return got


def _look_for_the_end(response: Any) -> None:
    if response.fp is not None:
        return
    # A body that ends with its connection may have been cut short: nobody knows (RFC 9111 section 3.3).
    if getattr(response, "_complete", False) if response.chunked is True else response.length == 0:
        response._new_file.finish()
    _stop(response)


def _stop(response: Any) -> None:
    """Make it an ordinary response again; what has not been finished is not stored."""
    new = vars(response).pop("_new_file", None)
    if new is not None:
        del response._is_reading
        response.__class__ = type(response).__mro__[2]
        new.drop()


@lru_cache(maxsize=16)
def _storing(kind: type[http.client.HTTPResponse]) -> type[Any]:
    return type(kind.__name__, (_Storing, kind), {"__module__": kind.__module__, "__doc__": kind.__doc__})
