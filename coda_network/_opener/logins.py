"""Who logs in, and with which scheme: what the handlers of an opener declare, and what URLs say.

The handlers have the standard library's interface. They declare; the exchange logs in, on the connection that the
login belongs to. Their ``http_error_401`` and ``http_error_407`` serve where no exchange has been: other transports.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable
from typing import Any

from coda_network._auth.credentials import Credentials, CredentialSource
from coda_network._auth.registry import SCHEMES
from coda_network._auth.scheme import Role
from coda_network._wire.urls import parse_proxy_url, split_authority

_stdlib_basic_401 = urllib.request.HTTPBasicAuthHandler.http_error_401
_stdlib_basic_407 = urllib.request.ProxyBasicAuthHandler.http_error_407
_stdlib_digest_401 = urllib.request.HTTPDigestAuthHandler.http_error_401
_stdlib_digest_407 = urllib.request.ProxyDigestAuthHandler.http_error_407


def was_tried(response: Any) -> bool:
    """Tell whether an exchange has answered the challenges of *response*, or found that it cannot."""
    return getattr(response, "auth_report", None) is not None


class HTTPBasicAuthHandler(urllib.request.HTTPBasicAuthHandler):
    """urllib.request.HTTPBasicAuthHandler: Basic logins to sites (RFC 7617)."""

    __module__ = "urllib.request"

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in where no exchange has tried."""
        return None if was_tried(fp) else _stdlib_basic_401(self, req, fp, code, msg, headers)


class ProxyBasicAuthHandler(urllib.request.ProxyBasicAuthHandler):
    """urllib.request.ProxyBasicAuthHandler: Basic logins to proxies, CONNECT included."""

    __module__ = "urllib.request"

    def http_error_407(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in where no exchange has tried."""
        return None if was_tried(fp) else _stdlib_basic_407(self, req, fp, code, msg, headers)


class HTTPDigestAuthHandler(urllib.request.HTTPDigestAuthHandler):
    """urllib.request.HTTPDigestAuthHandler: Digest logins to sites (RFC 7616)."""

    __module__ = "urllib.request"

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in where no exchange has tried."""
        return None if was_tried(fp) else _stdlib_digest_401(self, req, fp, code, msg, headers)


class ProxyDigestAuthHandler(urllib.request.ProxyDigestAuthHandler):
    """urllib.request.ProxyDigestAuthHandler: Digest logins to proxies, CONNECT included."""

    __module__ = "urllib.request"

    def http_error_407(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in where no exchange has tried."""
        return None if was_tried(fp) else _stdlib_digest_407(self, req, fp, code, msg, headers)


class PasswordHandler(urllib.request.BaseHandler):
    """Declares one scheme for one role, with a password manager.

    :param password_mgr: a password manager of urllib.request; None makes an ``HTTPPasswordMgrWithDefaultRealm``
    """

    handler_order = 480  # before Digest and Basic, like their strength

    def __init__(self, password_mgr: Any = None) -> None:
        self.passwd = urllib.request.HTTPPasswordMgrWithDefaultRealm() if password_mgr is None else password_mgr
        self.add_password = self.passwd.add_password


class HTTPNtlmAuthHandler(PasswordHandler):
    """NTLM logins to sites (MS-NTHT); user names are ``DOMAIN\\user``, ``user@domain`` or ``user``."""

    __module__ = "coda_network.ntlm_auth"


class ProxyNtlmAuthHandler(PasswordHandler):
    """NTLM logins to proxies, CONNECT included (MS-NTHT)."""

    __module__ = "coda_network.ntlm_auth"


class HTTPNegotiateAuthHandler(PasswordHandler):
    """Negotiate logins to sites (RFC 4559): Kerberos, else NTLM; with no user name, the ticket of the session."""

    __module__ = "coda_network.negotiate_auth"


class ProxyNegotiateAuthHandler(PasswordHandler):
    """Negotiate logins to proxies, CONNECT included (RFC 4559)."""

    __module__ = "coda_network.negotiate_auth"


_DECLARED: dict[type, tuple[Role, str]] = {
    urllib.request.HTTPBasicAuthHandler: (Role.ORIGIN, "basic"),
    urllib.request.ProxyBasicAuthHandler: (Role.PROXY, "basic"),
    urllib.request.HTTPDigestAuthHandler: (Role.ORIGIN, "digest"),
    urllib.request.ProxyDigestAuthHandler: (Role.PROXY, "digest"),
    HTTPNtlmAuthHandler: (Role.ORIGIN, "ntlm"),
    ProxyNtlmAuthHandler: (Role.PROXY, "ntlm"),
    HTTPNegotiateAuthHandler: (Role.ORIGIN, "negotiate"),
    ProxyNegotiateAuthHandler: (Role.PROXY, "negotiate"),
}
_OURS = {HTTPBasicAuthHandler, ProxyBasicAuthHandler, HTTPDigestAuthHandler, ProxyDigestAuthHandler}
_OWN_WAY = {
    "http_error_401",
    "http_error_407",
    "http_error_auth_reqed",
    "retry_http_basic_auth",
    "retry_http_digest_auth",
    "get_authorization",
}


def declared(handler: Any) -> tuple[Role, str] | None:
    """Return the role and the scheme that *handler* declares; None where it overrides how to log in."""
    for base in type(handler).__mro__:
        if base in _DECLARED:
            return _DECLARED[base]
        if base not in _OURS and not _OWN_WAY.isdisjoint(vars(base)):
            return None
    return None


def sources(
    handlers: Iterable[Any], role: Role, url: str, authority: str, others: Iterable[Credentials | None]
) -> dict[str, CredentialSource]:
    """Return who may log in, by scheme.

    :param handlers: of the opener; what they declare comes first
    :param url: what the password managers of sites are asked for
    :param authority: of the proxy, what the password managers of proxies are asked for
    :param others: logins that serve whatever scheme is asked for, the first that is there counts
    """
    by_scheme: dict[str, list[Any]] = {}
    for handler in handlers:
        if (declaration := declared(handler)) and declaration[0] is role:
            by_scheme.setdefault(declaration[1], []).append(handler.passwd)
    other = next((credentials for credentials in others if credentials is not None), None)
    names = by_scheme if other is None else SCHEMES
    found: dict[str, CredentialSource] = {}
    for name in names:
        uris = [url] if role is Role.ORIGIN else [authority]
        if role is Role.PROXY and name == "digest":
            # The standard library asks for the URL here, so there are programs that gave the password for it.
            uris.append(url)
        found[name] = _source(by_scheme.get(name, []), uris, other)
    return found


def _source(managers: list[Any], uris: list[str], other: Credentials | None) -> CredentialSource:
    def source(realm: str | None) -> Credentials | None:
        for manager in managers:
            for uri in uris:
                user, password = manager.find_user_password(realm, uri)
                if user is not None:
                    return Credentials(user, password or "")
        return other

    return source


def proxy_credentials(handlers: Iterable[Any], authority: str) -> Credentials | None:
    """Return the login in the URL of the proxy *authority*, as the ProxyHandlers of an opener have it."""
    for handler in handlers:
        if isinstance(handler, urllib.request.ProxyHandler):
            for url in handler.proxies.values():  # type: ignore[attr-defined]  # set by __init__
                try:
                    proxy = parse_proxy_url(url)
                    known = split_authority(authority, proxy.port) == (proxy.host, proxy.port)
                except ValueError:
                    continue
                if known and proxy.username is not None:
                    return Credentials(proxy.username, proxy.password or "")
    return None
