"""What a response is before its head has been read, and everything that follows from the head."""

from __future__ import annotations

from coda_network._wire import framing, heads

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    from coda_network._http.response import HTTPResponse


def prepare(response: Any, fp: Any, debuglevel: int, method: str | None) -> None:
    """Set what http.client sets before a head has been read."""
    response.fp = fp
    response.debuglevel = debuglevel
    response._method = method
    response.version = response.status = response.reason = "UNKNOWN"
    response.chunked = response.chunk_left = response.length = response.will_close = "UNKNOWN"


def apply_found(response: HTTPResponse, fp: Any, found: Any) -> None:
    """Set everything that follows from an ordinary head, as ``scan()`` found it, and move *fp* on behind it."""
    size, status, reason, fields, length, closes, limited = found
    fp.read(size)
    response.fp = fp
    response.code = response.status = status
    response.reason = reason
    response._fields = fields
    response.length = length
    response.chunked = length is None
    response.will_close = closes
    response._is_limited = limited


def apply_head(response: HTTPResponse, version: str, status: int, reason: str, fields: bytes) -> None:
    """Set everything that follows from a head; the headers themselves wait until somebody asks."""
    response.code = response.status = status
    response.reason = reason.strip()
    response.version = number = heads.version_number(version)
    is_odd = heads.is_odd(fields)
    response.headers = response.msg = parsed = heads.parse_fields(fields)
    if response.debuglevel > 0:
        for name, value in parsed.items():
            print("header:", name + ":", heads.hide_token(value))
    response.length, response.chunked, closes = framing.body_framing(parsed, number, status, response._method)
    # The tunnel that a 2xx opens belongs to its user, whatever came with it.
    response.will_close = closes or (is_odd and not (response.tunnel and 200 <= status < 300))
    response.chunk_left = None
