"""The handlers for logins that the standard library lacks; like the others they only declare."""

from __future__ import annotations

import urllib.request

from coda_network._auth.registry import NTLM_PROVIDERS

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from coda_network._auth.registry import Entry


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
    login_declaration = ("ORIGIN", "ntlm")


class ProxyNtlmAuthHandler(NtlmHandler):
    """NTLM logins to proxies, CONNECT included (MS-NTHT)."""

    __module__ = "coda_network.ntlm_auth"
    login_declaration = ("PROXY", "ntlm")


class HTTPNegotiateAuthHandler(PasswordHandler):
    """Negotiate logins to sites (RFC 4559): Kerberos, else NTLM; with no user name, the ticket of the session."""

    __module__ = "coda_network.negotiate_auth"
    login_declaration = ("ORIGIN", "negotiate")


class ProxyNegotiateAuthHandler(PasswordHandler):
    """Negotiate logins to proxies, CONNECT included (RFC 4559)."""

    __module__ = "coda_network.negotiate_auth"
    login_declaration = ("PROXY", "negotiate")
