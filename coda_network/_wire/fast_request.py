"""The short way of a request: the head of an ordinary request, composed in one go.

The long way is ``putrequest()``, a ``putheader()`` for each field, and ``endheaders()``: methods that subclasses may
override. Where none does, and the fields are plain text, the short way gives the same bytes. It leaves everything else
to the long way, errors included.

Most requests on a connection differ in their target alone, so the header section of the last one is remembered.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

# RFC 9110 section 8.6: methods that send a Content-Length even without a body.
_METHODS_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
_OF_FRAMING = frozenset({"content-length", "transfer-encoding", "host", "accept-encoding"})
_METHODS = _METHODS_WITH_BODY | {"DELETE", "GET", "HEAD", "OPTIONS"}

_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch

MAX_NAMES = 1000
"""Field names that are remembered."""

# Field names that were found to be tokens, each with its lower case. Programs use the same few again and again.
_names: dict[str, str] = {}


def _lower(name: Any) -> str | None:
    if not isinstance(name, str) or _token(name) is None:
        return None
    if len(_names) < MAX_NAMES:
        _names[name] = name.lower()
    return name.lower()


def _announces(items: tuple[tuple[Any, Any], ...], length: int) -> bool:
    """Return whether the program's own Content-Length is the length of the body."""
    announced = {value.strip() for name, value in items if name.lower() == "content-length"}
    return announced == {str(length)}


class Composer:
    """Composes the requests of one connection."""

    __slots__ = ("_fields", "_host", "_items", "_length", "_place", "_stem")

    def __init__(self) -> None:
        # Of the last request: the headers as the program gave them, the value of Host, the length of the body.
        self._items: tuple[tuple[Any, Any], ...] | None = None
        self._host: str | None = None
        self._place: tuple[Any, ...] | None = None
        self._length: int | None = None
        self._fields = b""
        # What stands before the last field, where that may change alone.
        self._stem: bytes | None = None

    def compose(
        self,
        method: str,
        target: str,
        host: Callable[[], str | None],
        body: bytes | None,
        headers: Mapping[str, Any],
        place: tuple[Any, ...] | None = None,
    ) -> bytes | None:
        """Return head and body of a request as http.client sends it; None where it needs the long way.

        :param host: returns the value of Host, or None where that needs the long way; called if *headers* have none
        :param place: what *host* makes its value of: it is not called again where this is the same; None for unknown
        """
        # Visible characters of ASCII, and not a regular expression: 1,100 instructions less.
        if method not in _METHODS or type(target) is not str or not target.isascii() or not target.isprintable():
            return None
        if " " in target or not target:
            return None
        length = len(body) if body is not None else 0 if method in _METHODS_WITH_BODY else None
        items = tuple(headers.items())
        if (
            items != self._items
            or length != self._length
            or (self._host is not None and (place is None or place != self._place) and self._host != host())
        ):
            if not self._changes_last(items, length) and not self._make_fields(items, length, host):
                return None
            self._place = place
        head = f"{method} {target} HTTP/1.1\r\n".encode("ascii") + self._fields
        return head + body if body else head

    def _make_fields(
        self, items: tuple[tuple[Any, Any], ...], length: int | None, host: Callable[[], str | None]
    ) -> bool:
        """Compose and remember the header section of a request; return False where it needs the long way."""
        self._items = None
        lines = []
        names = set()
        for name, value in items:
            lower = _names.get(name) or _lower(name)
            if lower is None or type(value) is not str:
                return False
            names.add(lower)
            lines.append(f"{name}: {value}\r\n")
        if "transfer-encoding" in names:
            return False  # the body may have to be sent in chunks
        if "content-length" in names:
            if not _announces(items, length or 0):
                return False  # what is sent has to be counted
        elif length is not None:
            lines.insert(0, f"Content-Length: {length}\r\n")
        if "accept-encoding" not in names:
            lines.insert(0, "Accept-Encoding: identity\r\n")
        self._host = None
        if "host" not in names:
            self._host = host()
            if self._host is None:
                return False
            lines.insert(0, f"Host: {self._host}\r\n")
        fields = "".join(lines)
        count = len(lines)
        # Each line ends once: no value contains a line end, which would begin another field.
        if fields.count("\n") != count or fields.count("\r") != count or "\0" in fields:
            return False
        try:
            self._fields = f"{fields}\r\n".encode("latin-1")
        except UnicodeEncodeError:
            return False
        self._items, self._length = items, length
        # Nothing but the line itself depends on the last one.
        is_alone = items and self._host is None and lower not in _OF_FRAMING
        self._stem = "".join(lines[:-1]).encode("latin-1") if is_alone else None
        return True

    def _changes_last(self, items: tuple[tuple[Any, Any], ...], length: int | None) -> bool:
        """Change the last field only, as the proof of Digest changes; return False where more is another one.

        To make all fields anew took 12,000 of the 368,000 instructions of a request with Digest.
        """
        known = self._items
        if self._stem is None or not known or length != self._length or items[:-1] != known[:-1]:
            return False
        name, value = items[-1]
        if name != known[-1][0] or type(value) is not str or not value.isascii():
            return False
        if "\n" in value or "\r" in value or "\0" in value:
            return False
        self._fields = self._stem + f"{name}: {value}\r\n\r\n".encode("ascii")
        self._items = items
        return True


_of_the_length = re.compile(rb"content-length:[ \t]*([^\r\n]*)|transfer-encoding:", re.IGNORECASE).match


def left_to_send(lines: list[bytes]) -> int | None:
    """Return how many bytes head and body of a request will be; None where its head does not say.

    :param lines: the request line and the fields, without line ends
    """
    found = [match for line in lines if (match := _of_the_length(line))]
    if not found or any(match[1] is None for match in found):
        return None  # in chunks, it says its own end
    lengths = {match[1].strip() for match in found}
    text = lengths.pop()
    # What is no length, or contradicts itself, is none that can be kept.
    body = int(text) if not lengths and text.isdigit() and len(text) <= 18 else -1
    return sum(map(len, lines)) + 2 * len(lines) + 2 + body


def unless_bytes(data: Any) -> Iterable[bytes] | None:
    """Return *data* as an iterable of bytes; None where it is bytes, or what takes their place, itself.

    :raises TypeError: it is neither
    """
    try:
        memoryview(data)
    except TypeError:
        if isinstance(data, str):
            raise
        try:
            pieces: Iterable[bytes] = iter(data)
        except TypeError:
            raise TypeError(f"data should be a bytes-like object or an iterable, got {type(data)!r}") from None
        return pieces
    return None
