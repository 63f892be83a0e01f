"""The short way of a response: the head of an ordinary response, understood in one scan.

Nearly all responses look alike: HTTP/1.1, fields of one line each, a Content-Length or chunks. For these a few searches
over the bytes find all that is needed to read the body. Everything else is left to the long way, ``heads`` and
``framing``, which know every case.
"""

from __future__ import annotations

import re

from coda_network._wire.heads import MAX_HEADERS, is_plain

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    Found = tuple[int, int, str, bytes, int | None, bool, bool]
    # What must be where in a head; then what it says, and where the length of the body stands in it.
    _Known = tuple[tuple[tuple[int, int, bytes], ...], int, str, int, int, int, bool, bool]

_framing_fields = re.compile(rb"\r\n(content-length|connection|keep-alive|transfer-encoding):[ \t]*([^\r\n]*)").findall
# What one of these may be without its digits.
_like_framing_fields = re.compile(
    rb"\r\n(0ont0nt-l0ngth|0onn00tion|k00p-0liv0|tr0ns00r-0n0o0ing):[ \t]*([^\r\n]*)"
).finditer

# Interim responses, and statuses that never have a body, go the long way (RFC 9112 section 6.3).
_status_line = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9]) ([ -~]*)").fullmatch
_BODILESS = frozenset({204, 304})

MEMORY = 256
"""Status lines, and heads, that are remembered; servers use the same few again and again."""

_status_lines: dict[bytes, tuple[int, str]] = {}

LONGEST = 4096
"""Bytes of a head that is remembered."""

# Date, ETag, lengths and identifiers change from response to response: a head is known by what is left of it where all
# digits, hexadecimal ones too, are alike. Framing depends on more, which is compared, or read anew. That takes 3.6 us
# where the whole scan takes 8.1.
_no_digits = bytes.maketrans(b"123456789abcdefABCDEF", b"0" * 21)
_heads: dict[bytes, _Known] = {}
_misses = 0


def scan(seen: bytes) -> Found | None:
    """Return what the head at the beginning of *seen* says; None where it is incomplete or needs the long way.

    :returns: the number of bytes in the head, with the empty line; the status; the reason; the header section, with
        the empty line; the length of the body, None where it comes in chunks; whether the connection ends with the
        response; whether there is a Keep-Alive field, which may limit how long the connection can be kept
    """
    end = seen.find(b"\r\n\r\n") + 4
    if end < 4:
        return None
    head = seen[:end]
    if end > LONGEST:
        return scan_whole(head)
    known = _heads.get(head.translate(_no_digits))
    if known is None:
        return _scan_and_remember(head)
    same, status, reason, first, begins, ends, closes, has_keep_alive = known
    for place, until, content in same:
        if head[place:until] != content:
            return scan_whole(head)
    length = None
    if begins:
        digits = head[begins:ends]
        if not digits.isdigit():
            return scan_whole(head)
        length = int(digits)
    return end, status, reason, head[first:], length, closes, has_keep_alive


def scan_whole(head: bytes) -> Found | None:
    """Return what ``scan()`` does, without what was learned from other heads.

    :param head: up to its empty line, and with it
    """
    first = head.find(b"\r\n")
    line = head[:first]
    known = _status_lines.get(line) or _known_status(line)
    fields = head[first:-2]
    if known is None or fields.count(b"\n") > MAX_HEADERS or not is_plain(head[first + 2 :]):
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
    return len(head), known[0], known[1], head[first + 2 :], length, closes, has_keep_alive


def _scan_and_remember(head: bytes) -> Found | None:
    global _misses
    found = scan_whole(head)
    if len(_heads) >= MEMORY:
        # Where each head is another one, to remember them would cost more than it brings.
        _misses += 1
        if _misses < 4 * MEMORY:
            return found
        _heads.clear()
        _misses = 0
    if found is not None:
        _, status, reason, fields, length, closes, has_keep_alive = found
        first = len(head) - len(fields)
        begins = ends = 0
        same = [(0, first, head[:first])]
        for field in _like_framing_fields(head.translate(_no_digits).lower()):
            name, colon = field.span(1)
            if length is not None and head[name:colon].lower() == b"content-length":
                begins, ends = field.span(2)
                same.append((name, begins, head[name:begins]))
            else:
                same.append((name, field.end(), head[name : field.end()]))
        _heads[head.translate(_no_digits)] = tuple(same), status, reason, first, begins, ends, closes, has_keep_alive
    return found


def _known_status(line: bytes) -> tuple[int, str] | None:
    found = _status_line(line)
    if found is None or int(found[1]) in _BODILESS:
        return None
    known = int(found[1]), found[2].decode("ascii").strip()
    if len(_status_lines) < MEMORY:
        _status_lines[line] = known
    return known
