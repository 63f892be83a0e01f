"""Where a body ends, and whether the connection persists after it (RFC 9112 sections 6 and 9)."""

from __future__ import annotations

import http.client
import re
import sys
from collections import namedtuple

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Fields(Protocol):
        """The header section: the two look-ups that framing needs. HTTPMessage has them."""

        def get(self, name: str, /) -> str | None: ...

        def get_all(self, name: str, /) -> list[str] | None: ...


_digits = re.compile(r"[0-9]+").fullmatch

# RFC 9112 section 7.1: hexadecimal digits only, where int() also accepts signs, underscores and 0x. A line without its
# end may have been cut within the number.
_CHUNK_SIZE = rb"0*([0-9A-Fa-f]{1,15})[ \t]*"
# LF alone and CR CR LF are read, as by curl and the standard library.
_chunk_line = re.compile(_CHUNK_SIZE + rb"(?:;[^\r\n]*\r+|\r*)\n").fullmatch
chunk_line_at = re.compile(_CHUNK_SIZE + rb"(?:;[^\r\n]*)?\r\n").match
"""Match the line before a chunk at any position of some bytes; group 1 is the size in hexadecimal digits."""

# White space around a value, and what is left of a folded line (RFC 9112 section 5.2).
_SPACE = " \t\r\n"


class Framing(namedtuple("Framing", ("length", "chunked", "will_close"))):
    """How the body of one response is delimited."""

    __slots__ = ()

    length: int | None
    """The length of the body in bytes; None if it is chunked, or ends with the connection."""
    chunked: bool
    will_close: bool
    """Whether the connection ends with this response."""


def tokens(values: Iterable[str]) -> list[str]:
    """Return the members of comma-separated lists in lower case (RFC 9110 section 5.6.1)."""
    return [token for value in values for part in value.split(",") if (token := part.strip(_SPACE).lower())]


def body_framing(fields: Fields, version: int, status: int, method: str | None) -> Framing:
    """Return how the body of a response is delimited (RFC 9112 section 6.3).

    :param fields: the header section
    :param version: 10 or 11
    :param method: of the request; None where it is not known
    :raises http.client.HTTPException: Content-Length is not a number, or there are several that differ, or chunked is
        not the last coding of Transfer-Encoding
    """
    persistent = is_persistent(fields, version)
    if method == "HEAD" or status in (204, 304) or 100 <= status < 200:
        return Framing(0, False, not persistent)
    if method == "CONNECT" and 200 <= status < 300:
        # The tunnel begins behind the head, whatever the fields say (RFC 9110 section 9.3.6).
        return Framing(0, False, False)

    codings = tokens(fields.get_all("transfer-encoding") or ())
    if "chunked" in codings:
        # Some say it twice and do it once; ``identity`` is no coding.
        others = [coding for coding in codings if coding not in ("chunked", "identity")]
        if others and codings.index("chunked") < len(codings) - 1 - codings[::-1].index(others[-1]):
            raise http.client.HTTPException("Transfer-Encoding with chunked before another coding")
        # An intermediary may have gone by a Content-Length beside it: chunked counts, and the connection is not used
        # again (RFC 9112 section 6.1). The same for HTTP/1.0, which does not know the coding.
        doubtful = (
            version == 10 or fields.get("content-length") is not None or codings.index("chunked") < len(codings) - 1
        )
        return Framing(None, True, doubtful or not persistent)
    length = content_length(fields.get_all("content-length") or ())
    # An unknown coding (``binary``, a charset) beside a length: the length is meant, as the standard library has it.
    # The connection is not used again, as an intermediary may have gone by the coding (RFC 9112 section 6.3).
    is_coded = bool(codings) and codings != ["identity"]
    return Framing(length, False, is_coded or length is None or not persistent)


def content_length(values: Iterable[str]) -> int | None:
    """Return the length on which all Content-Length values agree; None where there is none.

    A negative length counts as absent, like in the standard library.

    :raises http.client.HTTPException: not a number, or numbers that differ (RFC 9112 section 6.3, rule 5)
    """
    parts = (part.strip(_SPACE) for value in values for part in value.split(","))
    # ``5`` and ``05`` are the same number (RFC 9110 section 8.6).
    members = {part.lstrip("0") or "0" if _digits(part) else part for part in parts if part}
    if not members:
        return None
    if len(members) > 1:
        raise http.client.HTTPException("Content-Length headers that contradict each other")
    text = members.pop()
    if _digits(text):
        if len(text) > 20:  # those of 64 bits
            raise http.client.HTTPException("Content-Length is too large")
        return min(int(text), sys.maxsize)  # no reader takes more, and no connection lasts that long
    if _digits(text[1:]) and text[0] == "-":
        return None
    raise http.client.HTTPException(f"Content-Length is no number: {text[:40]!r}")


def chunk_size(line: bytes) -> int:
    """Return the size of the chunk that *line* announces; chunk extensions are ignored (RFC 9112 section 7.1).

    :raises ValueError: the line does not announce a chunk
    """
    found = _chunk_line(line)
    if found is None:
        raise ValueError("malformed chunk size")
    return int(found[1], 16)


def is_persistent(fields: Fields, version: int) -> bool:
    """Return whether the peer keeps the connection open after this response.

    RFC 9112 section 9.3; for HTTP/1.0, RFC 2068 section 19.7.1.
    """
    options = tokens(fields.get_all("connection") or ())
    if "close" in options:
        return False
    if version == 11:
        return True
    return (
        "keep-alive" in options
        or fields.get("keep-alive") is not None
        or "keep-alive" in tokens(fields.get_all("proxy-connection") or ())
    )


def keep_alive_limits(fields: Fields) -> tuple[float | None, int | None]:
    """Return ``timeout`` (seconds) and ``max`` (further requests) of the Keep-Alive field (RFC 2068 section 19.7.1.1).

    :returns: the two numbers, each None where the field does not have it
    """
    limits: dict[str, int] = {}
    for token in tokens(fields.get_all("keep-alive") or ()):
        name, _, number = token.partition("=")
        if _digits(number.strip()) and len(number) < 10:
            limits[name.strip()] = int(number)
    return limits.get("timeout"), limits.get("max")
