"""The short way of a response: the head of an ordinary response, understood in one scan.

Nearly all responses look alike: HTTP/1.1, fields of one line each, a Content-Length or chunks. For these a few searches
over the bytes find all that is needed to read the body. Everything else is left to the long way, ``heads`` and
``framing``, which know every case.
"""

from __future__ import annotations

import re

from coda_network._wire.heads import MAX_HEADERS

# The shape of a header section is what is left of it without all other characters. In a well-formed one each line is a
# colon, then any colons and white space, then CRLF: no fold, NUL or bare CR, no white space before the colon, and no
# line without a colon.
_structure = bytes(byte for byte in range(256) if byte not in b"\0\r\n\t :")
_shape = re.compile(rb"\r\n(?::[\t :]*\r\n)*").fullmatch
_framing_fields = re.compile(rb"\r\n(content-length|connection|keep-alive|transfer-encoding):[ \t]*([^\r\n]*)").findall

# Interim responses, and statuses that never have a body, go the long way (RFC 9112 section 6.3).
_status_line = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) ([ -~]*)").fullmatch
_BODILESS = frozenset({204, 304})

MEMORY = 256
"""Status lines, and shapes, that are remembered; servers use the same few again and again."""

_status_lines: dict[bytes, tuple[int, str]] = {}
_shapes: set[bytes] = set()


def scan(seen: bytes) -> tuple[int, int, str, bytes, int | None, bool, bool] | None:
    """Return what the head at the beginning of *seen* says; None where it is incomplete or needs the long way.

    :returns: the number of bytes in the head, with the empty line; the status; the reason; the header section, with
        the empty line; the length of the body, None where it comes in chunks; whether the connection ends with the
        response; whether there is a Keep-Alive field, which may limit how long the connection can be kept
    """
    end = seen.find(b"\r\n\r\n")
    first = seen.find(b"\r\n")
    if end < 0:
        return None
    line = seen[:first]
    known = _status_lines.get(line) or _known_status(line)
    fields = seen[first : end + 2]
    shape = fields.translate(None, _structure)
    if known is None or not (shape in _shapes or _known_shape(shape)):
        return None
    length = None
    chunked = closes = has_keep_alive = False
    for name, value in _framing_fields(fields.lower()):
        if name == b"content-length":
            if length is not None or not value.isdigit() or len(value) > 18:
                return None
            length = int(value)
        elif name == b"connection":
            if value == b"close":
                closes = True
            elif value != b"keep-alive":
                return None
        elif name == b"keep-alive":
            has_keep_alive = True
        elif chunked or value != b"chunked":
            return None
        else:
            chunked = True
    # Both or neither: left to ``framing.body_framing()``.
    if chunked is not (length is None):
        return None
    return end + 4, known[0], known[1], seen[first + 2 : end + 4], length, closes, has_keep_alive


def _known_status(line: bytes) -> tuple[int, str] | None:
    found = _status_line(line)
    if found is None or int(found[1]) in _BODILESS:
        return None
    known = int(found[1]), found[2].decode("ascii").strip()
    if len(_status_lines) < MEMORY:
        _status_lines[line] = known
    return known


def _known_shape(shape: bytes) -> bool:
    if _shape(shape) is None or shape.count(b"\n") > MAX_HEADERS:
        return False
    if len(_shapes) < MEMORY:
        _shapes.add(shape)
    return True
