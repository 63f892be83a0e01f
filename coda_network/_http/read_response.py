"""The makers of responses: read with the reader of a connection, or made of the head of a response to CONNECT."""

from __future__ import annotations

from coda_network._http import in_place
from coda_network._http.reader import ConnectionReader
from coda_network._http.response import HTTPResponse
from coda_network._http.response_head import apply_head, prepare
from coda_network._originals import http_client
from coda_network._wire import heads
from coda_network._wire.fast_response import LONGEST, scan

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


def next_response(reader: ConnectionReader, method: str | None, cls: Any = HTTPResponse) -> HTTPResponse | None:
    """Read the head of an ordinary response at once; return None, with nothing read, where it is of another kind.

    :param cls: our class of responses, or http.client's while it has our behaviour
    """
    seen = reader.receive()
    last = reader.last_head
    if last is not None and seen.startswith(last[0]) and method != "HEAD":
        # Within a second many servers send the same head for the same target: 2,400 instructions, and 8,000 otherwise.
        found = last[1]
    else:
        found = None if method == "HEAD" else scan(seen)
        if found is None:
            reader.source.ahead = seen
            return None
        reader.last_head = (seen[: found[0]], found) if found[0] <= LONGEST else None
    response: HTTPResponse = cls.__new__(cls)
    response._reader = reader
    response._method = method
    response.fp = reader.file
    size, status, response.reason, response._fields, length, response.will_close, response._is_limited = found
    response.code = response.status = status
    response.length = length
    response.chunked = length is None
    reader.source.ahead = seen[size:]
    if cls is not HTTPResponse and in_place.steps_of_http_client is None:
        response.__class__ = HTTPResponse  # the patch was taken back just now
    return response


def response_on_reader(reader: ConnectionReader, debuglevel: int, method: str | None, cls: Any) -> HTTPResponse:
    """Return a response that is about to be read from a connection's own reader.

    :param cls: our class of responses, or http.client's while it has our behaviour
    """
    response: HTTPResponse = cls(reader, debuglevel, method)
    use_reader(response, reader)
    if cls is not HTTPResponse and in_place.steps_of_http_client is None:
        response.__class__ = HTTPResponse  # the patch was taken back just now
    return response


def use_reader(response: HTTPResponse, reader: ConnectionReader) -> None:
    """Let a response read from a connection's own reader."""
    response.fp = reader.file
    response._reader = reader


def response_from_head(lines: list[bytes], file: Any) -> HTTPResponse:
    """Return a proxy's response to CONNECT, of which the head has been read.

    :param lines: status line and header lines
    :param file: where the body is; None where nobody has opened it yet
    """
    version, status, reason = heads.parse_status_line(lines[0])
    cls = HTTPResponse if in_place.steps_of_http_client is None else http_client.HTTPResponse
    response: Any = cls.__new__(cls)
    prepare(response, file, 0, "CONNECT")
    response.tunnel = True
    apply_head(response, version, status, reason, b"".join(lines[1:]))
    if cls is not HTTPResponse and in_place.steps_of_http_client is None:
        response.__class__ = HTTPResponse  # the patch was taken back just now
    return response  # type: ignore[no-any-return]  # of one of the two classes
