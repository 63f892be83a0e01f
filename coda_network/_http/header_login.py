"""The login at a proxy for a connection whose program gave nothing but ready headers, or nothing at all."""

from __future__ import annotations

import os
import threading
from typing import Any

from coda_network._auth.credentials import Credentials
from coda_network._auth.defaults import default_credentials, may_have_credentials
from coda_network._auth.login import Login
from coda_network._auth.memory import LoginMemory
from coda_network._auth.scheme import Peer, Role
from coda_network._fork import renew_module_lock
from coda_network._net.tls import is_tls
from coda_network._wire.authority import split_userinfo

# What the connections of this process know of each proxy: programs that drive http.client have no opener to share it.
_memory = LoginMemory()
# The proxies that took a Basic header as it was given; a keyed digest, as the header is the password itself.
_accepted_headers: dict[bytes, None] = {}
_KEY = os.urandom(16)
_lock = threading.Lock()
renew_module_lock(__name__)

MOST_ACCEPTED = 256
"""Accepted headers that are remembered; the oldest is forgotten first."""


def login_for_tunnel(connection: Any) -> Login | None:
    """Return the login for CONNECT, from the headers that the program gave to ``set_tunnel()``.

    requests, urllib3 and pip make a Basic header out of the login in the proxy's URL. It goes out first as it is;
    where the proxy asks for something else, its user and password serve that. Without a header the login is what
    ``patch(credentials=...)`` and netrc know, or the user's ticket. A header of another scheme is the program's own
    login, which needs none of ours: None.
    """
    fields = connection._tunnel_headers or {}
    given = next((str(value) for name, value in fields.items() if name.lower() == "proxy-authorization"), None)
    return login_from_header(connection, given)


def login_from_header(connection: Any, given: str | None) -> Login | None:
    """Return the login at the proxy that *connection* leads to.

    :param given: the Proxy-Authorization of the program; None where it has none
    """
    sock = connection.sock
    # Of TLS with the proxy: where it is in a tunnel already, this is not asked.
    certificate = sock.getpeercert(binary_form=True) if is_tls(sock) else None
    peer = Peer(Role.PROXY, connection.host, connection.port, certificate)
    if given is None:
        named = _named_in_proxy_url(connection)
        source = default_credentials(peer) if named is None else _NamedUser(named)
        return Login(Role.PROXY, peer, source, memory=_memory)
    credentials = Credentials.from_basic_header(given)
    if credentials is None:
        return None
    credentials = _decoded(credentials, _named_in_proxy_url(connection))
    return Login(Role.PROXY, peer, lambda realm: credentials, memory=_memory, preset_header=given)


class _NamedUser:
    """The source of credentials of a proxy whose URL names the user."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, realm: str | None) -> Credentials:
        return self._credentials


def _named_in_proxy_url(connection: Any) -> Credentials | None:
    """Return the userinfo in the proxy's URL that urllib3 leaves on its connections; None where there is none.

    ``urllib3.ProxyManager("http://user:password@proxy")`` makes no header of it, and reads it no further.
    """
    userinfo = getattr(getattr(connection, "proxy", None), "auth", None)
    if not isinstance(userinfo, str):
        return None
    username, password, _ = split_userinfo(f"{userinfo}@")
    return None if username is None else Credentials(username, password or "")


def _decoded(given: Credentials, named: Credentials | None) -> Credentials:
    """Return *named* where *given* is the same userinfo, not decoded; else *given*.

    dulwich puts the userinfo of the proxy's URL into its header as it stands there, percent-encoded (RFC 3986 section
    3.2.1): ``DOMAIN%5Cuser`` would be a user of that name. A password that has a ``%`` of its own is not mistaken for
    one, as its URL decodes to what the header says.
    """
    if named is None or given == named or "%" not in given.username + given.password:
        return given
    username, password, _ = split_userinfo(f"{given.username}:{given.password}@")
    return named if named == Credentials(username or "", password or "") else given


def may_have_to_log_in(login: Login) -> bool:
    """Return whether a proxy may ask for more than it gets, as far as one can know, and whether we could serve it."""
    peer, given = login.peer, login.preset_header
    if given is not None:
        return _digest(peer, given) not in _accepted_headers
    is_known = isinstance(login.credentials, _NamedUser) or may_have_credentials(peer)
    return is_known or _memory.recall(peer) is not None


def note_accepted_header(login: Login) -> None:
    """Remember that a proxy has taken the header of the program."""
    if login.preset_header is not None:
        with _lock:
            _accepted_headers[_digest(login.peer, login.preset_header)] = None
            if len(_accepted_headers) > MOST_ACCEPTED:
                del _accepted_headers[next(iter(_accepted_headers))]


def _digest(peer: Peer, header: str) -> bytes:
    import hashlib

    text = f"{peer.host}\n{peer.port}\n{header}"
    return hashlib.blake2b(text.encode(errors="backslashreplace"), key=_KEY, digest_size=16).digest()
