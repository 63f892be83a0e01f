"""``HTTPRedirectHandler``: redirects that take no secret to another origin."""

from __future__ import annotations

import http.client
import sys
import urllib.error

from coda_network._originals import kept, urllib_request
from coda_network._secrets import hide_userinfo

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

_stdlib_http_error_302 = kept(urllib_request.HTTPRedirectHandler, "http_error_302")
_stdlib_redirect_request = kept(urllib_request.HTTPRedirectHandler, "redirect_request")


class HTTPRedirectHandler(urllib_request.HTTPRedirectHandler):
    """urllib.request.HTTPRedirectHandler that drops credentials where scheme, host or port change."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Follow a redirect; the page that came with it is not waited for.

        :raises urllib.error.HTTPError: it may not be followed: too many, another scheme, a ``Location`` that is no URL
        """
        from coda_network._wire.origin import Redirects, asked_for, origin

        if asked_for(req) is None:
            # The standard library hands it on to each request that follows, and counts in it.
            req.redirect_dict = Redirects(origin(req.full_url), getattr(req, "redirect_dict", {}))
        unneeded = _UnneededPage(fp)
        page: Any = unneeded
        try:
            return _stdlib_http_error_302(self, req, page, code, msg, headers)
        except urllib.error.HTTPError as error:
            refused: Any = error
            if "://" in str(error.msg):
                error.msg = hide_userinfo(error.msg)
            if getattr(refused, "fp", None) is page:
                # The program may want the page of a redirect that is not followed.
                unneeded.is_wanted, refused.fp = True, fp
            raise
        except ValueError as error:
            if isinstance(error, (OSError, http.client.HTTPException)) or page.was_read:
                raise
            location = headers.get("location") or headers.get("uri")
            why = f"{msg} - Redirection to what is no URL: {location.rpartition('@')[2]!r}"
            raise urllib.error.HTTPError(req.full_url, code, why, headers, fp) from None

    http_error_301 = http_error_303 = http_error_307 = http_error_302
    if sys.version_info >= (3, 11):
        http_error_308 = http_error_302

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Return the request that follows a redirect; None gives the response to the program.

        :param req: the request that was redirected
        :param newurl: where to
        :raises urllib.error.HTTPError: its method may not be redirected
        """
        from coda_network._wire.origin import SECRET_FIELDS, origin

        redirected = _stdlib_redirect_request(self, req, fp, code, msg, headers, newurl)
        if redirected is not None and origin(redirected.full_url) != origin(req.full_url):
            for name in SECRET_FIELDS:
                redirected.headers.pop(name, None)
        return redirected


class _UnneededPage:
    """A response whose page is drained where the standard library reads it whole."""

    def __init__(self, response: Any) -> None:
        self._response = response
        self.was_read = False
        self.is_wanted = False

    def __iter__(self) -> Any:
        return iter(self._response)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def read(self, *arguments: Any) -> bytes:
        from coda_network._http.drain import drain

        if self.is_wanted:
            return self._response.read(*arguments)  # type: ignore[no-any-return]  # whatever stands in for a response
        self.was_read = True
        drain(self._response)
        return b""
