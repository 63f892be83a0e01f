"""What a Request asks for, in the terms of a connection: where to connect, what to send there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from coda_network._auth.credentials import Credentials
from coda_network._route.route import Route
from coda_network._wire.authority import split_userinfo

if TYPE_CHECKING:
    from coda_network._transport.session import Session

_split_url = re.compile(r"([^:/?#]*://)([^/?#]*)(.*)", re.DOTALL).fullmatch

# The fields of a request with a body that a HEAD leaves out.
_OF_THE_BODY = frozenset({"Content-Length", "Content-Type", "Transfer-Encoding", "Expect"})


@dataclass(slots=True, repr=False)  # headers hold secrets
class PreparedRequest:
    """One request, ready for ``HTTPConnection.request()``."""

    host: str
    """The authority to connect to: the site's or the proxy's."""
    tunnel: str | None
    """The target of CONNECT, in authority-form (RFC 9112 section 3.2.3); None without a tunnel."""
    method: str
    target: str
    """The request target: in origin-form, or in absolute-form for a proxy."""
    headers: dict[str, Any]
    proxy_authorization: str | None = None
    """The Proxy-Authorization that the program gave; before a tunnel it belongs to CONNECT."""
    credentials: Credentials | None = None
    """The userinfo of the URL."""
    proxy_credentials: Credentials | None = None
    """The userinfo before the proxy's host."""
    absolute_form: bool = False
    """The target is in absolute-form (RFC 9112 section 3.2.2): a proxy reads this request, through no tunnel."""
    route: Route | None = None
    """Over which the connection is opened; None where it connects to the host as http.client does."""

    def for_head(self) -> PreparedRequest:
        """Return the HEAD request for the same target, which has no body and no effect."""
        headers = {name: value for name, value in self.headers.items() if name not in _OF_THE_BODY}
        return replace(self, method="HEAD", headers=headers)


def prepare(
    request: Any, url: str, method: str, session: Session | None, route: Route | None = None
) -> PreparedRequest:
    """Read a Request, without a change to it.

    :param request: the Request
    :param url: its whole URL
    :param method: its method
    :param session: that of the opener; without one the server is not asked to keep the connection open
    :param route: over which it goes, in place of the proxy that ``set_proxy()`` has set; None where there is no other
    :raises URLError: the URL has no host
    """
    host, target, tunnel = request.host, request.selector, request._tunnel_host
    reader = route.hops[-1] if route is not None and route.reads_requests else None
    if reader is not None and host:
        # As ``set_proxy()`` would have it.
        if request.type == "https":
            tunnel = host
        else:
            target = url
        host = reader.authority
    if not host:
        raise URLError("no host given")
    # As in urllib, the unredirected fields come first and override the others.
    fields = request.unredirected_hdrs
    if request.headers:
        fields = {**fields, **request.headers, **fields}
    if session is None:
        headers = {**_titled(fields), "Connection": "close"}
    else:
        # Most requests have the fields of the one before.
        items, last = tuple(fields.items()), session.last_fields
        if last is not None and last[0] == items:
            headers = last[1].copy()
        else:
            headers = _titled(fields)
            headers.setdefault("Connection", "keep-alive")
            session.last_fields = items, headers.copy()
    proxy_authorization = headers.get("Proxy-Authorization")
    if isinstance(proxy_authorization, bytes):
        proxy_authorization = proxy_authorization.decode("latin-1")
    if tunnel and proxy_authorization is not None:
        del headers["Proxy-Authorization"]

    # Origin-form begins with a slash: ``set_proxy()`` would have made it absolute-form.
    absolute_form = target[:1] != "/" and not tunnel and (reader is not None or request.has_proxy())
    if absolute_form and "#" in target:
        target = target.partition("#")[0]
    credentials = proxy_credentials = None
    if "@" in url or "@" in host:
        # From the URL: ``Request`` has already percent-decoded its host once.
        credentials = take_userinfo(url)[0]
        if tunnel:
            tunnel = tunnel.rpartition("@")[2]
        if absolute_form:
            target = take_userinfo(target)[1]
        if tunnel or absolute_form:
            proxy_credentials, host = _credentials_and_host(host)
        else:
            host = host.rpartition("@")[2]
        if "Host" in headers:
            headers["Host"] = headers["Host"].rpartition("@")[2]
    if reader is not None and reader.username is not None:
        proxy_credentials = Credentials(reader.username, reader.password or "")
    # What its constructor does, without the call: 1,700 instructions less.
    prepared = PreparedRequest.__new__(PreparedRequest)
    prepared.host = host
    prepared.tunnel = tunnel
    prepared.method = method
    prepared.target = target
    prepared.headers = headers
    prepared.proxy_authorization = proxy_authorization
    prepared.credentials = credentials
    prepared.proxy_credentials = proxy_credentials
    prepared.absolute_form = absolute_form
    prepared.route = route
    return prepared


def _titled(fields: dict[str, Any]) -> dict[str, Any]:
    return {name.title(): value for name, value in fields.items()}


def take_userinfo(url: str) -> tuple[Credentials | None, str]:
    """Cut the userinfo out of a URL.

    :returns: the userinfo as credentials, None where there is none, and the URL without it
    """
    parts = _split_url(url) if "@" in url else None
    if parts is None:
        return None, url
    credentials, authority = _credentials_and_host(parts[2])
    return credentials, parts[1] + authority + parts[3]


def _credentials_and_host(authority: str) -> tuple[Credentials | None, str]:
    user, password, host = split_userinfo(authority)
    return (None if user is None else Credentials(user, password or "")), host
