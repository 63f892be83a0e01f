"""What a Request asks for, in the terms of a connection: whom to call, what to send there."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.error import URLError

from coda_network._auth.credentials import Credentials
from coda_network._wire.urls import split_userinfo


class Plan(NamedTuple):
    """One request, ready for ``HTTPConnection.request()``."""

    host: str
    """The authority to connect to: the server's or the proxy's."""
    tunnel: str | None
    """The authority at the end of a tunnel."""
    method: str
    target: str
    """What stands on the request line."""
    headers: dict[str, Any]
    chunked: bool
    proxy_header: str | None
    """A Proxy-Authorization that the program gave."""
    credentials: Credentials | None
    """The login in the URL."""
    by_proxy: bool
    """The proxy reads the request itself: http without a tunnel."""


def plan(request: Any, persistent: bool) -> Plan:
    """Read a Request; it stays as it is.

    :param persistent: ask the server to keep the connection
    :raises URLError: there is no host
    """
    host, target, tunnel = request.host, request.selector, request._tunnel_host
    if not host:
        raise URLError("no host given")
    headers = {**request.headers, **request.unredirected_hdrs}
    if not persistent:
        headers["Connection"] = "close"
    elif "Connection" not in headers:
        headers["Connection"] = "keep-alive"
    headers = {name.title(): value for name, value in headers.items()}
    proxy_header = headers.get("Proxy-Authorization")
    if tunnel and proxy_header is not None:
        del headers["Proxy-Authorization"]

    credentials = None
    by_proxy = request.has_proxy() and not tunnel
    if "@" in request.full_url or "@" in host:
        if by_proxy:
            scheme, _, rest = target.partition("://")
            authority, slash, path = rest.partition("/")
            credentials, authority = _login_of(authority)
            target = f"{scheme}://{authority}{slash}{path}"
        elif tunnel:
            credentials, tunnel = _login_of(tunnel)
        else:
            credentials, host = _login_of(host)
        if "Host" in headers:
            headers["Host"] = headers["Host"].rpartition("@")[2]
    chunked = request.has_header("Transfer-encoding")
    return Plan(host, tunnel, request.get_method(), target, headers, chunked, proxy_header, credentials, by_proxy)


def _login_of(authority: str) -> tuple[Credentials | None, str]:
    user, password, authority = split_userinfo(authority)
    return (None if user is None else Credentials(user, password or "")), authority
