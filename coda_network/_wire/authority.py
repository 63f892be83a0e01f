"""The addresses of proxies: URLs with user and password in them, and authorities with or without a port."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

DEFAULT_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}
"""The schemes that a proxy can have, each with the port that is meant when none is written."""

_scheme = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://").match
_end_of_authority = re.compile(r"[/?#]").search
# What could end the host early or begin another line in a request; \s covers the white space beyond ASCII.
_not_in_a_host = re.compile(r"[\s\x00-\x20\x7f-\x9f/?#@\[\]\\<>\"]").search


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


def split_userinfo(netloc: str) -> tuple[str | None, str | None, str]:
    """Cut `user:password@host:port` into user name, password and `host:port`; None for what is not there.

    The login ends at the last `@`, so that an `@` in a password does no harm. The first colon ends the user
    name. Both are percent-decoded once, as UTF-8 where the bytes are valid UTF-8, else as Latin-1.
    """
    userinfo, at, authority = netloc.rpartition("@")
    if not at:
        return None, None, netloc
    username, colon, password = userinfo.partition(":")
    return _decoded(username), _decoded(password) if colon else None, authority


def split_authority(authority: str, default_port: int) -> tuple[str, int]:
    """Cut `host:port`, `[v6]:port` or either without a port into host, without brackets, and port.

    An IPv6 address without brackets is taken for what it is; it cannot have a port. `%25` before a zone
    becomes `%` (RFC 6874).

    :raises ValueError: the host is empty or has characters that no host has, or the port is not a number up
        to 65535; the text repeats no part of the address
    """
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not _is_ipv6(host):
            raise ValueError("the brackets in a network address must hold an IPv6 address")
        host, port = host.replace("%25", "%", 1), rest[1:]
    elif authority.count(":") > 1 and _is_ipv6(authority):
        host, port = authority, ""
    else:
        host, _, port = authority.partition(":")
    if not host:
        raise ValueError("a network address has no host")
    if _not_in_a_host(host):
        raise ValueError("the host in a network address has a space, a control character or a delimiter")
    if not port:
        return host, default_port
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535):
        raise ValueError("the port in a network address is not a number from 0 to 65535")
    return host, int(port)


def _is_ipv6(text: str) -> bool:
    from ipaddress import IPv6Address  # few addresses get here

    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def _decoded(text: str) -> str:
    raw = unquote_to_bytes(text)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
