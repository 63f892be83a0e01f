"""The head of an ordinary request, made in one go.

``HTTPConnection.request()`` is ``putrequest()``, a ``putheader()`` for each field, ``endheaders()``: methods that
subclasses override and debuggers watch. Where nobody does, and the fields are plain text, this gives the same bytes.
Whatever is out of the ordinary, errors included, is left to those methods.
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


def compose(
    method: str, target: str, host: Callable[[], str | None], body: bytes | None, headers: Mapping[str, Any]
) -> bytes | None:
    """Return head and body of a request as http.client sends it; None where the general way has to be gone.

    :param host: returns the value of Host; asked where the headers have none; None is for the general way
    """
    if method not in _METHODS or _plain_target(target) is None:
        return None
    lines = []
    names = set()
    for name, value in headers.items():
        lower = _names.get(name) or _lower(name)
        if lower is None or type(value) is not str:
            return None
        names.add(lower)
        lines.append(f"{name}: {value}\r\n")
    if "content-length" not in names and "transfer-encoding" not in names:
        if body is not None:
            lines.insert(0, f"Content-Length: {len(body)}\r\n")
        elif method in _METHODS_WITH_BODY:
            lines.insert(0, "Content-Length: 0\r\n")
    elif "transfer-encoding" in names and body is not None:
        return None  # to be sent in chunks, perhaps
    if "accept-encoding" not in names:
        lines.insert(0, "Accept-Encoding: identity\r\n")
    if "host" not in names:
        value = host()
        if value is None:
            return None
        lines.insert(0, f"Host: {value}\r\n")
    fields = "".join(lines)
    count = len(lines)
    # Each line has ended once, and nothing in it ends a line: no value has brought another with it.
    if fields.count("\n") != count or fields.count("\r") != count or "\0" in fields:
        return None
    try:
        head = f"{method} {target} HTTP/1.1\r\n{fields}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        return None
    return head + body if body else head
