"""Refuse text in a request that would end its own part of the request and begin another.

http.client checks most parts itself. These checks are for what it lets through, and their messages use its words.
"""

from __future__ import annotations

import http.client
import re

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

_illegal_in_request_line = re.compile(r"[\x00-\x20\x7f]").search


class InvalidTarget(http.client.InvalidURL, ValueError):
    """A URL or a host name with characters that would end its part of the request."""


def refuse_in_request_line(text: str, what: str, error: type[ValueError]) -> None:
    """Refuse text that would end its part of the request line and begin another (CVE-2019-9740, CVE-2019-18348).

    :param what: the name of that part, for the message
    :param error: the class of the error
    :raises ValueError: *error*: the text has white space or a control character
    """
    if found := _illegal_in_request_line(text):
        raise error(f"{what} can't contain control characters. {text!r} (found at least {found.group()!r})")


def refuse_nul(header: Any, *values: Any) -> None:
    """Refuse NUL in a field (RFC 9110 section 5.5).

    :raises ValueError: NUL is in the name or in a value
    """
    for part in (header, *values):
        if "\0" in part if isinstance(part, str) else isinstance(part, (bytes, bytearray)) and 0 in part:
            raise ValueError(f"Invalid header {_name(header)}: NUL in its name or value")


def hide_value(error: BaseException, header: Any) -> None:
    """Take the value of a field out of the error with which http.client refuses it, and what is no name of one."""
    if isinstance(error, ValueError) and str(error).startswith("Invalid header "):
        what = "value" if str(error).startswith("Invalid header value") else "name"
        error.args = (f"Invalid header {what}, of {_name(header)}: characters that a {what} cannot have",)


def _name(header: Any) -> str:
    """Return a field name for a message; what follows it, where somebody gave a whole line, is left out."""
    text = header.decode("latin-1") if isinstance(header, (bytes, bytearray)) else str(header)
    return repr(_end_of_name(text, 1)[0][:80])


_end_of_name = re.compile(r"[^!-9;-~]").split


def refuse_further_lines(name: Any, value: Any) -> None:
    """Refuse a field of CONNECT that would begin another field, or is folded (RFC 9112 section 5.2).

    :raises ValueError: there is a colon in the name, or a line end in name or value
    """
    if ":" in str(name) or any(character in f"{name}{value}" for character in "\r\n"):
        raise ValueError(f"Invalid header {_name(name)}: characters that end its name or its line")
