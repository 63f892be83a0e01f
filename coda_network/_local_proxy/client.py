"""One client's connection: its requests one after the other, until one of both sides has had enough."""

from __future__ import annotations

import functools
import os
import socket
import struct
import threading
from collections.abc import Callable
from http.client import HTTPException
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from coda_network._http.reader import reader_for
from coda_network._http.tunnel_login import TunnelError
from coda_network._local_proxy import forward, tunnel
from coda_network._local_proxy.access import knows_secret
from coda_network._local_proxy.fields import Fields, head_bytes
from coda_network._local_proxy.pages import Problem, page, reason_phrase
from coda_network._local_proxy.peer_user import is_own_users
from coda_network._local_proxy.request_body import BodyCut, ClientBody
from coda_network._local_proxy.upstream import Unreachable, UpstreamSession, upstream_problem
from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import DeadlineSocket
from coda_network._net.send_at_once import send_at_once
from coda_network._route.route import Route, RouteFailed
from coda_network._transport.routes import over_routes
from coda_network._wire.framing import is_persistent
from coda_network._wire.request_head import BadRequest, RequestHead, read_request_head

if TYPE_CHECKING:
    from coda_network._local_proxy.proxy import LocalProxy

_T = TypeVar("_T")

LINGER_SECONDS = 1.0
"""For which the rest of a request is read and dropped: unread, it would cost the client our response (RFC 9112 9.6)."""

SOCKS5 = b"\x05"


