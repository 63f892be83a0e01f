"""The URL of a proxy: how it is spoken to, where it is, who logs in there."""

from __future__ import annotations

import re
from typing import NamedTuple

from coda_network._wire.authority import split_authority, split_userinfo

DEFAULT_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
"""The schemes that a proxy can have, each with the port that is meant when none is written."""

_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://").match
_end_of_authority = re.compile(r"[/?#]").search


class ProxyURL(NamedTuple):
    """Where a proxy is, how it is spoken to, and who logs in there; `host` has no brackets."""

    scheme: str
    host: str
    port: int
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        login = "" if self.username is None else f", username={self.username!r}, password hidden"
        return f"ProxyURL({self.scheme!r}, {self.host!r}, {self.port}{login})"


def parse_proxy_url(text: str) -> ProxyURL:
    """Read a proxy's address: `host:port`, or a URL as `http://user:p%40ss@host:port/` (RFC 3986, 3.2).

    Without a scheme the proxy is an http proxy. A path is ignored. User name and password are percent-decoded
    once.

    :raises ValueError: the scheme is unknown, or host or port cannot be used; the text repeats no part of the
        address, because a password may stand anywhere in an address that is written wrongly
    """
    scheme = "http"
    if found := _scheme(text):
        scheme, text = found[1].lower(), text[found.end() :]
    elif text.startswith("//"):
        text = text[2:]
    if scheme not in DEFAULT_PORTS:
        raise ValueError(f"the scheme of a proxy must be one of {', '.join(DEFAULT_PORTS)}")
    # People do not encode the slashes in their passwords: a path can begin only behind the login.
    end = _end_of_authority(text, text.find("@") + 1)
    username, password, authority = split_userinfo(text[: end.start()] if end else text)
    host, port = split_authority(authority, DEFAULT_PORTS[scheme])
    return ProxyURL(scheme, host, port, username, password)
