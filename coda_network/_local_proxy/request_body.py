"""The body of a client's request, read while it is sent on, so that a whole body is never in memory."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

from coda_network._http.read_response import response_on_reader
from coda_network._http.reader import ConnectionReader
from coda_network._http.response import HTTPResponse
from coda_network._wire.framing import Framing

PIECE = 65536


class BodyCut(ConnectionError):
    """The client closed its connection, or was silent for too long, in the middle of its body."""


def body_reader(reader: ConnectionReader, framing: Framing) -> HTTPResponse:
    """Return what reads the body of a request: bodies are framed alike in both directions (RFC 9112 section 6)."""
    body = response_on_reader(reader, 0, "POST", HTTPResponse)
    body.status = 200
    body.length, body.chunked, body.chunk_left, body.will_close = framing.length, framing.chunked, None, False
    return body


class ClientBody:
    """The body as an iterator of pieces, which can be had once.

    :param source: reads it
    :param before: called before the first piece is read, as the client may wait to be told to go on
    """

    def __init__(self, source: HTTPResponse, before: Callable[[], None]) -> None:
        assert source._reader is not None  # as body_reader() makes it
        self._source = source
        self._reader = source._reader
        self._before: Callable[[], None] | None = before
        self.is_chunked = bool(source.chunked)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def begin(self) -> None:
        """Tell the client that its body is wanted; once."""
        before, self._before = self._before, None
        if before is not None:
            before()

    def waits_for(self) -> socket.socket | None:
        """Return the socket from which the next piece has to come; None where some of it is there."""
        return None if self._source.isclosed() or self._reader.buffered() else self._reader.sock

    def __next__(self) -> bytes:
        self.begin()
        source = self._source
        try:
            piece = source.read1(PIECE)
        except Exception as error:
            # Not as it is: to the engine it would be a failure of the upstream.
            raise BodyCut("the client's body came to no end") from error
        if piece:
            return piece
        if not source.chunked and source.length:
            raise BodyCut("the client's body came to no end")
        raise StopIteration

    @property
    def begun(self) -> bool:
        """Return whether anything of it was asked for."""
        return self._before is None

    @property
    def trailers(self) -> bytes:
        """Return the trailer section behind the last chunk, with its empty line; empty where there is none."""
        return self._source._trailers
