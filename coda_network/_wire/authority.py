"""Authorities: ``userinfo@host:port`` taken apart and put together (RFC 3986 section 3.2)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

# Characters that end the host early or begin another line in a request; \s is for the white space beyond ASCII.
_not_in_a_host = re.compile(r"[\s\x00-\x20\x7f-\x9f/?#@\[\]\\<>\"]").search


def join_authority(host: str, port: int) -> str:
    """Return ``host:port``, with brackets around an IPv6 address.

    :param host: a name or an address, without brackets
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def split_userinfo(netloc: str) -> tuple[str | None, str | None, str]:
    """Cut ``user:password@host:port`` into user name, password and ``host:port``.

    The userinfo ends at the last ``@``, because people do not encode an ``@`` in their password. The first colon ends
    the user name. User name and password are percent-decoded once, as UTF-8 where the bytes are valid UTF-8, else as
    Latin-1.

    :returns: the three parts; None for a user name or a password that is missing
    """
    userinfo, at, authority = netloc.rpartition("@")
    if not at:
        return None, None, netloc
    username, colon, password = userinfo.partition(":")
    return _decoded(username), _decoded(password) if colon else None, authority


def split_authority(authority: str, default_port: int) -> tuple[str, int]:
    """Cut ``host:port``, ``[v6]:port`` or either without a port into host and port.

    An IPv6 address without brackets is accepted, and cannot have a port. ``%25`` before a zone becomes ``%`` (RFC
    6874).

    :returns: the host, without brackets, and the port
    :raises ValueError: the host is empty or has characters that no host has, or the port is not a number up to 65535.
        The message repeats no part of the authority, which may be a password in the wrong place
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


def host_for_people(authority: str) -> str:
    """Return the host of an authority that may be written wrongly, for a message: without userinfo and port."""
    host = authority.rpartition("@")[2]
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]


def _is_ipv6(text: str) -> bool:
    from ipaddress import IPv6Address  # imported late: few authorities are IPv6 addresses

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
