"""The handlers for NTLM and Negotiate, which the standard library lacks; like the others they only declare."""

from __future__ import annotations

import urllib.request

from coda_network._auth.registry import NTLM_PROVIDERS

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from coda_network._auth.registry import Entry


class PasswordHandler(urllib.request.BaseHandler):
    """Declares one scheme for one role, with a password manager that has the credentials.

    :param password_mgr: a password manager of urllib.request; None makes an ``HTTPPasswordMgrWithDefaultRealm``
    """

    handler_order = 480  # before Digest (490) and Basic (500): the stronger scheme first

    login_schemes: Mapping[str, Entry] = {}
    """Entries that replace the registry's for this handler's role."""

    def __init__(self, password_mgr: Any = None) -> None:
        self.passwd = urllib.request.HTTPPasswordMgrWithDefaultRealm() if password_mgr is None else password_mgr
        self.add_password = self.passwd.add_password

    def http_error_401(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Do nothing: the exchange has tried the login. An opener ignores handlers without a method of this kind."""

    http_error_407 = http_error_401


class NtlmHandler(PasswordHandler):
    """Declares NTLM for one role; user names are ``DOMAIN\\user``, ``user@domain`` or ``user``.

    :param password_mgr: as for PasswordHandler
    :param provider: the library that makes the tokens: ``"spnego"``, NTLMv2 by pyspnego; or ``"ntlm3"``, NTLMv1 by
        python-ntlm3, for servers that know no more
    :raises ValueError: there is no such provider
    """

    def __init__(self, password_mgr: Any = None, provider: str = "spnego") -> None:
        super().__init__(password_mgr)
        if provider not in NTLM_PROVIDERS:
            raise ValueError(f"provider must be one of {', '.join(NTLM_PROVIDERS)}")
        self.login_schemes = {"ntlm": NTLM_PROVIDERS[provider]}


class HTTPNtlmAuthHandler(NtlmHandler):
    """NTLM logins to sites (MS-NTHT)."""

    __module__ = "coda_network.ntlm_auth"
    login_declaration = ("ORIGIN", "ntlm")


class ProxyNtlmAuthHandler(NtlmHandler):
    """NTLM logins to proxies, CONNECT included (MS-NTHT)."""

    __module__ = "coda_network.ntlm_auth"
    login_declaration = ("PROXY", "ntlm")


class HTTPNegotiateAuthHandler(PasswordHandler):
    """Negotiate logins to sites (RFC 4559): Kerberos, else NTLM; without a user name, by the ticket at hand."""

    __module__ = "coda_network.negotiate_auth"
    login_declaration = ("ORIGIN", "negotiate")


class ProxyNegotiateAuthHandler(PasswordHandler):
    """Negotiate logins to proxies, CONNECT included (RFC 4559)."""

    __module__ = "coda_network.negotiate_auth"
    login_declaration = ("PROXY", "negotiate")
