"""An answer: its head, and its body read to where RFC 9112 says that it ends."""

from __future__ import annotations

import http.client
import io
from http.client import IncompleteRead, LineTooLong, RemoteDisconnected

from coda_network._http import chunks
from coda_network._http.channel import READ_BUFFER, Channel
from coda_network._wire import framing, heads
from coda_network._wire.scan import scan

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_stdlib_readline = http.client.HTTPResponse.readline

LARGEST_PIECE = 1 << 26
"""Bytes that are set aside at once because a header announced them."""


class _Headers:
    """The headers as an attribute that is made when somebody looks: most callers never do.

    The class attribute gives way to the instance's own, so what other code assigns to ``headers`` or ``msg`` stays.
    """

    def __get__(self, response: HTTPResponse | None, owner: type | None = None) -> Any:
        if response is None:
            return self
        if response._fields is None:
            return None
        message = heads.parse_fields(response._fields)
        own = vars(response)
        own.setdefault("headers", message)
        own.setdefault("msg", message)
        return message


class HTTPResponse(http.client.HTTPResponse):
    """http.client.HTTPResponse, strict about framing, and over a reader that its connection keeps.

    :param sock: what has ``makefile()``
    :param debuglevel: above 0 the head is printed
    :param method: of the request; the answer to HEAD has no body
    :param url: where the answer was found
    :param tunnel: this is a proxy's answer to CONNECT
    """

    __module__ = "http.client"  # it stands in for that class, and is shown and looked up by its name

    if TYPE_CHECKING:  # what http.client has and typeshed does not know
        msg: Any
        headers: Any
        code: int
        _method: str | None
        version: Any
        status: Any
        chunked: Any
        chunk_left: Any
        length: Any
        will_close: Any
        debuglevel: int

    else:
        # What the head says stays unparsed until somebody asks.
        headers = _Headers()
        msg = _Headers()

    # What an ordinary answer has, until something else is known of this one.
    version = 11
    debuglevel = 0
    chunk_left = None

    tunnel = False
    fp: Any = None

    _fields: bytes | None = None
    _channel: Channel | None = None
    _complete = False
    # It may say, in Keep-Alive, how long the connection lasts.
    _is_limited = True
    _on_end: Callable[[HTTPResponse, bool], None] | None = None

    def __init__(
        self, sock: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None, tunnel: bool = False
    ) -> None:
        _prepare(self, sock.makefile("rb"), debuglevel, method)
        if url is not None:
            self.url = url
        if tunnel:
            self.tunnel = tunnel

    # -- the head

    def begin(self) -> None:
        """Read the head, skipping interim answers (RFC 9110 15.2).

        :raises http.client.HTTPException: what came is no HTTP/1.x answer or is framed ambiguously
        """
        if self.headers is not None:
            return
        for _ in range(heads.MAX_INTERIM):
            version, status, reason = self._read_status()
            lines = heads.read_field_lines(self.fp)
            if self._channel is not None:
                heads.refuse_cut(lines)
            if not heads.is_interim(status):
                break
            if self.debuglevel > 0:
                print("headers:", lines)
        else:
            raise http.client.HTTPException(f"more than {heads.MAX_INTERIM} interim answers")
        _apply_head(self, version, status, reason, b"".join(lines))

    def _read_status(self) -> tuple[str, int, str]:
        line = self.fp.readline(heads.MAX_LINE + 1)
        if len(line) > heads.MAX_LINE:
            raise LineTooLong("status line")
        if self.debuglevel > 0:
            print("reply:", repr(str(line, "iso-8859-1")))
        if not line:
            raise RemoteDisconnected("Remote end closed connection without response")
        if self._channel is not None:
            heads.refuse_cut([line])
        try:
            return heads.parse_status_line(line)
        except http.client.BadStatusLine:
            self._close_conn()
            raise

    # -- the end

    def _close_conn(self) -> None:
        """Part from the connection: leave it to the next answer, or close it where this one was its last."""
        fp, self.fp = self.fp, None
        channel, self._channel = self._channel, None
        goes_on = False
        if channel is not None:
            # What was put in the place of our reader may have read from it more than this body.
            whole = fp is channel.reader and not self.will_close and (self._complete or self.length == 0)
            goes_on = channel.end_answer(whole)
        if not goes_on:
            fp.close()
        tell, self._on_end = self._on_end, None
        if tell is not None:
            tell(self, goes_on and channel is not None and not channel.has_surplus())

    def close(self) -> None:
        """Close the answer; a connection whose answer was not read to its end is not used again."""
        try:
            io.BufferedIOBase.close(self)
        finally:
            if self.fp:
                self._close_conn()

    def __del__(self) -> None:
        # In place of io's, which closes whatever it finds; most answers have been read to their end.
        if self.fp is not None:
            self.close()

    def flush(self) -> None:
        """Do nothing: an answer is only read."""

    # -- the body

    def read(self, amt: int | None = None) -> bytes:
        """Return the rest of the body, or the next *amt* bytes of it (fewer at its end).

        :raises http.client.IncompleteRead: the connection ended before the announced end (read to the end, or chunked)
        """
        fp = self.fp
        if fp is None:
            return b""
        if self._method == "HEAD":
            self._close_conn()
            return b""
        if amt is not None and amt < 0:
            amt = None
        if self.chunked:
            return self._read_chunked(amt)
        length = self.length
        if amt is None:
            if length is None:
                data: bytes = fp.read()
            else:
                try:
                    data = self._safe_read(length)
                except IncompleteRead:
                    self._close_conn()
                    raise
                self.length = 0
            self._close_conn()
            return data
        if length is not None and amt > length:
            amt = length
        data = fp.read(amt)
        self._count(len(data), amt)
        return data

    def readinto(self, b: Any) -> int:
        """Read into *b* and return how many bytes came; 0 at the end of the body.

        :raises http.client.IncompleteRead: a chunked body was cut short
        """
        fp = self.fp
        if fp is None:
            return 0
        if self._method == "HEAD":
            self._close_conn()
            return 0
        if self.chunked:
            return self._readinto_chunked(b)
        view = memoryview(b).cast("B")
        length = self.length
        if length is not None and len(view) > length:
            view = view[:length]
        count: int = fp.readinto(view)
        self._count(count, len(view))
        return count

    def read1(self, n: int = -1) -> bytes:
        """Return at most *n* bytes with at most one system call; nothing at the end of the body."""
        fp = self.fp
        if fp is None or self._method == "HEAD":
            return b""
        if self.chunked:
            return self._read1_chunked(n)
        length = self.length
        if length is not None:
            # The buffer for what is read is made first: not as large as a header announces.
            n = min(length, READ_BUFFER if n < 0 else n)
        data: bytes = fp.read1(n)
        self._count(len(data), n)
        return data

    def peek(self, n: int = -1) -> bytes:
        """Return bytes of the body that are there, without moving on; nothing at its end."""
        fp = self.fp
        if fp is None or self._method == "HEAD":
            return b""
        if self.chunked:
            return self._peek_chunked(n)
        length = self.length
        if length == 0:
            return b""
        data: bytes = fp.peek(n)
        return data if length is None else data[:length]

    def readline(self, limit: int = -1) -> bytes:  # type: ignore[override]  # None is no limit in io only
        """Return one line of the body, or at most *limit* bytes of it."""
        fp = self.fp
        if fp is None or self._method == "HEAD" or self.chunked:
            return _stdlib_readline(self, limit)
        length = self.length
        if length is not None and (limit < 0 or limit > length):
            limit = length
        line: bytes = fp.readline(limit)
        self._count(len(line), limit)
        return line

    def _count(self, count: int, wanted: int) -> None:
        """Note that *count* bytes were read; the body is over when none came or none is left."""
        if not count and wanted:
            self._close_conn()
        elif self.length is not None:
            self.length -= count
            if not self.length:
                self._close_conn()

    def _safe_read(self, amt: int) -> bytes:
        """Return exactly *amt* bytes.

        A header may announce more than the machine has, so large bodies are set aside piece by piece.

        :raises http.client.IncompleteRead: the connection ended before
        """
        if amt <= LARGEST_PIECE:
            data: bytes = self.fp.read(amt)
        else:
            pieces: list[bytes] = []
            left = amt
            while left and (piece := self.fp.read(min(left, LARGEST_PIECE))):
                pieces.append(piece)
                left -= len(piece)
            data = b"".join(pieces)
        if len(data) < amt:
            raise IncompleteRead(data, amt - len(data))
        return data

    # -- chunks, by the names that http.client gives to reading them

    _get_chunk_left = chunks.get_chunk_left
    _read_chunked = chunks.read
    _readinto_chunked = chunks.readinto
    _read1_chunked = chunks.read1
    _peek_chunked = chunks.peek


