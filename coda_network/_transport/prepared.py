"""What a Request asks for, in the terms of a connection: whom to call, what to send there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.error import URLError

from coda_network._auth.credentials import Credentials
from coda_network._wire.authority import split_userinfo

_split_url = re.compile(r"([^:/?#]*://)([^/?#]*)(.*)", re.DOTALL).fullmatch

# What a HEAD does not send of a request with a body.
_OF_THE_BODY = frozenset({"Content-Length", "Content-Type", "Transfer-Encoding", "Expect"})


@dataclass(slots=True, repr=False)  # headers hold secrets
class PreparedRequest:
    """One request, ready for ``HTTPConnection.request()``."""

    host: str
    """The authority to connect to: the server's or the proxy's."""
    tunnel: str | None
    """The authority at the end of a tunnel."""
    method: str
    target: str
    """What stands on the request line."""
    headers: dict[str, Any]
    proxy_header: str | None = None
    """A Proxy-Authorization that the program gave."""
    credentials: Credentials | None = None
    """The login in the URL."""
    proxy_credentials: Credentials | None = None
    """The login before the proxy's host."""
    by_proxy: bool = False
    """The proxy reads the request itself: http without a tunnel."""

    def for_head(self) -> PreparedRequest:
        """Return the request that asks for the head of the same answer, and does nothing."""
        headers = {name: value for name, value in self.headers.items() if name not in _OF_THE_BODY}
        return replace(self, method="HEAD", headers=headers)


def prepare(request: Any, url: str, persistent: bool) -> PreparedRequest:
    """Read a Request; it stays as it is.

    :param url: of the request, whole
    :param persistent: ask the server to keep the connection
    :raises URLError: there is no host
    """
    host, target, tunnel = request.host, request.selector, request._tunnel_host
    if not host:
        raise URLError("no host given")
    # The unredirected ones count, and come first, as in urllib.
    fields = request.unredirected_hdrs
    if request.headers:
        fields = {**fields, **request.headers, **fields}
    headers = {name.title(): value for name, value in fields.items()}
    if not persistent:
        headers["Connection"] = "close"
    elif "Connection" not in headers:
        headers["Connection"] = "keep-alive"
    proxy_header = headers.get("Proxy-Authorization")
    if tunnel and proxy_header is not None:
        del headers["Proxy-Authorization"]

    # What begins with a slash is no whole URL, as it stands there for a proxy.
    by_proxy = target[:1] != "/" and not tunnel and request.has_proxy()
    if by_proxy and "#" in target:
        target = target.partition("#")[0]
    credentials = proxy_credentials = None
    if "@" in url or "@" in host:
        # Of the URL as it was given: Request has already decoded its host once.
        credentials = split_login(url)[0]
        if tunnel:
            tunnel = tunnel.rpartition("@")[2]
        if by_proxy:
            target = split_login(target)[1]
        if tunnel or by_proxy:
            proxy_credentials, host = _login_of(host)
        else:
            host = host.rpartition("@")[2]
        if "Host" in headers:
            headers["Host"] = headers["Host"].rpartition("@")[2]
    return PreparedRequest(
        host, tunnel, request.get_method(), target, headers, proxy_header, credentials, proxy_credentials, by_proxy
    )


def split_login(url: str) -> tuple[Credentials | None, str]:
    """Return the login in a URL, None where there is none, and the URL without it."""
    parts = _split_url(url)
    if parts is None:
        return None, url
    credentials, authority = _login_of(parts[2])
    return credentials, parts[1] + authority + parts[3]


def _login_of(authority: str) -> tuple[Credentials | None, str]:
    user, password, authority = split_userinfo(authority)
    return (None if user is None else Credentials(user, password or "")), authority
