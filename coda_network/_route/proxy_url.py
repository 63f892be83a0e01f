"""The URL of a proxy: its scheme, host and port, and the userinfo for a login there."""

from __future__ import annotations

import re
from typing import NamedTuple

from coda_network._wire.authority import join_authority, split_authority, split_userinfo

DEFAULT_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
"""The schemes of proxies, each with its default port."""

_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://").match
_one_slash = re.compile(rf"(?:{'|'.join(DEFAULT_PORTS)}):/", re.IGNORECASE).match
_end_of_authority = re.compile(r"[/?#]").search


class ProxyURL(NamedTuple):
    """A proxy's URL in parts; ``host`` has no brackets, ``username`` and ``password`` are decoded."""

    scheme: str
    host: str
    port: int
    username: str | None = None
    password: str | None = None

    @property
    def authority(self) -> str:
        """``host:port``, with brackets around an IPv6 address."""
        return join_authority(self.host, self.port)

    def __repr__(self) -> str:
        userinfo = "" if self.username is None else f", username={self.username!r}, password hidden"
        return f"ProxyURL({self.scheme!r}, {self.host!r}, {self.port}{userinfo})"


def parse_proxy_url(text: str) -> ProxyURL:
    """Read the address of a proxy (RFC 3986 section 3.2).

    :param text: ``host:port``, which is an http proxy, or a URL as ``http://user:p%40ss@host:port/``; a path is
        ignored, user name and password are percent-decoded once
    :returns: its parts
    :raises ValueError: the scheme is unknown, or host or port cannot be used; the message repeats no part of the
        address, as a password may stand anywhere in an address that is written wrongly
    """
    scheme = "http"
    if found := _scheme(text):
        scheme, text = found[1].lower(), text[found.end() :]
    elif text.startswith("//"):
        text = text[2:]
    elif _one_slash(text):
        raise ValueError("the scheme in the address of a proxy ends with ://")
    if scheme not in DEFAULT_PORTS:
        raise ValueError(f"the scheme of a proxy must be one of {', '.join(DEFAULT_PORTS)}")
    # People do not encode the slashes in their passwords: a path can begin only behind the userinfo.
    end = _end_of_authority(text, text.find("@") + 1)
    username, password, authority = split_userinfo(text[: end.start()] if end else text)
    host, port = split_authority(authority, DEFAULT_PORTS[scheme])
    return ProxyURL(scheme, host, port, username, password)


def without_userinfo(text: str) -> str:
    """Return the URL of a proxy without its userinfo; as it is where it has none, or cannot be read.

    :param text: as for ``parse_proxy_url()``
    """
    try:
        url = parse_proxy_url(text)
    except ValueError:
        return text
    return text if url.username is None else f"{url.scheme}://{url.authority}"
