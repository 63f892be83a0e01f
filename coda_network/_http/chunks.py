"""Bodies in chunks (RFC 9112 section 7.1)."""

from __future__ import annotations

import http.client
from http.client import HTTPException, IncompleteRead, LineTooLong

from coda_network._http.body_buffer import BodyBuffer
from coda_network._http.reader import READ_BUFFER
from coda_network._originals import http_client
from coda_network._wire import framing, heads

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    from coda_network._http.reader import ConnectionReader

    _Base = http_client.HTTPResponse
else:
    _Base = object

SMALL = 4096
"""Bytes of a chunk behind which others are looked for in the buffer, to be taken at once."""


class BrokenBody(IncompleteRead):
    """IncompleteRead that says what is wrong with the body.

    :param partial: what was read of it
    :param reason: what is wrong
    """

    def __init__(self, partial: bytes, reason: str) -> None:
        super().__init__(partial)
        self.args = partial, reason
        self.reason = reason

    def __repr__(self) -> str:
        # That the connection has ended is what http.client's own text stands for.
        reason = "" if self.reason == _CUT else f"; {self.reason}"
        return f"IncompleteRead({len(self.partial)} bytes read{reason})"

    __str__ = __repr__


class ChunkedReading(_Base):
    """The part of HTTPResponse that reads a body in chunks, by the names of http.client's own methods.

    Those forget the beginning of a chunk that is cut in the middle, and end quietly where lines are read from a
    malformed body.
    """

    # What the rest of HTTPResponse has.
    fp: Any
    chunk_left: Any
    _reader: ConnectionReader | None
    _complete: bool
    _trailers: bytes
    _max_headers: int | None
    _safe_read: Any
    _close_conn: Any

    def _get_chunk_left(self) -> int | None:
        """Return what is left of the current chunk, beginning the next one at its end; None behind the last.

        :raises http.client.HTTPException: the framing is broken, so the response is closed, or the connection ended
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

    def _read_chunked(self, amt: int | None = None) -> bytes:
        """Return the rest of the body, or *amt* bytes of it."""
        data = BodyBuffer()
        try:
            while amt is None or amt > 0:
                left = self._get_chunk_left()
                if left is None:
                    break
                wanted = left if amt is None else min(amt, left)
                piece: bytes = self._safe_read(wanted)
                self.chunk_left = left - wanted
                if wanted == amt and not data.size:
                    return piece
                data.add(piece)
                if amt is not None:
                    amt -= wanted
                if wanted == left < SMALL and (more := _small_chunks(self, amt)):
                    data.add(more)
                    if amt is not None:
                        amt -= len(more)
        except IncompleteRead as cut:
            raise _behind(data.getvalue(), cut) from None
        return data.getvalue()

    def _readinto_chunked(self, b: Any) -> int:
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
                if wanted == left < SMALL:
                    more = _small_chunks(self, len(whole) - total)
                    whole[total : total + len(more)] = more
                    total += len(more)
        except IncompleteRead as cut:
            raise _behind(bytes(whole[:total]), cut) from None
        return total

    def _read1_chunked(self, n: int = -1) -> bytes:
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

    def _peek_chunked(self, n: int = -1) -> bytes:
        """Return what is there of the current chunk, without moving on."""
        left = self._get_chunk_left()
        if left is None:
            return b""
        shown: bytes = self.fp.peek(n)
        return shown[:left]

    def _readline_chunked(self, limit: int | None = -1) -> bytes:
        """Return one line of the body, or at most *limit* bytes of it; None is no limit, as in io."""
        if limit is None:
            limit = -1
        pieces: list[bytes] = []
        try:
            while limit:
                left = self._get_chunk_left()
                if left is None:
                    break
                wanted = left if limit < 0 else min(limit, left)
                piece = self.fp.readline(wanted)
                pieces.append(piece)
                self.chunk_left = left - len(piece)
                if piece[-1:] == b"\n":
                    break
                if len(piece) < wanted:
                    raise IncompleteRead(b"", left - len(piece))
                if limit > 0:
                    limit -= wanted
        except IncompleteRead as cut:
            raise _behind(b"".join(pieces), cut) from None
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _behind(data: bytes, cut: IncompleteRead) -> IncompleteRead:
    """Return an error with what was read before the read that has failed."""
    partial = data + cut.partial
    return BrokenBody(partial, cut.reason) if isinstance(cut, BrokenBody) else IncompleteRead(partial, cut.expected)


def _next_chunk(response: ChunkedReading) -> int | None:
    # 0 is the end of a chunk, None the beginning of the body.
    if response.chunk_left is not None:
        _end_chunk(response)
    line = response.fp.readline(heads.MAX_LINE + 1)
    if len(line) > heads.MAX_LINE:
        raise LineTooLong("chunk size")
    try:
        size = framing.chunk_size(line)
    except ValueError:
        raise BrokenBody(b"", _what_is_wrong(line)) from None
    if line[-2:] != b"\r\n" or line[-3:-2] == b"\r":
        response.will_close = True
    if size:
        return size
    response._complete = _skip_trailers(response)
    return None


def _end_chunk(response: ChunkedReading) -> None:
    """Read the line end behind the data of a chunk.

    curl takes LF alone for it. But behind a size that is too large by one the CR would count as data.
    """
    end: bytes = response.fp.read(2)
    if end != b"\r\n":
        raise BrokenBody(b"", f"{end!r} in the place of the end of a chunk" if len(end) == 2 else _CUT)


_CUT = "the connection ended before the last chunk"


def _what_is_wrong(line: bytes) -> str:
    return f"the size of a chunk is {line[:40].rstrip()!r}" if line[-1:] == b"\n" else _CUT


# One change brought both limits to http.client.
_HAS_LIMIT = hasattr(http.client, "_MAXINTERIMRESPONSES")


def _skip_trailers(response: ChunkedReading) -> bool:
    """Read the trailers; return whether their end came. http.client drops them; the local proxy passes them on.

    The data is all there: where there are too many, only the connection is given up, unless the program has set a limit
    or http.client has one, as the newest releases of Python do.

    :raises http.client.HTTPException: there are more than allowed
    """
    try:
        lines = heads.read_field_lines(response.fp, response._max_headers, "trailers")
    except LineTooLong:
        raise
    except HTTPException:
        if response._max_headers is not None or _HAS_LIMIT:
            raise
        response.will_close = True
        return True
    if len(lines) > 1:
        response._trailers = b"".join(lines)
    return bool(lines[-1])


def _small_chunks(response: ChunkedReading, most: int | None) -> bytes:
    """Return the data of the chunks that are whole in the buffer, up to *most* bytes; called at the end of a chunk."""
    reader = response._reader
    if reader is None or response.fp is not reader.file:
        return b""
    seen = reader.buffered()
    pieces = []
    end = 0
    while seen[end : end + 2] == b"\r\n" and (head := framing.chunk_line_at(seen, end + 2)):
        begin, size = head.end(), int(head[1], 16)
        if not size or begin + size > len(seen):
            break
        if most is not None and (most := most - size) < 0:
            break
        end = begin + size
        pieces.append(seen[begin:end])
    reader.take(end)
    return b"".join(pieces)
