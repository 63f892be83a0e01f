"""Who asks: what keeps the responses of users apart (RFC 9111 section 7.3 has the reason).

Everybody is told from everybody else by whatever the request may log in with: userinfo, Authorization, cookies and keys
in header fields, the passwords of the opener's handlers, those of ``patch(credentials=...)`` and netrc, the client
certificate, the Kerberos ticket. Passwords count too: a wrong one does not get what the right one has got.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import urllib.request
import uuid
import weakref
from collections.abc import Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from coda_network._auth.credentials import Credentials
from coda_network._auth.defaults import known_credentials
from coda_network._auth.scheme import Peer, Role
from coda_network._cache.folder import Folder
from coda_network._transport.declared_logins import declared

NOBODY = "0"
"""Who asks without any credentials."""

_SECRETS = re.compile(r"authorization|cookie|wsse|token|secret|session|api-?key|subscription-key|-key$|^key$|-user$")
_NO_SECRETS = re.compile(r"^proxy-|^sec-websocket")

_strangers: weakref.WeakKeyDictionary[Any, str] = weakref.WeakKeyDictionary()


def who_asks(folder: Folder, opener: Any, request: Any, fields: dict[str, str]) -> str:
    """Return what stands for the user of a request in the names of files.

    :param opener: whose handlers may log in; None for none
    :param fields: of the request, by their names in lower case
    """
    long = sorted(f"{name}:{value}" for name, value in fields.items() if _is_secret(name) and not _basic(name, value))
    short = [login for name, value in sorted(fields.items()) if (login := _basic(name, value))]
    url = request.full_url
    parts = urlsplit(url)
    userinfo, _, _ = parts.netloc.rpartition("@")
    if userinfo:
        short.append(userinfo)
    for handler in getattr(opener, "handlers", None) or ():
        short += _of_handler(handler, url)
    host = parts.hostname or ""
    for source in known_credentials(Peer(Role.ORIGIN, host, _port(parts))):
        short.append(repr((source.username, source.password)) if isinstance(source, Credentials) else _stranger(source))
    if not short and not long:
        return NOBODY
    return folder.digest("\n".join([_slowly(folder, tuple(short)) if short else "", *long]))


def _is_secret(name: str) -> bool:
    return _SECRETS.search(name) is not None and _NO_SECRETS.search(name) is None


def _basic(name: str, value: str) -> str | None:
    """Return the user and the password of an Authorization; None of one that has none."""
    scheme, _, token = value.partition(" ")
    if name != "authorization" or scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(token, validate=False).decode("latin-1")
    except (binascii.Error, ValueError):
        return value


def _of_handler(handler: Any, url: str) -> Iterator[str]:
    """Yield what a handler may log in with at the site."""
    if certificate := getattr(handler, "_client_certificate", None):
        yield f"certificate {certificate!r}"
    manager = getattr(handler, "passwd", None)
    if manager is None:
        return
    declaration = declared(handler)
    if declaration is not None and declaration[0] is not Role.ORIGIN:
        return
    if declaration is not None and declaration[1] == "negotiate":
        yield f"ticket {os.environ.get('KRB5CCNAME', '')!r}"
    if isinstance(manager, urllib.request.HTTPPasswordMgr):
        # For which realm the site asks is not known yet.
        for realm in list(getattr(manager, "passwd", {None: None})):
            user, password = manager.find_user_password(realm, url)
            if user is not None:
                yield repr((realm, user, password))
    else:
        yield _stranger(manager)


def _stranger(source: Any) -> str:
    """Return what stands for a source of credentials that cannot be asked in advance: it shares with no other."""
    try:
        return _strangers.setdefault(source, uuid.uuid4().hex)
    except TypeError:
        return uuid.uuid4().hex


@lru_cache(maxsize=64)
def _slowly(folder: Folder, logins: tuple[str, ...]) -> str:
    return folder.slow_digest("\n".join(logins))


def _port(parts: Any) -> int:
    try:
        port = parts.port
    except ValueError:
        port = None
    return port or (443 if parts.scheme == "https" else 80)
