"""An answer: its head, and its body read to where RFC 9112 says that it ends."""

from __future__ import annotations

import http.client
import io
from collections.abc import Callable
from http.client import HTTPMessage, IncompleteRead, LineTooLong, RemoteDisconnected
from typing import TYPE_CHECKING, Any

from coda_network._http.channel import Channel
from coda_network._wire import framing, heads

_stdlib_readline = http.client.HTTPResponse.readline

LARGEST_PIECE = 1 << 26
"""Bytes that are set aside at once because a header announced them."""


class _Headers:
    """The headers as an attribute that is made when somebody looks: most callers never do.

    The class attribute gives way to the instance's own, so code that assigns ``headers`` or ``msg`` is served too.
    """

    def __get__(self, response: HTTPResponse | None, owner: type | None = None) -> Any:
        if response is None:
            return self
        if response._fields is None:
            return None
        response.headers = response.msg = message = heads.parse_fields(response._fields)
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
        fp: Any
        msg: Any
        headers: Any
        code: int
        _method: str | None
        chunked: Any
        chunk_left: Any
        length: Any
        will_close: Any

        def _read_chunked(self, amt: int | None = None) -> bytes: ...
        def _read1_chunked(self, n: int) -> bytes: ...
        def _readinto_chunked(self, b: Any) -> int: ...
    else:
        # What the head says stays unparsed until somebody asks.
        headers = _Headers()
        msg = _Headers()

    tunnel = False

    _fields: bytes | None = None
    _channel: Channel | None = None
    _complete = False
    _on_end: Callable[[HTTPResponse, bool], None] | None = None

    def __init__(
        self, sock: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None, tunnel: bool = False
    ) -> None:
        _prepare(self, sock.makefile("rb"), debuglevel, method)
        self.headers = self.msg = None
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
            fields = b"".join(heads.read_field_lines(self.fp))
            if not 100 <= status < 200 or status == 101:
                break
            if self.debuglevel > 0:
                print("headers:", fields.splitlines(keepends=True))
        else:
            raise http.client.HTTPException(f"more than {heads.MAX_INTERIM} interim answers")
        _apply_head(self, version, status, reason, fields)
        self.headers = self.msg = heads.parse_fields(fields)

    def _read_status(self) -> tuple[str, int, str]:
        line = self.fp.readline(heads.MAX_LINE + 1)
        if len(line) > heads.MAX_LINE:
            raise LineTooLong("status line")
        if self.debuglevel > 0:
            print("reply:", repr(str(line, "iso-8859-1")))
        if not line:
            raise RemoteDisconnected("Remote end closed connection without response")
        try:
            return heads.parse_status_line(line)
        except http.client.BadStatusLine:
            self._close_conn()
            raise

    # -- the end

    def _close_conn(self) -> None:
        """Part from the connection: leave it to the next answer, or close it where this one was its last."""
        fp = self.fp
        self.fp = None
        complete = self._complete or self.length == 0
        channel = self._channel
        if channel is not None and fp is channel.reader and not self.will_close:
            channel.broken = not complete
        else:
            fp.close()
        self._channel = None
        tell = self._on_end
        if tell is not None:
            self._on_end = None
            tell(self, complete and channel is not None and not self.will_close)

    def close(self) -> None:
        """Close the answer; a connection whose answer was not read to its end is not used again."""
        try:
            io.BufferedIOBase.close(self)
        finally:
            if self.fp:
                self._close_conn()

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
                data = fp.read()
                self._complete = True
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
        count = fp.readinto(view)
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
        if length is not None and (n < 0 or n > length):
            n = length
        data = fp.read1(n)
        self._count(len(data), n)
        return data

    def readline(self, limit: int = -1) -> bytes:  # type: ignore[override]  # None is no limit in io only
        """Return one line of the body, or at most *limit* bytes of it."""
        fp = self.fp
        if fp is None or self._method == "HEAD" or self.chunked:
            return _stdlib_readline(self, limit)
        length = self.length
        if length is not None and (limit < 0 or limit > length):
            limit = length
        line = fp.readline(limit)
        self._count(len(line), limit)
        return line

    def _count(self, count: int, wanted: int) -> None:
        """Note that *count* bytes were read; the body is over when none came or none is left."""
        if not count and wanted:
            self._complete = self.length is None
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
            data = self.fp.read(amt)
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

    # -- chunks (RFC 9112 7.1); the loops over them are http.client's

    def _get_chunk_left(self) -> int | None:
        """Return what is left of the current chunk, beginning the next one at its end; None behind the last."""
        left = self.chunk_left
        if left:
            return left
        if left is not None:
            if self._safe_read(2) != b"\r\n":
                self._close_conn()
                raise IncompleteRead(b"")
            # Whatever happens next, the end of this chunk has been read.
            self.chunk_left = None
        line = self.fp.readline(heads.MAX_LINE + 1)
        if len(line) > heads.MAX_LINE:
            raise LineTooLong("chunk size")
        try:
            left = framing.chunk_size(line)
        except ValueError:
            self._close_conn()
            raise IncompleteRead(b"") from None
        if left == 0:
            # Trailers are read and dropped, as http.client does.
            heads.read_field_lines(self.fp)
            self._complete = True
            self._close_conn()
            left = None
        self.chunk_left = left
        return left


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
    response._fields = fields
    parsed: HTTPMessage = heads.parse_fields(fields)
    if response.debuglevel > 0:
        for name, value in parsed.items():
            print("header:", name + ":", value)
    response.length, response.chunked, response.will_close = framing.body_framing(
        parsed, number, status, response._method
    )
    response.chunk_left = None


def answer_on_channel(channel: Channel, debuglevel: int, method: str | None) -> HTTPResponse:
    """Return an answer that is about to be read from a connection's own reader."""
    response = HTTPResponse.__new__(HTTPResponse)
    _prepare(response, None, debuglevel, method)
    take_channel(response, channel)
    return response


def take_channel(response: HTTPResponse, channel: Channel) -> None:
    """Let an answer read from a connection's own reader."""
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
    if status < 300:
        # What follows is the tunnel's, whatever the headers say (RFC 9110 9.3.6).
        response.length, response.chunked, response.fp = 0, False, None
        if file is not None:
            file.close()
    return response
