"""Where a body ends and whether its connection survives it (RFC 9112 6 and 9)."""

from __future__ import annotations

import http.client
import re
from collections import namedtuple

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Fields(Protocol):
        """The two look-ups that framing needs; HTTPMessage has them."""

        def get(self, name: str, /) -> str | None: ...

        def get_all(self, name: str, /) -> list[str] | None: ...


_digits = re.compile(r"[0-9]+").fullmatch

# RFC 9112 7.1: hexadecimal digits and nothing that int() would also take (signs, underscores, 0x). A line without its
# end was cut, perhaps within the number; one that ends in LF alone is read differently by other parsers.
_chunk_line = re.compile(rb"0*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r\n")
chunk_line_at = _chunk_line.match
"""Matches the head of a chunk at any place of some bytes; its group 1 is the size in hexadecimal digits."""

# White space around a value, with what is left of a folded line (RFC 9112 5.2).
_SPACE = " \t\r\n"


class Framing(namedtuple("Framing", ("length", "chunked", "will_close"))):
    """How the body of one answer is delimited."""

    __slots__ = ()

    length: int | None
    """Bytes of the body; None when it is chunked or runs to the end of the connection."""
    chunked: bool
    will_close: bool
    """The connection ends with this answer."""


def tokens(values: Iterable[str]) -> list[str]:
    """Return the members of comma lists, lower-cased (RFC 9110 5.6.1)."""
    return [token for value in values for part in value.split(",") if (token := part.strip(_SPACE).lower())]


def body_framing(fields: Fields, version: int, status: int, method: str | None) -> Framing:
    """Apply RFC 9112 6.3 to the head of an answer.

    :param version: 10 or 11
    :raises http.client.HTTPException: a Content-Length that is no number, or several that differ, or a
        Transfer-Encoding in which chunked is not the last coding
    """
    persistent = is_persistent(fields, version)
    if method == "HEAD" or status in (204, 304) or 100 <= status < 200:
        return Framing(0, False, not persistent)
    if method == "CONNECT" and 200 <= status < 300:
        # What follows is the tunnel's, whatever the headers say (RFC 9110 9.3.6).
        return Framing(0, False, False)

    codings = tokens(fields.get_all("transfer-encoding") or ())
    if "chunked" in codings:
        if codings.index("chunked") != len(codings) - 1:
            raise http.client.HTTPException("Transfer-Encoding with chunked before another coding")
        # With a Content-Length beside it somebody on the way may have read another length: chunked counts, and the
        # connection is not used again (RFC 9112 6.1). HTTP/1.0 peers do not know the coding, same remedy.
        doubtful = version == 10 or fields.get("content-length") is not None
        return Framing(None, True, doubtful or not persistent)
    if codings and codings != ["identity"]:
        return Framing(None, False, True)

    length = content_length(fields.get_all("content-length") or ())
    return Framing(length, False, length is None or not persistent)


def content_length(values: Iterable[str]) -> int | None:
    """Return the length that Content-Length headers agree on; None when there is none, or only a negative one.

    A negative length counts as absent, as the standard library has it.

    :raises http.client.HTTPException: no number, or numbers that differ (RFC 9112 6.3, rule 5)
    """
    members = {part.strip(_SPACE) for value in values for part in value.split(",")} - {""}
    if not members:
        return None
    if len(members) > 1:
        raise http.client.HTTPException("Content-Length headers that contradict each other")
    text = members.pop()
    if _digits(text):
        if len(text.lstrip("0")) > 18:
            raise http.client.HTTPException("Content-Length is too large")
        return int(text)
    if _digits(text[1:]) and text[0] == "-":
        return None
    raise http.client.HTTPException(f"Content-Length is no number: {text[:40]!r}")


def chunk_size(line: bytes) -> int:
    """Return the size of the chunk that *line* announces (RFC 9112 7.1); extensions are skipped.

    :raises ValueError: the line is no chunk head
    """
    found = _chunk_line.fullmatch(line)
    if found is None:
        raise ValueError("malformed chunk size")
    return int(found[1], 16)


def is_persistent(fields: Fields, version: int) -> bool:
    """Tell whether the peer keeps the connection after this answer (RFC 9112 9.3, RFC 2068 19.7.1 for HTTP/1.0)."""
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
    """Return the ``timeout`` (seconds) and ``max`` (further requests) of a Keep-Alive header (RFC 2068 19.7.1.1)."""
    limits: dict[str, int] = {}
    for token in tokens(fields.get_all("keep-alive") or ()):
        name, _, number = token.partition("=")
        if _digits(number.strip()) and len(number) < 10:
            limits[name.strip()] = int(number)
    return limits.get("timeout"), limits.get("max")
