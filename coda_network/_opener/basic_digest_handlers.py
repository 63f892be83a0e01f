"""The handlers for Basic and Digest, the schemes that the standard library has, too.

A handler declares a role and a scheme; the exchange logs in, on the connection that the login belongs to. The methods
``http_error_401`` and ``http_error_407`` log in where a response came by another way than an exchange.
"""

from __future__ import annotations

from coda_network._originals import kept, urllib_request

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

_stdlib_http_request = kept(urllib_request.AbstractBasicAuthHandler, "http_request")
_stdlib_basic_401 = kept(urllib_request.HTTPBasicAuthHandler, "http_error_401")
_stdlib_basic_407 = kept(urllib_request.ProxyBasicAuthHandler, "http_error_407")
_stdlib_digest_401 = kept(urllib_request.HTTPDigestAuthHandler, "http_error_401")
_stdlib_digest_407 = kept(urllib_request.ProxyDigestAuthHandler, "http_error_407")


def _has_been_tried(handler: Any, response: Any) -> bool:
    """Return whether an exchange has tried the login that *handler* declares: its response has a report."""
    if getattr(response, "auth_report", None) is None:
        return False
    from coda_network._transport.declared_logins import declared

    return declared(handler) is not None


def _is_of_a_site(req: Any, response: Any) -> bool:
    """Return whether a 407 is a site's own, with no proxy in the way that could have sent it."""
    return not req.has_proxy() and getattr(response, "tunnel", False) is not True


class HTTPBasicAuthHandler(urllib_request.HTTPBasicAuthHandler):
    """urllib.request.HTTPBasicAuthHandler: Basic logins to sites (RFC 7617)."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it
    login_declaration = ("ORIGIN", "basic")

    def http_request(self, req: Any) -> Any:
        """Add the login that a password manager with prior authentication knows for this URL."""
        if req.type == "http" and hasattr(self.passwd, "is_authenticated"):
            from coda_network._transport.password_entries import find_site_password

            if find_site_password(self.passwd, None, req.full_url)[0] is None:
                return req  # the password is for https only
        return _stdlib_http_request(self, req)

    https_request = http_request

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in, where no exchange has tried."""
        return None if _has_been_tried(self, fp) else _stdlib_basic_401(self, req, fp, code, msg, headers)


class ProxyBasicAuthHandler(urllib_request.ProxyBasicAuthHandler):
    """urllib.request.ProxyBasicAuthHandler: Basic logins to proxies, CONNECT included."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it
    login_declaration = ("PROXY", "basic")

    def http_error_407(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in, where no exchange has tried."""
        if _has_been_tried(self, fp) or _is_of_a_site(req, fp):
            return None
        return _stdlib_basic_407(self, req, fp, code, msg, headers)


class HTTPDigestAuthHandler(urllib_request.HTTPDigestAuthHandler):
    """urllib.request.HTTPDigestAuthHandler: Digest logins to sites (RFC 7616)."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it
    login_declaration = ("ORIGIN", "digest")

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in, where no exchange has tried."""
        return None if _has_been_tried(self, fp) else _stdlib_digest_401(self, req, fp, code, msg, headers)


class ProxyDigestAuthHandler(urllib_request.ProxyDigestAuthHandler):
    """urllib.request.ProxyDigestAuthHandler: Digest logins to proxies, CONNECT included."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it
    login_declaration = ("PROXY", "digest")

    def http_error_407(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in, where no exchange has tried."""
        if _has_been_tried(self, fp) or _is_of_a_site(req, fp):
            return None
        return _stdlib_digest_407(self, req, fp, code, msg, headers)
