"""The head of a request as a server reads it: request line, header section, and where the body ends.

A client that is misread can smuggle a request past whoever reads it otherwise, so what recipients read in different
ways is refused here, not repaired (RFC 9112 sections 2.2, 3 and 6.3).
"""

from __future__ import annotations

import http.client
import re
from collections import namedtuple

from coda_network._wire import framing, heads

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Protocol

    class HeadReader(Protocol):
        """What a head can be read from: a buffered file."""

        def peek(self, size: int = 0, /) -> bytes: ...

        def read(self, size: int, /) -> bytes: ...

        def readline(self, size: int, /) -> bytes: ...


MAX_HEAD = 65536
"""Bytes of the longest head that is read; curl's and nginx's limits are of this size."""

_token = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_request_line = re.compile(rb"(" + _token + rb") ([^\x00-\x20\x7f]+) HTTP/([0-9])\.([0-9])").fullmatch
# A name, a colon and a value on each line; a line that begins with white space would be folded.
_fields = re.compile(rb"(?:" + _token + rb":[^\0\r\n]*\r\n)*\r\n").fullmatch


class BadRequest(http.client.HTTPException):
    """A request that cannot be read; ``status`` is what to respond, the text what to tell.

    No part of the request is in the text: a secret may stand in the wrong place.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class RequestHead(namedtuple("RequestHead", ("method", "target", "version", "fields"))):
    """The head of one request; its repr leaves out the fields, which may hold secrets."""

    __slots__ = ()

    method: str
    target: str
    version: int
    """10 or 11; later 1.x count as 1.1."""
    fields: http.client.HTTPMessage

    def __repr__(self) -> str:
        return f"<RequestHead {self.method}>"


def read_request_head(source: HeadReader) -> RequestHead | None:
    """Read the head of a request, and not a byte beyond it.

    :param source: a buffered file
    :returns: None where the client closed the connection before a request
    :raises BadRequest: what came is no request, too long, or would be read otherwise by others
    """
    head = _read_head(source)
    return None if head is None else parse_request_head(head)


def _read_head(source: HeadReader) -> bytes | None:
    seen = source.peek()
    # RFC 9112 section 2.2: empty lines before a request are skipped; old clients send one behind a body.
    while seen[:1] in (b"\r", b"\n"):
        if source.readline(3) not in (b"\r\n", b"\n"):
            raise BadRequest(400, "what came is no HTTP request")
        seen = source.peek()
    end = seen.find(b"\r\n\r\n")
    if end >= 0:
        return source.read(end + 4)
    lines: list[bytes] = []
    left = MAX_HEAD
    while left > 0:
        line = source.readline(left)
        lines.append(line)
        left -= len(line)
        if line in (b"\r\n", b"\n"):
            return b"".join(lines)
        if not line.endswith(b"\n") and left > 0:
            if len(lines) == 1 and not line:
                return None
            raise BadRequest(400, "the connection ended in the middle of the head")
        if len(lines) == 1 and _request_line(line.rstrip(b"\r\n")) is None:
            break  # no more of what is no HTTP is read
    if left > 0:
        raise BadRequest(400, "what came is no HTTP request")
    raise BadRequest(431, f"the head is longer than {MAX_HEAD} bytes")


def parse_request_head(head: bytes) -> RequestHead:
    """Return the parts of a head.

    :param head: with the empty line at its end
    :raises BadRequest: it is no head of an HTTP/1.x request, or recipients would read it in different ways
    """
    line, _, rest = head.partition(b"\r\n")
    found = _request_line(line)
    if found is None:
        raise BadRequest(400, "what came is no HTTP request")
    method, target, major, minor = found.groups()
    if major != b"1":
        raise BadRequest(505, "only HTTP/1.1 and HTTP/1.0 are spoken here")
    if _fields(rest) is None:
        raise BadRequest(400, "the header section of the request is malformed")
    if rest.count(b"\n") > heads.MAX_HEADERS + 1:
        raise BadRequest(431, f"there are more than {heads.MAX_HEADERS} header lines")
    version = 10 if minor == b"0" else 11
    return RequestHead(method.decode("ascii"), target.decode("latin-1"), version, heads.parse_fields(rest))


def request_framing(head: RequestHead) -> framing.Framing:
    """Return how the body of a request is delimited (RFC 9112 section 6.3).

    :returns: ``length`` is None for a body in chunks, which is the only one without a length
    :raises BadRequest: the length is malformed, contradicts itself, or stands beside chunks
    """
    fields, version = head.fields, head.version
    closes = not framing.is_persistent(fields, version)
    codings = framing.tokens(fields.get_all("transfer-encoding") or ())
    lengths = fields.get_all("content-length") or []
    if codings:
        if version == 10 or lengths:
            raise BadRequest(400, "Transfer-Encoding beside Content-Length, or in HTTP/1.0: where does the body end?")
        if codings != ["chunked"]:
            raise BadRequest(501, "the only Transfer-Encoding understood here is chunked")
        return framing.Framing(None, True, closes)
    try:
        length = framing.content_length(lengths)
    except http.client.HTTPException:
        raise BadRequest(400, "the Content-Length of the request cannot be used") from None
    if lengths and length is None:
        raise BadRequest(400, "the Content-Length of the request cannot be used")
    return framing.Framing(length or 0, False, closes)
