"""Cookies that come with a challenge: they go into the program's jar, and out again with the login.

RFC 6265 section 3 has user agents take cookies from responses of any status. The opener's handlers do not see the
challenges that an exchange meets by itself, so their jars are asked here.
"""

from __future__ import annotations

import urllib.request
from typing import Any


def keep_cookies(request: Any, handlers: Any, response: Any) -> str | None:
    """Put the cookies of a challenge into the jars of an opener; return the Cookie field to send now.

    :param request: the program's; it stays as it is
    :param handlers: of the opener
    :param response: with the challenge
    :returns: None where there is no jar, no new cookie, or a Cookie field of the program's own
    """
    jars = [handler.cookiejar for handler in handlers if isinstance(handler, urllib.request.HTTPCookieProcessor)]
    if not jars or response.headers.get("Set-Cookie") is None or "Cookie" in request.headers:
        return None
    fresh = urllib.request.Request(
        request.get_full_url(), origin_req_host=request.origin_req_host, unverifiable=request.unverifiable
    )
    for jar in jars:
        jar.extract_cookies(response, fresh)
        jar.add_cookie_header(fresh)
    cookie: str | None = fresh.get_header("Cookie")
    return cookie
