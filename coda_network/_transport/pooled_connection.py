"""A connection with what belongs to it: its logins, and a way to see that the peer has gone."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from coda_network._auth.scheme import Role
from coda_network._net.liveness import Liveness
from coda_network._trace import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coda_network._auth.login import Login

log = Trace("pool")

_default = socket._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]  # urllib's mark for a timeout that is not given


class PooledConnection:
    """What an opener leases. A login is one connection's and one role's, so both live here."""

    __slots__ = ("_liveness", "_watched", "connection", "origin_login", "proxy_login")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.proxy_login: Login | None = None
        self.origin_login: Login | None = None
        self._liveness: Liveness | None = None
        self._watched: Any = None

    def close(self) -> None:
        """Close the connection."""
        connection = self.connection
        if connection.sock is not None:
            log("the connection to %s port %s is closed", connection.host, connection.port)
        connection.close()

    def dropped(self) -> bool:
        """Tell whether the connection cannot be used again: closed, or by its peer."""
        sock = self.connection.sock
        if sock is None:
            return True
        if sock is not self._watched:
            self._liveness, self._watched = Liveness(sock), sock
        assert self._liveness is not None
        return self._liveness.dropped()

    def logins(self, by_proxy: bool) -> Sequence[tuple[Role, Login]]:
        """Return the logins that a request meets; the proxy reads it only where *by_proxy* is true."""
        if self.origin_login is None and self.proxy_login is None:
            return ()
        found = []
        if by_proxy and self.proxy_login is not None:
            found.append((Role.PROXY, self.proxy_login))
        if self.origin_login is not None:
            found.append((Role.ORIGIN, self.origin_login))
        return found

    def login(self, role: Role) -> Login | None:
        """Return the login of one role."""
        return self.proxy_login if role is Role.PROXY else self.origin_login

    def set_login(self, role: Role, login: Login | None) -> None:
        """Begin the login of one role."""
        if role is Role.PROXY:
            self.proxy_login = login
        else:
            self.origin_login = login

    def set_timeout(self, timeout: Any) -> None:
        """Let the requests that follow wait *timeout* seconds, or as long as sockets do by default."""
        self.connection.timeout = timeout
        if timeout is _default:
            timeout = socket.getdefaulttimeout()
        sock = self.connection.sock
        if sock.gettimeout() != timeout:
            sock.settimeout(timeout)
