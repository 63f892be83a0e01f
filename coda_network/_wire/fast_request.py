"""The head of an ordinary request, made in one go.

``HTTPConnection.request()`` is ``putrequest()``, a ``putheader()`` for each field, ``endheaders()``: methods that
subclasses override and debuggers watch. Where nobody does, and the fields are plain text, this gives the same bytes.
Whatever is out of the ordinary, errors included, is left to those methods.

Most requests on a connection differ in their targets alone, so the fields of the last one are remembered.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

# RFC 9110 8.6: methods whose request says how long its body is, even if it has none.
_METHODS_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
_METHODS = _METHODS_WITH_BODY | {"DELETE", "GET", "HEAD", "OPTIONS"}

_plain_target = re.compile(r"[!-~]+").fullmatch
_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch

MAX_NAMES = 1000

# Names that were found to be tokens, in lower case. Programs use the same few again and again.
_names: dict[str, str] = {}


def _lower(name: Any) -> str | None:
    if not isinstance(name, str) or _token(name) is None:
        return None
    if len(_names) < MAX_NAMES:
        _names[name] = name.lower()
    return name.lower()


class Composer:
    """Makes the requests of one connection."""

    __slots__ = ("_fields", "_host", "_items", "_length")

    def __init__(self) -> None:
        # The last request: its headers as the program gave them, what Host was asked for, how long its body was.
        self._items: tuple[tuple[Any, Any], ...] | None = None
        self._host: str | None = None
        self._length: int | None = None
        self._fields = b""

    def compose(
        self, method: str, target: str, host: Callable[[], str | None], body: bytes | None, headers: Mapping[str, Any]
    ) -> bytes | None:
        """Return head and body of a request as http.client sends it; None where the general way has to be gone.

        :param host: returns the value of Host; asked where the headers have none; None is for the general way
        """
        if method not in _METHODS or _plain_target(target) is None:
            return None
        length = len(body) if body is not None else 0 if method in _METHODS_WITH_BODY else None
        items = tuple(headers.items())
        if (
            items != self._items or length != self._length or (self._host is not None and self._host != host())
        ) and not self._make_fields(items, length, host):
            return None
        head = f"{method} {target} HTTP/1.1\r\n".encode("ascii") + self._fields
        return head + body if body else head

    def _make_fields(
        self, items: tuple[tuple[Any, Any], ...], length: int | None, host: Callable[[], str | None]
    ) -> bool:
        """Make and remember the fields of a request; return False where they need more care than is taken here."""
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
            return False  # to be sent in chunks, perhaps
        if "content-length" not in names and length is not None:
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
        # Each line has ended once, and nothing in it ends a line: no value has brought another with it.
        if fields.count("\n") != count or fields.count("\r") != count or "\0" in fields:
            return False
        try:
            self._fields = f"{fields}\r\n".encode("latin-1")
        except UnicodeEncodeError:
            return False
        self._items, self._length = items, length
        return True
