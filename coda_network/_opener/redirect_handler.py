"""``HTTPRedirectHandler``: redirects that take no secret to another origin."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

_stdlib_redirect_request = urllib.request.HTTPRedirectHandler.redirect_request

# RFC 9110 section 15.4: these fields are meant for one origin only (CVE-2018-20060, CVE-2023-32681).
_SECRETS = ("Authorization", "Proxy-authorization", "Cookie")

_PORTS = {"http": 80, "https": 443}


class HTTPRedirectHandler(urllib.request.HTTPRedirectHandler):
    """urllib.request.HTTPRedirectHandler that drops credentials where scheme, host or port change."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Return the request that follows a redirect; None gives the response to the program.

        :param req: the request that was redirected
        :param newurl: where to
        :raises urllib.error.HTTPError: its method may not be redirected
        """
        redirected = _stdlib_redirect_request(self, req, fp, code, msg, headers, newurl)
        if redirected is not None and _origin(redirected.full_url) != _origin(req.full_url):
            for name in _SECRETS:
                redirected.headers.pop(name, None)
        return redirected


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = -1  # equal to no origin; the request itself raises what is wrong
    return parts.scheme, parts.hostname, port or _PORTS.get(parts.scheme)
