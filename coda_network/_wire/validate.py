"""What may stand in a request: nothing that would end its place and begin something else.

http.client refuses most of it; here is what it lets through, in the words that it uses.
"""

from __future__ import annotations

import http.client
import re

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

_illegal_in_request_line = re.compile(r"[\x00-\x20\x7f]").search


class InvalidTarget(http.client.InvalidURL, ValueError):
    """A URL or a host name that would not stay within its place in the request."""


def refuse_in_request_line(text: str, what: str, error: type[ValueError]) -> None:
    """Refuse what would end its place in the request line and begin another (CVE-2019-9740, CVE-2019-18348).

    :param what: of the request *text* is
    :param error: to raise
    """
    if found := _illegal_in_request_line(text):
        raise error(f"{what} can't contain control characters. {text!r} (found at least {found.group()!r})")


def refuse_nul(header: Any, *values: Any) -> None:
    """Refuse NUL in a header (RFC 9110 5.5).

    :raises ValueError: it is in the name or a value
    """
    for part in (header, *values):
        if "\0" in part if isinstance(part, str) else isinstance(part, (bytes, bytearray)) and 0 in part:
            raise ValueError(f"Invalid header {header!r}: NUL in its name or value")


def refuse_further_lines(name: Any, value: Any) -> None:
    """Refuse a header that would bring others along: CONNECT has no folded lines (RFC 9112 5.2).

    :raises ValueError: its name or its line would end within
    """
    if ":" in str(name) or any(character in f"{name}{value}" for character in "\r\n"):
        raise ValueError(f"Invalid header {name!r}: characters that end its name or its line")
