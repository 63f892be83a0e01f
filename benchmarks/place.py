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

PADDING = (0, 5, 16, 100, 333, 1011)
"""Bytes of a field in the heads before /padded-0 and so on: how fast a copy is depends on where a body begins."""

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
    file: str = ""
    """A file of as many bytes, to be sent."""
    basic_port: int = 0
    digest_port: int = 0
    """Of proxies that want a login with each request."""
    ntlm_port: int = 0
    """Of the proxy that wants NTLM, and opens tunnels."""
    tls_tunnel_port: int = 0
    """Of the proxy that opens tunnels, and is reached by TLS."""
    socks_port: int = 0
    """Of the SOCKS5 proxy."""
    tunnel_port: int = 0
    """Of the proxy that opens tunnels, and wants no login."""

    def proxy_for(self, kind: str) -> str:
        """Return the URL of a proxy, by the login that it wants or by what it speaks.

        Those that open no tunnels are nginx, which answers itself what it is asked for by a URL.
        """
        scheme, port = {
            "": ("http", self.http_port),
            "basic": ("http", self.basic_port),
            "digest": ("http", self.digest_port),
            "ntlm": ("http", self.ntlm_port),
            "tls": ("https", self.https_port),
            "tls-tunnel": ("https", self.tls_tunnel_port),
            "socks": ("socks5h", self.socks_port),
            "tunnel": ("http", self.tunnel_port),
        }[kind]
        return f"{scheme}://{HOST}:{port}"

    def to_json(self) -> str:
        """Return the site as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Site:
        """Return the site that such a line describes."""
        return cls(**json.loads(text))
