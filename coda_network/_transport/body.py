"""The body of a request, and whether it can be sent once more."""

from __future__ import annotations

from typing import Any

from coda_network._auth.login import LARGE_BODY


class RespondedEarly(Exception):
    """A final response came before the body, of which nothing was read."""


class Body:
    """The body that a program gave.

    :param data: bytes, a file, an iterable of bytes, or None
    """

    def __init__(self, data: Any) -> None:
        self.data = data
        # Large, of unknown size, or readable only once.
        is_short = data is None or (isinstance(data, (bytes, bytearray)) and len(data) <= LARGE_BODY)
        self.needs_login_first = not is_short
        self._start: int | None = None
        if hasattr(data, "read") and hasattr(data, "seek"):
            try:
                self._start = data.tell()
            except (OSError, AttributeError, ValueError):
                self._start = None

    @property
    def is_spent_by_reading(self) -> bool:
        """Return whether the body can be read only once: an iterator, a pipe."""
        data = self.data
        if self._start is not None or data is None or isinstance(data, (bytes, bytearray, memoryview, str)):
            return False
        return hasattr(data, "read") or iter(data) is data

    def rewind(self) -> bool:
        """Make the body ready to be sent again; return False where it can be read only once."""
        data = self.data
        if self._start is not None:
            try:
                data.seek(self._start)
            except (OSError, ValueError):
                return False
            return True
        return not self.is_spent_by_reading

    def signable(self) -> Any:
        """Return the body in a form that a scheme may hash, None where reading it would use it up."""
        if isinstance(self.data, (bytearray, memoryview)):
            return bytes(self.data)
        return self.data if isinstance(self.data, bytes) or self._start is not None else None


NO_BODY = Body(None)
