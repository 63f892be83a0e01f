"""What the responses for one URL are stored under (RFC 9111 section 2)."""

from __future__ import annotations

from urllib.parse import urlsplit


def key_of(url: str) -> str:
    """Return a URL as the cache knows it: without userinfo, fragment and default port."""
    parts = urlsplit(url)
    netloc = parts.netloc.rpartition("@")[2].lower()
    default = {"http": ":80", "https": ":443"}.get(parts.scheme.lower(), ":")
    netloc = netloc.removesuffix(default).removesuffix(":")
    return parts._replace(scheme=parts.scheme.lower(), netloc=netloc, path=parts.path or "/", fragment="").geturl()
