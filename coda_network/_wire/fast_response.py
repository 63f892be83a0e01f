"""The head of an ordinary answer, understood in one scan.

Nearly every answer looks alike: HTTP/1.1, fields of one line each, a Content-Length or chunks. For those a few
searches over the bytes say all that is needed to read on. Whatever is not plainly of that kind is left to
``heads`` and ``framing``, which know every case.
"""

from __future__ import annotations

import re

from coda_network._wire.heads import MAX_HEADERS

# What a field line keeps when everything but its structure is taken out: a colon with nothing before it, more colons
# and white space, the end. No fold, no NUL, no bare CR, no white space before the colon, no line without one.
_structure = bytes(byte for byte in range(256) if byte not in b"\0\r\n\t :")
_shape = re.compile(rb"\r\n(?::[\t :]*\r\n)*").fullmatch
_framing_fields = re.compile(rb"\r\n(content-length|connection|keep-alive|transfer-encoding):[ \t]*([^\r\n]*)").findall

# Statuses whose answers have no body, and interim ones, are left to the general rules (RFC 9112 6.3).
_status_line = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) ([ -~]*)").fullmatch
_BODILESS = frozenset({204, 304})

MEMORY = 256
"""Status lines and shapes that are remembered; servers use the same few again and again."""

_status_lines: dict[bytes, tuple[int, str]] = {}
_shapes: set[bytes] = set()


def scan(seen: bytes) -> tuple[int, int, str, bytes, int | None, bool, bool] | None:
    """Return what the head at the beginning of *seen* says; None where it is incomplete or not of the ordinary kind.

    :returns: bytes of the head (the empty line included); status; reason; the header lines, with the empty one; bytes
        of the body, None where it comes in chunks; whether the connection ends with it; whether a Keep-Alive field
        says how long it lasts else
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
    chunked = closes = limited = False
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
            limited = True
        elif chunked or value != b"chunked":
            return None
        else:
            chunked = True
    # Both or neither are for those who know what is then to be done.
    if chunked is not (length is None):
        return None
    return end + 4, known[0], known[1], seen[first + 2 : end + 4], length, closes, limited


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
