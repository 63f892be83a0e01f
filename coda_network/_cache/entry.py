"""One stored response: its body, and behind it what is known of it as JSON, in one file.

So a body can be written while it comes. The last digits of the file are the length of the JSON.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPMessage
from typing import Any, BinaryIO

from coda_network._cache.directives import of_response
from coda_network._cache.freshness import age_at_arrival, lifetime
from coda_network._cache.storable import message

_VERSION = 1
_DIGITS = 10


@dataclass
class Entry:
    """A stored response, without its body.

    :param status: of the response
    :param reason: of the response
    :param headers: those that are stored
    :param vary: the names of the fields of the request that chose it -> a keyed digest of their values
    :param requested: when its request was sent, in seconds since the epoch; after a 304, when that was asked for
    :param arrived: when its head came
    :param size: of its body; None while that is still coming
    :param path: of its file
    :param file: open at the beginning of the body
    """

    status: int
    reason: str
    headers: HTTPMessage
    vary: dict[str, str]
    requested: float
    arrived: float
    size: int | None = None
    path: str = ""
    file: BinaryIO | None = field(default=None, repr=False)

    def age(self, now: float) -> float:
        """Return how old it is now (RFC 9111 section 4.2.3); a clock that was put back makes nothing younger."""
        return age_at_arrival(self.headers, self.requested, self.arrived) + max(0.0, now - self.arrived)

    @property
    def lifetime(self) -> float:
        """For how many seconds it is fresh."""
        return lifetime(self.status, self.headers, self.arrived)

    @property
    def says(self) -> Any:
        """Its Cache-Control."""
        return of_response(self.headers)

    def tail(self, size: int) -> bytes:
        """Return what stands behind its body of *size* bytes."""
        found = {
            "version": _VERSION, "status": self.status, "reason": self.reason, "headers": self.headers.items(),
            "vary": self.vary, "requested": self.requested, "arrived": self.arrived, "size": size,
        }  # fmt: skip
        head = json.dumps(found).encode()
        return head + b"%0*d" % (_DIGITS, len(head))

    def close(self) -> None:
        """Close its file."""
        if self.file is not None:
            self.file.close()
            self.file = None


def read_entry(path: str) -> Entry | None:
    """Return what a file says, which is left open at the beginning of the body; None where it is not whole.

    :raises OSError: it cannot be read
    """
    with ExitStack() as closes:
        file = closes.enter_context(open(path, "rb"))
        whole = file.seek(0, os.SEEK_END)
        try:
            file.seek(max(0, whole - _DIGITS))
            length = int(file.read(_DIGITS))
            file.seek(max(0, whole - _DIGITS - length))
            found = json.loads(file.read(length))
            size = int(found["size"])
            if found["version"] != _VERSION or whole != size + length + _DIGITS:
                return None
            headers = message([(str(name), str(value)) for name, value in found["headers"]])
            entry = Entry(
                int(found["status"]), str(found["reason"]), headers, dict(found["vary"]), float(found["requested"]),
                float(found["arrived"]), size, path, file,
            )  # fmt: skip
        except (ValueError, KeyError, TypeError):
            return None
        file.seek(0)
        closes.pop_all()
        return entry