class Client:
    """One connection of a client; ``run()`` serves it in its own thread.

    :param proxy: whose client it is
    :param sock: the accepted socket
    :param host: the client's address
    """

    def __init__(self, proxy: LocalProxy, sock: DeadlineSocket, host: str) -> None:
        self.proxy = proxy
        self.sock = sock
        self.host = host
        self.began = monotonic()
        self.is_idle = True
        self.upstream: socket.socket | None = None  # of a tunnel
        self.thread: threading.Thread | None = None
        self._session: UpstreamSession | None = None
        reader = reader_for(sock)
        assert reader is not None  # for it is a real socket
        self.reader = reader
        # Of the response under way, for the log.
        self._status = 0
        self._sent = 0

    @functools.cached_property
    def is_own_users(self) -> bool:
        """Return whether the client may use the proxy as a program of our own user; asked once a connection."""
        return self.proxy.settings.same_user and is_own_users(self.sock)

    # -- the connection

    def run(self) -> None:
        """Serve the client until the connection ends."""
        limits = self.proxy.settings.limits
        sock = self.sock
        try:
            sock.deadline = Deadline(limits.head)
            if self.reader.file.peek(1)[:1] == SOCKS5:
                from coda_network._local_proxy.socks import serve_socks

                serve_socks(self)
                return
            while self._serve_one():
                self.wait_at_most(limits.idle)
                self.is_idle = True
                if self.proxy.is_draining or not self.reader.file.peek(1):
                    return
        except (OSError, ValueError):
            pass  # the client has gone, or has to be left in the middle of something: the log has the request
        finally:
            self.close()

    def abort(self) -> None:
        """End the connection from another thread."""
        for sock in (self.sock, self.upstream):
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def break_off(self) -> None:
        """Let the connection end by a reset: an end in order would make a body look complete that ends with it."""
        layout = "hh" if os.name == "nt" else "ii"
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))

    def end_if_idle(self) -> None:
        """Let the connection end now if the client is not waiting for anything."""
        if self.is_idle:
            try:
                self.sock.shutdown(socket.SHUT_RD)
            except OSError:
                pass

    def close(self) -> None:
        """Close what belongs to the connection."""
        if self._session is not None:
            self._session.close()
        self.reader.file.close()
        self.sock.close()

    def wait_at_most(self, seconds: float) -> None:
        """Let each call on the socket wait so long from now on; to set a timeout is a call of the system itself."""
        self.sock.deadline = None
        if self.sock.gettimeout() != seconds:
            self.sock.settimeout(seconds)

    def _linger(self) -> None:
        self.sock.deadline = Deadline(LINGER_SECONDS)
        try:
            self.sock.shutdown(socket.SHUT_WR)
            while self.sock.recv(65536):
                pass
        except OSError:
            pass

    # -- one request

    def _serve_one(self) -> bool:
        limits = self.proxy.settings.limits
        self.sock.deadline = Deadline(limits.head)
        self._status = self._sent = 0
        self.is_idle = False
        head = None
        try:
            head = read_request_head(self.reader.file)
            if head is None:
                return False
            self.sock.deadline = None
            goes_on = self._serve(head)
        except BadRequest as error:
            goes_on = self._explain(head, Problem(error.status, str(error), "", "http_request_error"))
        except TimeoutError:
            if head is not None:
                raise
            goes_on = self._explain(head, Problem(408, "The head of the request did not come in time."))
        except Problem as problem:
            goes_on = self._explain(head, problem)
        except Exception as error:
            if not isinstance(error, (OSError, HTTPException)):
                self.proxy.log.exception("a request failed for a reason of our own")
                if not self._status:
                    goes_on = self._explain(head, Problem(500, "The proxy has failed; its log says more."))
                    return goes_on
            raise
        finally:
            if self._status:
                self.proxy.log_request(self.host, head, self._status, self._sent)
        return goes_on

    def _serve(self, head: RequestHead) -> bool:
        if not knows_secret(self.proxy.settings, head.fields.get("proxy-authorization")) and not self.is_own_users:
            raise Problem(
                407,
                "This proxy serves those who know its password.",
                "It is in the variables http_proxy and https_proxy of the programs that it was started for. For a "
                "program that takes no password from there, a browser say, use `coda-network with --same-user`.",
                "http_request_denied",
            )
        if head.method == "CONNECT":
            return tunnel.connect(self, head)
        return forward.forward(self, head)

    def ask_upstream(self, url: str, attempt: Callable[[Route], _T], body: ClientBody | None) -> _T:
        """Return what an attempt returns, by the first way that works.

        :param url: whose routes are tried
        :param attempt: raises ``Unreachable`` where another route may be tried
        :param body: of the request; once it has been begun, no other way is tried
        :raises Problem: no way works, in words for the client
        """
        place = url.partition("://")[2].partition("/")[0]
        taken: Route | None = None

        def send(route: Route) -> _T:
            nonlocal taken
            taken = route
            try:
                return attempt(route)
            except Unreachable as error:
                if body is not None and body.begun:
                    raise ConnectionError(*error.args) from error
                raise RouteFailed(error) from None

        try:
            found: _T = over_routes(self.proxy.settings.routes(url), send)
            return found
        except BodyCut:
            raise
        except (Problem, TunnelError):
            raise
        except (OSError, HTTPException, ValueError) as error:
            cause: BaseException | None = error
            while cause is not None:
                if isinstance(cause, BodyCut):
                    raise cause  # noqa: B904  # the client's own failure
                cause = getattr(cause, "reason", None) if isinstance(cause, OSError) else None
                cause = cause if isinstance(cause, BaseException) else None
            problem = upstream_problem(error, shown_route(taken, place))
            self.proxy.log.warning("%s", problem.text)
            raise problem from error

    def session_for(self, authorization: str | None) -> UpstreamSession:
        """Return the session whose connections serve this client's request.

        :param authorization: for the site; with NTLM and Negotiate it logs a connection in, which is then the client's
            own
        """
        if self._session is None and forward.private_session(authorization):
            self._session = UpstreamSession()
        return self._session or self.proxy.session

    # -- responses

    def wants_more(self, head: RequestHead | None) -> bool:
        """Return whether the connection may go on behind the response to this request."""
        return head is not None and not self.proxy.is_draining and is_persistent(head.fields, head.version)

    def tell_to_continue(self) -> None:
        """Tell a client that waits to send its body (RFC 9110 section 15.2.1)."""
        self.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def begin_response(self, status: int) -> None:
        """Note that the response begins: from now on no page can take its place."""
        self._status = status

    def send(self, data: bytes) -> None:
        """Send bytes to the client; a slow one is waited for, as long as it goes on reading."""
        self._sent += len(data)
        self.proxy.metrics.to_clients += len(data)
        view = memoryview(data)[send_at_once(self.sock, data) :]
        if view:
            self.wait_at_most(self.proxy.settings.limits.transfer)
        while view:
            view = view[self.sock.send(view) :]

    def count(self, sent: int) -> None:
        """Note that a tunnel has sent so many bytes to the client."""
        self._sent += sent
        self.proxy.metrics.to_clients += sent

    @property
    def sent(self) -> int:
        """Return how many bytes were sent in response to this request."""
        return self._sent

    def respond(self, status: int, fields: Fields, body: bytes, keep: bool = True) -> bool:
        """Send a response of our own; return whether the connection goes on."""
        self.begin_response(status)
        if not any(name == "Content-Length" for name, _ in fields):
            fields = [*fields, ("Content-Length", str(len(body)))]
        fields = [*fields, ("Connection", "keep-alive" if keep else "close")]
        self.send(head_bytes(f"HTTP/1.1 {status} {reason_phrase(status)}", fields) + body)
        return keep

    def _explain(self, head: RequestHead | None, problem: Problem) -> bool:
        """Send the page for a problem; return whether the connection goes on."""
        if self._status:  # in the middle of a response nothing can be told
            return False
        self.wait_at_most(self.proxy.settings.limits.transfer)
        fields, body = page(problem)
        has_body = head is None or "content-length" in head.fields or "transfer-encoding" in head.fields
        keep = not has_body and self.wants_more(head)
        self.respond(problem.status, fields, b"" if head is not None and head.method == "HEAD" else body, keep)
        if not keep:
            self._linger()
        return keep


def shown_route(route: Route | None, place: str) -> str:
    """Return in words what is asked: the site, or the proxies that lead to it; without userinfo."""
    if route is None or route.is_direct:
        return place
    return f"the proxy {', '.join(hop.authority for hop in route.hops)}"
