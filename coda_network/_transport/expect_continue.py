"""``Expect: 100-continue`` (RFC 9110 section 10.1.1), for a body that can be read once and may meet a challenge.

The body is read when the peer asks for it, or says nothing for a while, as peers do that do not know the field. Where a
final response comes first, a challenge say, nothing of the body has been spent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coda_network._http.drain import look_ahead
from coda_network._transport.body import RespondedEarly

CONTINUE_SECONDS = 1.0
"""For which the body waits; curl waits as long."""

_BLOCK = 65536
_INTERIM = b"HTTP/1.1 1"


def is_interim(start: bytes) -> bool:
    """Return whether a response that begins so is an interim one (RFC 9110 section 15.2)."""
    return start[:7] == _INTERIM[:7] and start[8:10] == _INTERIM[8:]


def responds_instead(connection: Any) -> bool:
    """Wait for the peer's word; return whether it is a final response, in place of a 100 (Continue).

    :param connection: on which the head of the request has been sent
    """
    start = look_ahead(connection, CONTINUE_SECONDS)
    # A start that cannot be told apart is no reason to hold the body back.
    return len(start) >= len(_INTERIM) and start[:7] == _INTERIM[:7] and not is_interim(start)


class WaitingBody:
    """A body that waits for the peer before its first byte.

    :param connection: over which it is sent
    :param data: a file, or an iterable of bytes
    """

    def __init__(self, connection: Any, data: Any) -> None:
        self._connection = connection
        self._data = data
        self.was_read = False

    def __iter__(self) -> Iterator[Any]:
        if responds_instead(self._connection):
            raise RespondedEarly
        self.was_read = True
        if not hasattr(self._data, "read"):
            yield from self._data
            return
        while block := self._data.read(_BLOCK):
            yield block.encode("iso-8859-1") if isinstance(block, str) else block
