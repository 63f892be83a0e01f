"""The login at a proxy for a connection whose program gave nothing but ready headers, or nothing at all."""

from __future__ import annotations

from typing import Any

from coda_network._auth.credentials import Credentials
from coda_network._auth.defaults import default_credentials, may_name_somebody
from coda_network._auth.login import Login
from coda_network._auth.memory import LoginMemory
from coda_network._auth.scheme import Peer, Role

# What the connections of this process know of each proxy: programs that drive http.client have no opener to share it.
_memory = LoginMemory()
_accepted_headers: set[tuple[str, int, str]] = set()  # the proxies that took a Basic header as it was given


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
    peer = Peer(Role.PROXY, connection.host, connection.port)
    if given is None:
        return Login(Role.PROXY, peer, default_credentials(peer), memory=_memory)
    credentials = Credentials.from_basic_header(given)
    if credentials is None:
        return None
    return Login(Role.PROXY, peer, lambda realm: credentials, memory=_memory, preset_header=given)


def may_have_to_log_in(login: Login) -> bool:
    """Tell whether a proxy may ask for more than it gets, as far as one can know, and we could answer."""
    peer, given = login.peer, login.preset_header
    if given is not None:
        return (peer.host, peer.port, given) not in _accepted_headers
    return _memory.recall(peer) is not None or may_name_somebody(peer)


def note_content(login: Login) -> None:
    """Remember that a proxy has taken the header of the program."""
    if login.preset_header is not None:
        _accepted_headers.add((login.peer.host, login.peer.port, login.preset_header))
