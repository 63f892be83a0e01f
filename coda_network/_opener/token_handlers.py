"""Handlers for logins that go with each request, unasked, to the sites that they are for: Bearer and WSSE."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
import urllib.request

from coda_network._wire.origin import origin

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_token = re.compile(r"[A-Za-z0-9._~+/-]+=*").fullmatch  # RFC 6750 section 2.1


class _Own(str):
    """The value of a field that a handler has set, unlike one of the program."""

    __slots__ = ()


class TokenHandler(urllib.request.BaseHandler):
    """Adds fields to the requests that its sites get. No redirect takes them to another site.

    A request, or an opener, with a field of its own in their place keeps it.
    """

    handler_order = 600  # behind the HTTPHandler (500), which adds the fields of the opener and of the body

    def fields(self, req: Any) -> dict[str, str] | None:
        """Return the fields for a request; None where it is for another site."""
        raise NotImplementedError  # each subclass has its own

    def http_request(self, req: Any) -> Any:
        """Add the fields."""
        unredirected = req.unredirected_hdrs
        for name in [name for name, value in unredirected.items() if type(value) is _Own]:
            del unredirected[name]  # the Request is used again, perhaps for another site
        fields = self.fields(req)
        if fields is not None and not any(req.has_header(name) for name in fields):
            for name, value in fields.items():
                req.add_unredirected_header(name, _Own(value))
        return req

    https_request = http_request


class Sites:
    """The origins that a secret is for.

    :param urls: a URL, or several; what follows the port does not count
    :raises ValueError: one is no URL of http or https, or there is none
    """

    def __init__(self, urls: str | Iterable[str]) -> None:
        given = [urls] if isinstance(urls, str) else list(urls)
        self._origins = frozenset(map(origin, given))
        if not given or not all(scheme in ("http", "https") and host for scheme, host, _ in self._origins):
            raise ValueError("sites are URLs of http or https: https://api.example")

    def __contains__(self, url: str) -> bool:
        return origin(url) in self._origins


class HTTPBearerAuthHandler(TokenHandler):
    """Sends a bearer token to certain sites (RFC 6750).

    :param token: the token, or a function that returns it, which is called for each request
    :param sites: the URL of the site that it is for, or several: scheme, host and port count
    :raises ValueError: the token has characters that no token has, or a site is no URL
    """

    __module__ = "coda_network.token_auth"

    def __init__(self, token: str | Callable[[], str], sites: str | Iterable[str]) -> None:
        self._token = token if callable(token) else _checked(token)
        self._sites = Sites(sites)

    def fields(self, req: Any) -> dict[str, str] | None:
        """Return ``Authorization``.

        :raises ValueError: what the function returned is no token
        """
        if req.full_url not in self._sites:
            return None
        token = _checked(self._token()) if callable(self._token) else self._token
        return {"Authorization": f"Bearer {token}"}


def _checked(token: object) -> str:
    if not isinstance(token, str) or not _token(token):
        raise ValueError("a bearer token is a text of letters, digits and -._~+/, perhaps with = at its end")
    return token


class HTTPWsseAuthHandler(TokenHandler):
    """Sends a WSSE UsernameToken, the digest of a password, in ``X-WSSE``.

    It goes to the URLs for which the password manager has a password without a realm.

    :param password_mgr: a password manager of urllib.request; None makes an ``HTTPPasswordMgrWithDefaultRealm``
    :param decode_nonce: the digest takes the bytes that the nonce stands for in base64, as in OASIS WS-Security; by
        default the nonce as it is sent, as in the Atom publishing API and in httplib2
    """

    __module__ = "coda_network.token_auth"

    def __init__(self, password_mgr: Any = None, *, decode_nonce: bool = False) -> None:
        self.passwd = urllib.request.HTTPPasswordMgrWithDefaultRealm() if password_mgr is None else password_mgr
        self.add_password = self.passwd.add_password
        self._decode_nonce = decode_nonce

    def fields(self, req: Any) -> dict[str, str] | None:
        """Return ``Authorization`` and ``X-WSSE``.

        :raises ValueError: the user name has a line end or a quotation mark
        """
        from coda_network._transport.password_entries import find_site_password

        user, password = find_site_password(self.passwd, None, req.full_url)
        if user is None or password is None:
            return None
        name, secret = (each.decode() if isinstance(each, bytes) else each for each in (user, password))
        if not name.isprintable() or '"' in name or "\\" in name:
            raise ValueError("a user name for WSSE has no line end, quotation mark or backslash")
        return {"Authorization": 'WSSE profile="UsernameToken"', "X-wsse": self._username_token(name, secret)}

    def _username_token(self, user: str, password: str) -> str:
        random = secrets.token_bytes(16)
        nonce = base64.b64encode(random)
        created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        hashed = (random if self._decode_nonce else nonce) + created.encode() + password.encode()
        digest = base64.b64encode(hashlib.sha1(hashed, usedforsecurity=False).digest()).decode()
        # Bytes of UTF-8, each as the character that a field is sent as.
        name = user.encode().decode("latin-1")
        return (
            f'UsernameToken Username="{name}", PasswordDigest="{digest}", Nonce="{nonce.decode()}", Created="{created}"'
        )
