"""What the clients are pointed at: the site that nginx serves, and what its responses must be."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

HOST = "127.0.0.1"

SMALL = 128
"""Bytes of /small, of /close/small and of the responses to POST and to a login."""

MEDIUM = 10 * 1024
"""Bytes of /medium."""

LINE = 128
"""Bytes of one line of /large, its newline included."""

RECORDS = 1000
"""Members of the list in /records.json."""

POSTED = b"0123456789abcdef" * 64
"""The body of a POST: 1 KiB."""

BLOCK = 65536
"""Bytes asked for at once where a body is read in pieces."""

USER, PASSWORD, DOMAIN = "alice", "wonderland", "CODA"
"""Who logs in by NTLM."""


@dataclass(frozen=True)
class Site:
    """Where nginx listens."""

    http_port: int
    https_port: int
    ca: str
    """The file with the certificate to trust."""
    large: int
    """Bytes of /large."""

    def to_json(self) -> str:
        """Return the site as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Site:
        """Return the site that such a line describes."""
        return cls(**json.loads(text))
