"""Redirects that take no secret to another origin."""

from __future__ import annotations

import urllib.request
from urllib.parse import urlsplit

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

_stdlib_redirect_request = urllib.request.HTTPRedirectHandler.redirect_request

# RFC 9110 15.4: these are for the origin that they were meant for (CVE-2018-20060, CVE-2023-32681).
_SECRETS = ("Authorization", "Proxy-authorization", "Cookie")

_PORTS = {"http": 80, "https": 443}


class HTTPRedirectHandler(urllib.request.HTTPRedirectHandler):
    """urllib.request.HTTPRedirectHandler that drops credentials on the way to another scheme, host or port."""

    __module__ = "urllib.request"  # it stands in for that class, and is shown and looked up by its name

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Return the request to follow a redirect with; None to hand the answer to the program.

        :raises urllib.error.HTTPError: the method is not one that may be redirected
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
        port = -1  # of no origin; the request itself says what is wrong
    return parts.scheme, parts.hostname, port or _PORTS.get(parts.scheme)
