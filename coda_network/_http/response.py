"""A response: its head, and its body read to where RFC 9112 says that it ends."""

from __future__ import annotations

import http.client
import io
from http.client import IncompleteRead, LineTooLong, RemoteDisconnected

from coda_network._http import in_place
from coda_network._http.body_buffer import LARGEST_PIECE, PIECE, BodyBuffer
from coda_network._http.body_lines import catch_up, lines_of
from coda_network._http.chunks import ChunkedReading
from coda_network._http.reader import PAST_THE_FILE, READ_BUFFER, ConnectionReader
from coda_network._http.response_head import apply_found, apply_head, prepare
from coda_network._net.real_socket import is_file_of
from coda_network._originals import http_client, kept
from coda_network._wire import heads
from coda_network._wire.fast_response import scan

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any


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


class HTTPResponse(ChunkedReading, http_client.HTTPResponse):
    """http.client.HTTPResponse, strict about framing, and over a reader that its connection keeps.

    :param sock: what has ``makefile()``
    :param debuglevel: above 0 the head is printed
    :param method: of the request; the response to HEAD has no body
    :param url: where the response was found
    :param tunnel: this is a proxy's response to CONNECT
    """

    __module__ = "coda_network.httplib"  # where programs, and pickle, find it

    if TYPE_CHECKING:  # what http.client has and typeshed does not know
        msg: http.client.HTTPMessage
        headers: http.client.HTTPMessage
        code: int
        status: int
        reason: str
        _method: str | None
        version: Any
        chunked: Any
        chunk_left: Any
        length: Any
        will_close: Any
        debuglevel: int

    else:
        # What the head says stays unparsed until somebody asks.
        headers = _Headers()
        msg = _Headers()

    # What an ordinary response has, until something else is known of this one.
    version = 11
    debuglevel = 0
    chunk_left = None

    tunnel = False
    # The connection was open before the request.
    connection_reused = False
    fp: Any = None

    _fields: bytes | None = None
    _reader: ConnectionReader | None = None
    _complete = False
    _trailers = b""
    _lines_ahead: io.BytesIO | None = None
    # Header lines that the connection allows; None is http.client's own limit.
    _max_headers: int | None = None
    # It may say, in Keep-Alive, how long the connection lasts.
    _is_limited = True
    _release: Callable[[HTTPResponse, bool], None] | None = None

    def __init__(
        self, sock: Any, debuglevel: int = 0, method: str | None = None, url: str | None = None, tunnel: bool = False
    ) -> None:
        prepare(self, sock.makefile("rb"), debuglevel, method)
        if url is not None:
            self.url = url
        if tunnel:
            self.tunnel = tunnel

    def __getstate__(self) -> dict[str, Any]:
        """Return what ``pickle`` and ``copy`` take: the head, and as much of the body as has come."""
        from coda_network._http.snapshot import snapshot

        return snapshot(self)

    # -- the head

    def begin(self, *, _max_headers: int | None = None) -> None:
        """Read the head, skipping interim responses (RFC 9110 section 15.2).

        :param _max_headers: header lines that are allowed, in the head and in trailers (Python 3.15 passes it)
        :raises http.client.HTTPException: what came is no HTTP/1.x response or is framed ambiguously
        """
        if self.headers is not None:
            return
        self._max_headers = _max_headers
        is_alone = self._reader is None and _max_headers is None and isinstance(self.fp, io.BufferedReader)
        if is_alone and self._method != "HEAD" and self.debuglevel <= 0:
            found = scan(self.fp.peek())
            if found is not None:
                apply_found(self, self.fp, found)
                self.version, self.chunk_left = HTTPResponse.version, None
                # http.client's own __init__() has set them, where the patch came in between.
                for name in ("headers", "msg"):
                    vars(self).pop(name, None)
                return
        most_interim = heads.most_interim()
        for _ in range(most_interim):
            version, status, reason = self._read_status()
            lines = heads.read_field_lines(self.fp, _max_headers)
            if self._is_on_a_socket():
                heads.refuse_cut(lines)
            if not heads.is_interim(status):
                break
            heads.is_odd(b"".join(lines))  # what nobody reads is refused here, too
            if self.debuglevel > 0:
                print("headers:", heads.lines_to_print(lines))
        else:
            raise http.client.HTTPException(f"got more than {most_interim} interim responses")
        apply_head(self, version, status, reason, b"".join(lines))

    def _is_on_a_socket(self) -> bool:
        """Return whether the end of the file is the end of a connection; a stand-in may end where it likes."""
        return self._reader is not None or is_file_of(getattr(self.fp, "raw", None))

    def _read_status(self) -> tuple[str, int, str]:
        line = self.fp.readline(heads.MAX_LINE + 1)
        if len(line) > heads.MAX_LINE:
            raise LineTooLong("status line")
        if self.debuglevel > 0:
            print("reply:", repr(str(line, "iso-8859-1")))
        if not line:
            raise RemoteDisconnected("Remote end closed connection without response")
        if self._is_on_a_socket():
            heads.refuse_cut_status(line)
        try:
            return heads.parse_status_line(line)
        except http.client.BadStatusLine:
            self._close_conn()
            raise

    # -- the end

    def _close_conn(self) -> None:
        """Part from the connection: leave it to the next response, or close it where this one was its last."""
        if self._lines_ahead is not None:
            catch_up(self)
        # Without ``fp`` it is over, and keeps nothing of ours when the patch is taken back: everything is read before.
        fp, reader, tell, complete = self.fp, self._reader, self._release, self._complete
        self.fp = self._reader = self._release = None
        goes_on = False
        if reader is not None:
            # What was put in the place of our reader may have read from it more than this body.
            whole = fp is reader.file and not self.will_close and (self.length == 0 or complete)
            # Behind 101 another protocol is spoken (RFC 9110 section 15.2.2).
            whole = whole and self.status != 101
            goes_on = reader.end_response(whole)
        if not goes_on:
            fp.close()
        if tell is not None:
            if goes_on and reader is not None:
                # As can_go_on() says here, without the call.
                goes_on = not (reader.source.ahead if reader.source.passed_by else reader.has_surplus())
            tell(self, goes_on)

    def close(self) -> None:
        """Close the response; a connection whose response was not read to its end is not used again."""
        try:
            io.BufferedIOBase.close(self)
        finally:
            if self.fp:
                self._close_conn()

    def __del__(self) -> None:
        # In place of io's, which closes whatever it finds; most responses have been read to their end.
        if self.fp is not None:
            self.close()

    def flush(self) -> None:
        """Do nothing: a response is only read."""

    # -- the body

    def read(self, amt: int | None = None) -> bytes:
        """Return the rest of the body, or the next *amt* bytes of it (fewer at its end).

        :raises http.client.IncompleteRead: the connection ended before the announced end (read to the end, or chunked)
        """
        fp = self.fp
        if fp is None:
            return b""
        reader = self._reader
        if (
            amt is None
            and reader is not None
            and fp is reader.file
            and (
                type(self)._safe_read is _our_safe_read
                or in_place.is_among(type(self)._safe_read, in_place.known_safe_reads)
            )
        ):
            source = reader.source
            # All of it has come with the head, and nothing else.
            if source.passed_by and len(source.ahead) == self.length:
                body: bytes = source.ahead
                source.ahead = b""
                self.length = 0
                self._close_conn()
                return body
        if self._method == "HEAD":
            self._close_conn()
            return b""
        if self._lines_ahead is not None:
            catch_up(self)
        if amt is not None and amt < 0:
            amt = None
        if self.chunked:
            return self._read_chunked(amt)
        length = self.length
        if amt is None:
            try:
                data: bytes = self._gather(None) if length is None else self._safe_read(length)
            except IncompleteRead:
                self._close_conn()
                raise
            if length is not None:
                self.length = 0
            self._close_conn()
            return data
        if length is not None and amt > length:
            amt = length
        if amt >= PAST_THE_FILE and reader is not None and fp is reader.file:
            data = reader.read(amt)
        else:
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
        if self._lines_ahead is not None:
            catch_up(self)
        if self.chunked:
            return self._readinto_chunked(b)
        view = memoryview(b).cast("B")
        length = self.length
        if length is not None and len(view) > length:
            view = view[:length]
        reader = self._reader
        if len(view) >= PAST_THE_FILE and reader is not None and fp is reader.file:
            count = reader.readinto(view)
        else:
            count = fp.readinto(view)
        self._count(count, len(view))
        return count

    def read1(self, n: int = -1) -> bytes:
        """Return at most *n* bytes with at most one system call; nothing at the end of the body."""
        fp = self.fp
        if fp is None or self._method == "HEAD":
            return b""
        if self._lines_ahead is not None:
            catch_up(self)
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
        if self._lines_ahead is not None:
            catch_up(self)
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
        if fp is None or self._method == "HEAD":
            return b""
        if self._lines_ahead is not None:
            catch_up(self)
        if self.chunked:
            return self._readline_chunked(limit)
        length = self.length
        if length is not None and (limit < 0 or limit > length):
            limit = length
        line: bytes = fp.readline(limit)
        self._count(len(line), limit)
        return line

    def __iter__(self) -> Iterator[bytes]:
        """Give the lines that are left of the body.

        :raises http.client.IncompleteRead: a chunked body was cut short
        """
        if self.closed:
            return iter(())
        if not in_place.is_among(type(self).readline, in_place.known_readlines):
            return _stdlib_iter(self)  # type: ignore[no-any-return]  # io's own
        return lines_of(self)

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

        :raises http.client.IncompleteRead: the connection ended before
        """
        data: bytes = self.fp.read(amt) if amt <= LARGEST_PIECE else self._gather(amt)
        if len(data) < amt:
            raise IncompleteRead(data, amt - len(data))
        return data

    def _gather(self, amt: int | None) -> bytes:
        """Return the next *amt* bytes, or all to the end; memory is taken for what comes, not for what is announced."""
        data = BodyBuffer()
        wanted = PIECE if amt is None else LARGEST_PIECE
        while wanted:
            before = data.size
            if data.is_long:
                data.read_on(self.fp.readinto, wanted)
            else:
                # No name is given to what is read: the buffer takes over what nobody else refers to.
                data.add(self.fp.read(wanted))
            if data.size == before:
                break
            wanted = PIECE if amt is None else min(PIECE, amt - data.size)
        return data.getvalue()


in_place.known_readlines.append(HTTPResponse.readline)
in_place.known_safe_reads.append(_our_safe_read := HTTPResponse._safe_read)
_stdlib_iter = kept(http_client.HTTPResponse, "__iter__")
