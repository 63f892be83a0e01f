"""Who logs in, and with which scheme: what the handlers of an opener declare, and what URLs say.

The handlers have the standard library's interface. They declare; the exchange logs in, on the connection that the
login belongs to. Their ``http_error_401`` and ``http_error_407`` serve where no exchange has been: other transports.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable, Mapping
from typing import Any

from coda_network._auth.credentials import Credentials, CredentialSource
from coda_network._auth.registry import NTLM_PROVIDERS, SCHEMES, Entry
from coda_network._auth.scheme import Role
from coda_network._wire.urls import parse_proxy_url, split_authority

_stdlib_basic_401 = urllib.request.HTTPBasicAuthHandler.http_error_401
_stdlib_basic_407 = urllib.request.ProxyBasicAuthHandler.http_error_407
_stdlib_digest_401 = urllib.request.HTTPDigestAuthHandler.http_error_401
_stdlib_digest_407 = urllib.request.ProxyDigestAuthHandler.http_error_407


def _was_served(handler: Any, response: Any) -> bool:
    """Tell whether an exchange has done, on behalf of *handler*, what could be done about a challenge."""
    return getattr(response, "auth_report", None) is not None and declared(handler) is not None


class HTTPBasicAuthHandler(urllib.request.HTTPBasicAuthHandler):
    """urllib.request.HTTPBasicAuthHandler: Basic logins to sites (RFC 7617)."""

    __module__ = "urllib.request"

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in where no exchange has tried."""
        return None if _was_served(self, fp) else _stdlib_basic_401(self, req, fp, code, msg, headers)


class ProxyBasicAuthHandler(urllib.request.ProxyBasicAuthHandler):
    """urllib.request.ProxyBasicAuthHandler: Basic logins to proxies, CONNECT included."""

    __module__ = "urllib.request"

    def http_error_407(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in where no exchange has tried."""
        return None if _was_served(self, fp) else _stdlib_basic_407(self, req, fp, code, msg, headers)


class HTTPDigestAuthHandler(urllib.request.HTTPDigestAuthHandler):
    """urllib.request.HTTPDigestAuthHandler: Digest logins to sites (RFC 7616)."""

    __module__ = "urllib.request"

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in where no exchange has tried."""
        return None if _was_served(self, fp) else _stdlib_digest_401(self, req, fp, code, msg, headers)


class ProxyDigestAuthHandler(urllib.request.ProxyDigestAuthHandler):
    """urllib.request.ProxyDigestAuthHandler: Digest logins to proxies, CONNECT included."""

    __module__ = "urllib.request"

    def http_error_407(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Log in where no exchange has tried."""
        return None if _was_served(self, fp) else _stdlib_digest_407(self, req, fp, code, msg, headers)


class PasswordHandler(urllib.request.BaseHandler):
    """Declares one scheme for one role, with a password manager.

    :param password_mgr: a password manager of urllib.request; None makes an ``HTTPPasswordMgrWithDefaultRealm``
    """

    handler_order = 480  # before Digest and Basic, like their strength

    login_schemes: Mapping[str, Entry] = {}
    """What takes the place of the registry's entries for this handler's role."""

    def __init__(self, password_mgr: Any = None) -> None:
        self.passwd = urllib.request.HTTPPasswordMgrWithDefaultRealm() if password_mgr is None else password_mgr
        self.add_password = self.passwd.add_password

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Do nothing: the exchange has logged in, or cannot. An opener takes in only what handles something."""

    http_error_407 = http_error_401


class NtlmHandler(PasswordHandler):
    """Declares NTLM for one role; user names are ``DOMAIN\\user``, ``user@domain`` or ``user``.

    :param password_mgr: as for PasswordHandler
    :param provider: who makes the messages: ``"spnego"``, NTLMv2 by pyspnego; or ``"ntlm3"``, NTLMv1 by python-ntlm3,
        for servers that know no more
    :raises ValueError: another provider
    """

    def __init__(self, password_mgr: Any = None, provider: str = "spnego") -> None:
        super().__init__(password_mgr)
        if provider not in NTLM_PROVIDERS:
            raise ValueError(f"provider must be one of {', '.join(NTLM_PROVIDERS)}")
        self.login_schemes = {"ntlm": NTLM_PROVIDERS[provider]}


class HTTPNtlmAuthHandler(NtlmHandler):
    """NTLM logins to sites (MS-NTHT)."""

    __module__ = "coda_network.ntlm_auth"


class ProxyNtlmAuthHandler(NtlmHandler):
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


def schemes(handlers: Iterable[Any], role: Role) -> Mapping[str, Entry]:
    """Return the schemes for logins in one role: the registry's, or what a handler of that role has in their place."""
    found = dict(SCHEMES)
    for handler in handlers:
        if own := getattr(handler, "login_schemes", None):
            declaration = declared(handler)
            if declaration is None or declaration[0] is role:
                found.update(own)
    return found


class Sources:
    """Who may log in for one request in one role, by scheme; looked up when a login asks.

    :param handlers: of the opener; what they declare comes first
    :param url: what the password managers of sites are asked for
    :param authority: of the proxy, what the password managers of proxies are asked for
    :param other: serves whatever scheme is asked for, where the handlers know nobody
    """

    def __init__(self, handlers: Iterable[Any], role: Role, url: str, authority: str, other: CredentialSource) -> None:
        self._handlers = handlers
        self._role = role
        self._url = url
        self._authority = authority
        self._other = other

    def get(self, scheme: str) -> CredentialSource | None:
        """Return whom to ask for the credentials of a scheme; None where it is not to be used."""
        managers = self._managers(scheme)
        # A ticket goes to a site only where a handler says so: a site can make use of it (RFC 4559 section 7).
        if not managers and scheme == "negotiate" and self._role is Role.ORIGIN and self._other(None) is None:
            return None
        uris = [self._url] if self._role is Role.ORIGIN else [self._authority]
        if self._role is Role.PROXY and scheme == "digest":
            # The standard library asks for the URL here, so there are programs that gave the password for it.
            uris.append(self._url)

        def source(realm: str | None) -> Credentials | None:
            for manager in managers:
                for uri in uris:
                    user, password = manager.find_user_password(realm, uri)
                    if user is not None:
                        return Credentials(user, password or "")
            return self._other(realm)

        return source

    def expect_a_login(self) -> bool:
        """Tell whether the program named somebody who may have to log in."""
        return any(self._managers(scheme) for scheme in SCHEMES) or self._other(None) is not None

    def _managers(self, scheme: str) -> list[Any]:
        return [handler.passwd for handler in self._handlers if declared(handler) == (self._role, scheme)]


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
