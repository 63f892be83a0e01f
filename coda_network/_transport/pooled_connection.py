"""A connection as the pool holds it: with its logins, and a way to see that the peer has closed it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from coda_network._auth.credentials import nobody
from coda_network._auth.scheme import Role
from coda_network._http.connection import HTTPConnection
from coda_network._net.liveness import Liveness
from coda_network._net.timeout import started
from coda_network._net.tls import is_tls
from coda_network._trace import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from coda_network._auth.login import Login

log = Trace("pool")

_default = socket._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]  # urllib's mark for a timeout that is not given


class PooledConnection:
    """What an opener leases: a connection and its logins, as a login belongs to one connection and one role.

    :param connection: an ``HTTPConnection``
    """

    __slots__ = ("_liveness", "_watched", "connection", "hung_up", "origin_login", "proxy_login")

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        # The peer closed it between two requests and did not say so.
        self.hung_up = False
        self.proxy_login: Login | None = None
        self.origin_login: Login | None = None
        self._liveness: Liveness | None = None
        self._watched: Any = None

    def close(self) -> None:
        """Close the connection."""
        connection = self.connection
        was_open = connection.sock is not None
        connection.close()
        if was_open:
            log("the connection to %s port %s is closed", connection.host, connection.port)

    def dropped(self) -> bool:
        """Return whether the connection cannot be used again: it is closed, here or by its peer."""
        sock = self.connection.sock
        if sock is None:
            return True
        if sock is not self._watched:
            self._liveness, self._watched = Liveness(sock), sock
        assert self._liveness is not None
        return self._liveness.dropped()

    def logins(self, absolute_form: bool) -> Sequence[tuple[Role, Login]]:
        """Return the logins that take part in a request, with their roles.

        :param absolute_form: the form of the request target; only then the proxy reads the request
        """
        if self.origin_login is None and self.proxy_login is None:
            return ()
        found = []
        if absolute_form and self.proxy_login is not None:
            found.append((Role.PROXY, self.proxy_login))
        if self.origin_login is not None:
            found.append((Role.ORIGIN, self.origin_login))
        return found

    def login(self, role: Role) -> Login | None:
        """Return the login of one role; None where none has begun."""
        return self.proxy_login if role is Role.PROXY else self.origin_login

    def set_login(self, role: Role, login: Login | None) -> None:
        """Set the login of one role."""
        if role is Role.PROXY:
            self.proxy_login = login
        else:
            self.origin_login = login

    def rest(self) -> None:
        """Forget who the opener's logins are, until ``RequestAuth.fits()`` says it for the next request.

        An idle connection refers to nothing of its opener, whose handlers know the credentials: it would keep the
        opener alive, and with it itself, for good.
        """
        for login in (self.proxy_login, self.origin_login):
            if login is not None:
                login.credentials = nobody

    def far_end(self) -> tuple[str, int]:
        """Return host and port of the end of the tunnel, or of the peer where there is no tunnel."""
        connection = self.connection
        return HTTPConnection._tunnel_target(connection) or (connection.host, connection.port)

    def certificate(self) -> bytes | None:
        """Return the certificate of the far end in DER form; None without TLS, or while the connection is closed."""
        sock = self.connection.sock
        certificate: bytes | None = sock.getpeercert(binary_form=True) if is_tls(sock) else None
        return certificate

    def set_timeout(self, timeout: Any) -> None:
        """Set the timeout of the requests that follow, in seconds; urllib's mark means that of the socket module."""
        connection = self.connection
        before, connection.timeout = connection.timeout, timeout
        if before is not timeout and self._is_obeyed(timeout):
            return
        sock = connection.sock
        if timeout is _default:
            timeout = socket.getdefaulttimeout()
        if sock.gettimeout() != timeout:
            sock.settimeout(timeout)

    def _is_obeyed(self, timeout: Any) -> bool:
        """Let the calls on the socket obey a timeout by phase; return False for a plain one, which lifts the last."""
        connection = self.connection
        if (limit := started(timeout)) is None:
            if getattr(connection.sock, "deadline", None) is not None:
                connection.sock.deadline = None
            return False
        from coda_network._net.deadline_socket import obey

        # A socket that does not know deadlines gives its place to one that does, and its reader goes with it.
        HTTPConnection._drop_stale_socket(connection)
        if connection.sock is not None:
            connection.sock = obey(limit.reading(), connection.sock)
        return True
