"""Connections to upstreams: a site, or a proxy on the way to it, reached through those before that."""

from __future__ import annotations

import functools
import selectors
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from coda_network._auth.login import Login
from coda_network._auth.scheme import Role
from coda_network._http.connection import HTTPConnection
from coda_network._http.drain import look_ahead
from coda_network._local_proxy.pages import Problem
from coda_network._local_proxy.patient_pool import PatientPool
from coda_network._local_proxy.request_body import ClientBody
from coda_network._net.tls import begin_tls, is_tls, shared_context
from coda_network._route.hops import connect_through
from coda_network._route.proxy_url import ProxyURL
from coda_network._transport.expect_continue import CONTINUE_SECONDS, is_interim, responds_instead
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._transport.prepared import PreparedRequest
from coda_network._transport.request_auth import RequestAuth
from coda_network._transport.session import Session

PIECE = 16384
"""Bytes of a body that are sent before the next look at whether the upstream has responded already."""


# It takes no file descriptor of its own, which epoll does.
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)


class Unreachable(OSError):
    """No connection to an upstream could be opened, so nothing was sent: another one may be tried."""


class UpstreamConnection(HTTPConnection):
    """A connection of the local proxy: sends what a client has sent, and nothing of its own.

    :param via: the proxies through which the upstream is reached
    :param connect_seconds: until the connection is open
    :param tls: the upstream is a proxy that is spoken to by TLS
    :param pseudonym: of this proxy, told to the proxies that are asked for a tunnel
    """

    def __init__(
        self,
        host: str,
        *,
        timeout: Any,
        via: tuple[ProxyURL, ...] = (),
        connect_seconds: float = 20,
        tls: bool = False,
        pseudonym: str = "",
    ) -> None:
        super().__init__(host, timeout=timeout)
        headers = {"Via": f"1.1 {pseudonym}"} if pseudonym else None
        self._create_connection = functools.partial(_connect, via, connect_seconds, headers)
        self._tls = tls

    def _dial(self) -> Any:
        try:
            sock = super()._dial()
            if self._tls:
                try:
                    sock = begin_tls(shared_context(), sock, self.host)
                except BaseException:
                    sock.close()
                    raise
            sock.settimeout(self.timeout)
        except OSError as error:
            raise Unreachable(*error.args) from error
        return sock

    def request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, Any] = {}, *, encode_chunked: bool = False
    ) -> None:
        """Send a request as it is; a body is left half-sent where the response comes before its end.

        :raises Unreachable: the connection cannot be opened
        """
        if not isinstance(body, ClientBody):
            if "Accept-Encoding" in headers and body is None:
                super().request(method, url, body, headers)
                return
            self._put_head(method, url, headers)
            self.endheaders(body)
            return
        self._put_head(method, url, headers)
        self.endheaders()
        if "Expect" in headers and responds_instead(self):
            self._left_to_send = 1
            return
        self._send_body(body)

    def _put_head(self, method: str, url: str, headers: Mapping[str, Any]) -> None:
        self.putrequest(method, url, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            self.putheader(name, value)

    def _send_body(self, body: ClientBody) -> None:
        body.begin()
        while not self._responds_while_client_waits(body):
            whole = next(body, None)
            if whole is None:
                break
            for start in range(0, len(whole), PIECE):
                piece = whole[start : start + PIECE]
                if body.is_chunked:
                    piece = b"%x\r\n%b\r\n" % (len(piece), piece)
                if self._has_responded():
                    self._left_to_send = 1  # so the connection ends with the response
                    return
                self.send(piece)
        else:
            self._left_to_send = 1
            return
        if body.is_chunked:
            self.send(b"0\r\n" + (body.trailers or b"\r\n"))

    def _responds_while_client_waits(self, body: ClientBody) -> bool:
        """Wait until there is more of the body; return whether the upstream has responded instead."""
        client = body.waits_for()
        if client is None or is_tls(self.sock):
            return False
        with _Selector() as selector:
            selector.register(client, selectors.EVENT_READ)
            selector.register(self.sock, selectors.EVENT_READ)
            ready = {key.fileobj for key, _ in selector.select(self.timeout)}
        return client not in ready and self.sock in ready and not self._is_interim()

    def _has_responded(self) -> bool:
        """Wait until the upstream reads on; return whether it has responded instead (RFC 9112 section 9.5)."""
        if is_tls(self.sock):
            return False  # what comes may be no response, but a message of TLS itself
        ready = self._wait(self.timeout, selectors.EVENT_READ | selectors.EVENT_WRITE)
        if not ready:
            raise TimeoutError("the upstream does not read on")
        return bool(ready & selectors.EVENT_READ) and not self._is_interim()

    def _wait(self, seconds: float | None, events: int) -> int:
        with _Selector() as selector:
            selector.register(self.sock, events)
            return sum(ready for _, ready in selector.select(seconds))

    def _is_interim(self) -> bool:
        """Return whether an interim response is next, which ``getresponse()`` skips."""
        return is_interim(look_ahead(self, CONTINUE_SECONDS))


def _connect(
    via: tuple[ProxyURL, ...], seconds: float, headers: dict[str, str] | None, address: Any, timeout: Any, source: Any
) -> Any:
    return connect_through(via, address, seconds, source, headers=headers)


class ProxyConnection(UpstreamConnection):
    """A connection to a proxy that reads the requests and may want a login for them."""

    wants_patience = True  # for PatientPool

    when_sent: Callable[[ProxyConnection], object] | None = None
    """Called with this when a request was sent, while a login is under way."""

    def request(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, Any] = {}, *, encode_chunked: bool = False
    ) -> None:
        """Send a request as it is."""
        super().request(method, url, body, headers, encode_chunked=encode_chunked)
        if self.when_sent is not None:
            self.when_sent(self)


