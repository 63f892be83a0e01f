"""Bodies in chunks (RFC 9112 7.1): the methods of HTTPResponse that read them.

They have the names of http.client's own. Those forget the beginning of a chunk that is cut in the middle, and end
quietly where lines are read from a malformed body.
"""

from __future__ import annotations

from http.client import HTTPException, IncompleteRead, LineTooLong

from coda_network._http.channel import READ_BUFFER
from coda_network._wire import framing, heads

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

    from coda_network._http.response import HTTPResponse


def get_chunk_left(self: HTTPResponse) -> int | None:
    """Return what is left of the current chunk, beginning the next one at its end; None behind the last.

    :raises http.client.HTTPException: the framing is broken, so the answer is closed, or the connection ended
    """
    if self.chunk_left:
        return self.chunk_left  # type: ignore[no-any-return]  # an attribute that other code may set, so Any
    try:
        self.chunk_left = left = _next_chunk(self)
    except HTTPException:
        # Where the next chunk would begin is not known any more.
        self._close_conn()
        raise
    if left is None:
        self._close_conn()
    return left


def _next_chunk(self: HTTPResponse) -> int | None:
    # 0 is the end of a chunk, None the beginning of the body.
    if self.chunk_left is not None and self.fp.read(2) != b"\r\n":
        raise IncompleteRead(b"")
    line = self.fp.readline(heads.MAX_LINE + 1)
    if len(line) > heads.MAX_LINE:
        raise LineTooLong("chunk size")
    try:
        size = framing.chunk_size(line)
    except ValueError:
        raise IncompleteRead(b"") from None
    if size:
        return size
    # Trailers are read and dropped, as http.client does. Where the connection ends in them the data is all there.
    self._complete = bool(heads.read_field_lines(self.fp)[-1])
    return None


def read(self: HTTPResponse, amt: int | None = None) -> bytes:
    """Return the rest of the body, or *amt* bytes of it."""
    pieces: list[bytes] = []
    try:
        while amt is None or amt > 0:
            left = self._get_chunk_left()
            if left is None:
                break
            wanted = left if amt is None else min(amt, left)
            piece = self._safe_read(wanted)
            pieces.append(piece)
            self.chunk_left = left - wanted
            if amt is not None:
                amt -= wanted
    except IncompleteRead as cut:
        raise IncompleteRead(b"".join([*pieces, cut.partial]), cut.expected) from None
    return b"".join(pieces)


def readinto(self: HTTPResponse, b: Any) -> int:
    """Fill *b* as far as the body goes; return how many bytes came."""
    whole = memoryview(b).cast("B")
    total = 0
    try:
        while total < len(whole):
            left = self._get_chunk_left()
            if left is None:
                break
            wanted = min(left, len(whole) - total)
            count = self.fp.readinto(whole[total : total + wanted])
            total += count
            self.chunk_left = left - count
            if count < wanted:
                raise IncompleteRead(b"", left - count)
    except IncompleteRead as cut:
        raise IncompleteRead(bytes(whole[:total]), cut.expected) from None
    return total


def read1(self: HTTPResponse, n: int = -1) -> bytes:
    """Return at most *n* bytes of the current chunk, with at most one system call behind its head."""
    if n == 0:
        return b""
    left = self._get_chunk_left()
    if left is None:
        return b""
    data: bytes = self.fp.read1(min(left, n if n > 0 else READ_BUFFER))
    self.chunk_left = left - len(data)
    if not data:
        raise IncompleteRead(b"", left)
    return data


def peek(self: HTTPResponse, n: int = -1) -> bytes:
    """Return what is there of the current chunk, without moving on."""
    left = self._get_chunk_left()
    if left is None:
        return b""
    shown: bytes = self.fp.peek(n)
    return shown[:left]