def _prepare(response: HTTPResponse, fp: Any, debuglevel: int, method: str | None) -> None:
    response.fp = fp
    response.debuglevel = debuglevel
    response._method = method
    response.version = response.status = response.reason = "UNKNOWN"
    response.chunked = response.chunk_left = response.length = response.will_close = "UNKNOWN"


def _apply_head(response: HTTPResponse, version: str, status: int, reason: str, fields: bytes) -> None:
    """Set everything that follows from a head; the headers themselves wait until somebody asks."""
    response.code = response.status = status
    response.reason = reason.strip()
    response.version = number = heads.version_number(version)
    heads.check_field_lines(fields)
    response.headers = response.msg = parsed = heads.parse_fields(fields)
    if response.debuglevel > 0:
        for name, value in parsed.items():
            print("header:", name + ":", value)
    response.length, response.chunked, response.will_close = framing.body_framing(
        parsed, number, status, response._method
    )
    response.chunk_left = None


def next_answer(channel: Channel, method: str | None) -> HTTPResponse | None:
    """Read the head of an ordinary answer at once; return None, with nothing read, where it is of another kind."""
    reader = channel.reader
    seen = reader.peek()
    found = None if method == "HEAD" else scan(seen)
    if found is None:
        return None
    size, status, reason, fields, length, closes, limited = found
    channel.exact = length is not None and len(seen) == size + length
    reader.read(size)
    response = HTTPResponse.__new__(HTTPResponse)
    response.fp = reader
    response._channel = channel
    response._method = method
    response.code = response.status = status
    response.reason = reason
    response._fields = fields
    response.length = length
    response.chunked = length is None
    response.will_close = closes
    response.tunnel = False
    response._is_limited = limited
    return response


def answer_on_channel(channel: Channel, debuglevel: int, method: str | None) -> HTTPResponse:
    """Return an answer that is about to be read from a connection's own reader."""
    response = HTTPResponse.__new__(HTTPResponse)
    _prepare(response, None, debuglevel, method)
    take_channel(response, channel)
    return response


def take_channel(response: HTTPResponse, channel: Channel) -> None:
    """Let an answer read from a connection's own reader."""
    channel.exact = False
    response.fp = channel.reader
    response._channel = channel


def answer_from_head(lines: list[bytes], file: Any) -> HTTPResponse:
    """Return a proxy's answer to CONNECT, of which the head has been read.

    :param lines: status line and header lines
    :param file: where the body is; None where nobody has opened it yet
    """
    version, status, reason = heads.parse_status_line(lines[0])
    response = HTTPResponse.__new__(HTTPResponse)
    _prepare(response, file, 0, "CONNECT")
    response.tunnel = True
    _apply_head(response, version, status, reason, b"".join(lines[1:]))
    return response
