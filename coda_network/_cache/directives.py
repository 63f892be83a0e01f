"""Cache-Control as a table of directives (RFC 9111 section 5.2), of a request or of a response."""

from __future__ import annotations

import re
from typing import Any

MAX_SECONDS = 1 << 31
"""What is longer is this long (RFC 9111 section 1.2.2)."""

_DIRECTIVE = re.compile(r'\s*([^\s,;="]+)\s*(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?[^,"]*(?:,|$)')


class Directives:
    """The directives of one message.

    :param lines: the values of all its Cache-Control fields; parameters of unknown directives do no harm
    """

    def __init__(self, lines: list[str]) -> None:
        self._found: dict[str, str | None] = {}
        for name, quoted, plain in _DIRECTIVE.findall(",".join(lines)):
            value = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain or None
            # Of two that contradict each other the first one counts (section 4.2.1).
            self._found.setdefault(name.lower(), value)

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def value(self, name: str) -> str | None:
        """Return the argument of a directive; None where it has none, or is not there."""
        return self._found.get(name)

    def seconds(self, name: str) -> int | None:
        """Return the argument of a directive in seconds; None where the directive is not there.

        What is no number is 0, so that nothing counts as fresh by mistake (section 4.2.1).
        """
        if name not in self._found:
            return None
        value = (self._found[name] or "").strip()
        return min(int(value), MAX_SECONDS) if value.isascii() and value.isdigit() and len(value) < 20 else 0

    def applies_to_all(self, name: str) -> bool:
        """Return whether a directive is there that may name fields, and names none: ``no-cache``, ``private``."""
        return name in self._found and not self._found[name]

    def fields(self, name: str) -> list[str]:
        """Return the fields that a directive names, in lower case."""
        return [field.strip().lower() for field in (self._found.get(name) or "").split(",") if field.strip()]


def of_response(headers: Any) -> Directives:
    """Return the directives of a response."""
    return Directives(headers.get_all("Cache-Control", []))


def of_request(fields: dict[str, str]) -> Directives:
    """Return the directives of a request.

    :param fields: by their names in lower case
    """
    if (line := fields.get("cache-control")) is not None:
        return Directives([line])
    # RFC 9111 section 5.4.
    return Directives(["no-cache"] if "no-cache" in fields.get("pragma", "").lower() else [])