class UpstreamSession(Session):
    """The connections of all clients, or of one client that logs in at sites by itself.

    :param connections: how many idle ones are kept
    """

    pool: PatientPool

    def __init__(self, connections: int = 10) -> None:
        super().__init__(PatientPool(connections, connections))


class UpstreamAuth(RequestAuth):
    """Logs in at proxies only: a challenge of the site is the client's own affair.

    :param url: of the request
    :param prepared: the request
    :param session: whose pool gives the turns to log in
    """

    def __init__(self, url: str, prepared: PreparedRequest, session: UpstreamSession) -> None:
        super().__init__(url, prepared, (), session)
        self._pool = session.pool
        self._met_login = False

    def roles(self) -> tuple[Role, ...]:
        """Return the role of the proxy where one reads the request."""
        return (Role.PROXY,) if self._prepared.absolute_form else ()

    def login(self, pooled: PooledConnection, role: Role) -> Login:
        """Return the login at the proxy; the turn for it ends when its last token was sent.

        The response may take as long as the site wants, and nobody has to wait for that.
        """
        login = super().login(pooled, role)
        if not self._met_login:
            self._met_login = True
            pooled.connection.when_sent = functools.partial(self._go_on, login)
        return login

    def end_turn(self, has_response: bool) -> None:
        """End the turn to log in, whatever became of it."""
        self._pool.end_turn(self._met_login or not has_response)

    def _go_on(self, login: Login, connection: ProxyConnection) -> None:
        self._pool.note_login(self._prepared.host, login.binds_connection)
        if not login.awaits_challenge:
            connection.when_sent = None
            self._pool.end_turn()


def upstream_problem(error: BaseException, place: str) -> Problem:
    """Return the problem to tell a client where an upstream has failed.

    :param place: what was asked, for people
    """
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
        kind = "connection_timeout" if isinstance(error, Unreachable) else "http_response_timeout"
        return Problem(504, f"{place} does not respond in time.", "It may be down, or busy: try again later.", kind)
    text = " ".join(str(getattr(error, "strerror", None) or error).split())
    if isinstance(error, Unreachable):
        return Problem(
            502,
            f"{place} cannot be reached: {text}",
            "Check the name of the host, the network, and the proxy that is configured.",
            "destination_unavailable",
        )
    if isinstance(error, HTTPException) and not isinstance(error, OSError):
        return Problem(502, f"{place} does not speak HTTP as it should.", "", "http_protocol_error")
    return Problem(502, f"The connection to {place} failed: {text}", "Try again.", "connection_terminated")
