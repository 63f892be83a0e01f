"""The local proxy: it listens, gives each client a thread, and ends in order."""

from __future__ import annotations

import logging
import os
import secrets
import select
import socket
import threading
from itertools import islice
from time import monotonic, sleep, strftime
from typing import Any

from coda_network._local_proxy.access import USER, is_allowed
from coda_network._local_proxy.client import Client
from coda_network._local_proxy.fields import head_bytes
from coda_network._local_proxy.filters import Filters
from coda_network._local_proxy.metrics import Metrics
from coda_network._local_proxy.pages import Problem, page
from coda_network._local_proxy.settings import Settings
from coda_network._local_proxy.shared_relay import SharedRelay
from coda_network._local_proxy.upstream import UpstreamSession
from coda_network._net.accept import Accepted
from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import put_under
from coda_network._route.back_off import dead_routes
from coda_network._wire.authority import join_authority
from coda_network._wire.request_head import RequestHead

STACK_SIZE = 512 * 1024
"""Bytes of the stack of a client's thread; the system gives memory only to what is used of it."""

BACKLOG = 512
TOGETHER_SECONDS = 0.1
"""For which clients wait at the most until those who came with them are accepted."""

END_SECONDS = 1.0
"""For which the threads of aborted clients are waited for; one that waits for an upstream ends by its limits, later."""

TICK = 1.0
"""Seconds between two looks at clients whose time is over."""

_starting = threading.Lock()


class LocalProxy:
    """A local proxy; ``start()`` begins to serve in threads of this process, ``close()`` ends it.

    :param settings: what it is told
    :raises OSError: the address is in use, or not of this machine
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.log = logging.getLogger("coda_network.proxy")
        self.pseudonym = f"coda-network-{secrets.token_hex(4)}"
        self.metrics = Metrics()
        self.filters = Filters(settings.filters, self._log_filter_failure)
        # As many connections as clients may be kept: each costs a login.
        self.session = UpstreamSession(settings.limits.clients)
        self.tunnels = SharedRelay()
        self.is_draining = False
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._refusals_logged: set[str] = set()
        family = socket.AF_INET6 if ":" in settings.listen_address else socket.AF_INET
        self._listener = socket.create_server((settings.listen_address, settings.port), family=family, backlog=BACKLOG)
        self._address: tuple[str, int] = self._listener.getsockname()[:2]
        self._listener.setblocking(False)
        self._wake, self._waker = socket.socketpair()
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Return the host and port that it listens on."""
        return self._address

    @property
    def url(self) -> str:
        """Return its URL, with the secret where there is one."""
        secret = self.settings.secret
        return f"http://{f'{USER}:{secret}@' if secret is not None else ''}{join_authority(*self.address)}"

    # -- life

    def start(self) -> None:
        """Begin to serve."""
        self._thread = threading.Thread(target=self._accept_all, name="coda-network proxy", daemon=True)
        self._thread.start()

    def change(self, settings: Settings) -> None:
        """Use other settings from the next request on; where it listens stays as it is."""
        self.settings = settings
        dead_routes.clear()
        self.filters = Filters(settings.filters, self._log_filter_failure)
        self._refusals_logged.clear()

    def close(self, drain: float | None = None) -> None:
        """Accept no more clients, let the requests under way come to their end, and end.

        :param drain: seconds for these; None for those of the settings
        """
        seconds = self.settings.limits.drain if drain is None else drain
        self.is_draining = True
        self._waker.close()
        if self._thread is not None:
            self._thread.join()
        self._listener.close()
        self._wake.close()
        end = monotonic() + seconds
        while (clients := self._snapshot()) and monotonic() < end:
            for client in clients:
                client.end_if_idle()
            sleep(0.02)
        for client in self._snapshot():
            client.abort()
        end = monotonic() + END_SECONDS
        for client in self._snapshot():
            if client.thread is not None:
                client.thread.join(max(0.0, end - monotonic()))
        self.session.close()
        self.tunnels.close()

    def _snapshot(self) -> list[Client]:
        with self._lock:
            return list(self._clients)

    # -- clients

    def _accept_all(self) -> None:
        accepted = Accepted(self._listener, self._warn_of_accept)
        while not self.is_draining:
            ready, _, _ = select.select([self._listener, self._wake], [], [], TICK)
            self._end_those_whose_time_is_over()
            if self._listener not in ready or self.is_draining:
                continue
            # Those who come together begin together: while the first ones were served, each of the others would wait
            # for all of their threads in turn (500 at once were accepted in 13 seconds).
            together, end = threading.Lock(), monotonic() + TOGETHER_SECONDS
            with together:
                for sock, address in islice(accepted, BACKLOG):
                    self._admit(sock, address[0], together)
                    if monotonic() > end:
                        break

    def _warn_of_accept(self, why: str) -> None:
        self.log.warning("no client can be accepted: %s", why)

    def _admit(self, sock: socket.socket, host: str, together: threading.Lock) -> None:
        if not is_allowed(self.settings, host):
            self.log.warning("a client at %s is not allowed", host)
            _refuse(sock, Problem(403, "This proxy does not serve your network.", "", "http_request_denied"))
            return
        if len(self._clients) >= self.settings.limits.clients:
            self.log.warning("there are %d clients, and no more are served", len(self._clients))
            _refuse(sock, Problem(503, "This proxy has as many clients as it may have.", "Try again later."))
            return
        client = None
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            moved: Any = put_under(Deadline(self.settings.limits.head), sock)
            client = Client(self, moved, host)
            thread = client.thread = threading.Thread(target=self._serve, args=(client, together), daemon=True)
            with self._lock:
                self._clients.add(client)
            with _starting:  # the size counts for the whole process, so it is set for this moment only
                before = threading.stack_size(STACK_SIZE)
                try:
                    thread.start()
                finally:
                    threading.stack_size(before)
        except (OSError, RuntimeError) as error:
            self.log.warning("a client cannot be served: %s", error)
            if client is None:
                sock.close()
            else:
                with self._lock:
                    self._clients.discard(client)
                client.close()

    def _serve(self, client: Client, together: threading.Lock) -> None:
        with together:
            self.metrics.clients += 1
        try:
            client.run()
        finally:
            with self._lock:
                self._clients.discard(client)

    def _end_those_whose_time_is_over(self) -> None:
        total = self.settings.limits.total
        if total is not None:
            oldest = monotonic() - total
            for client in self._snapshot():
                if client.began < oldest:
                    client.abort()

    # -- the log

    def log_request(self, host: str, head: RequestHead | None, status: int, sent: int) -> None:
        """Write a line of the access log, in the common format."""
        self.metrics.count(status)
        if self.settings.access_log is None:
            return
        line = "-" if head is None else f"{head.method} {_shown(head.target)} HTTP/{head.version / 10}"
        self.settings.access_log(f'{host} - - [{strftime("%d/%b/%Y:%H:%M:%S %z")}] "{line}" {status} {sent}')

    def log_tunnel(self, host: str, authority: str, status: int, sent: int) -> None:
        """Write a line of the access log for a client that speaks SOCKS."""
        self.metrics.count(status)
        if self.settings.access_log is not None:
            when = strftime("%d/%b/%Y:%H:%M:%S %z")
            self.settings.access_log(f'{host} - - [{when}] "CONNECT {_shown(authority)} SOCKS5" {status} {sent}')

    def log_refusal(self, upstream: str, response: Any, report: object = None) -> None:
        """Tell once what became of the login at an upstream that refuses it."""
        if upstream not in self._refusals_logged:
            self._refusals_logged.add(upstream)
            text = "; ".join(str(report or getattr(response, "auth_report", None) or "").splitlines())
            self.log.error("the proxy %s refuses the login%s", upstream, f": {text}" if text else "")

    def _log_filter_failure(self, which: Any, error: Exception) -> None:
        self.log.error("the filter %s failed", getattr(which, "__name__", which), exc_info=error)

    def metrics_line(self) -> str:
        """Return how many of everything there are and were, as one line."""
        with self._lock:
            now = len(self._clients)
        return f"clients={now} idle_upstreams={self.session.pool.idle_count} {self.metrics} pid={os.getpid()}"


def _shown(target: str) -> str:
    """Return a request target without what may be secret: userinfo and query."""
    scheme, mark, rest = target.partition("://")
    authority, slash, path = rest.partition("/")
    if mark:
        target = f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"
    target, question, _ = target.partition("?")
    shown = f"{target}?..." if question else target
    return shown.replace('"', "%22").encode("ascii", "backslashreplace").decode("ascii")


def _refuse(sock: socket.socket, problem: Problem) -> None:
    """Send a page to a client that gets no thread; it is not waited for."""
    fields, body = page(problem)
    with sock:
        sock.setblocking(False)
        try:
            sock.send(head_bytes(f"HTTP/1.1 {problem.status} Refused", [*fields, ("Connection", "close")]) + body)
            sock.shutdown(socket.SHUT_WR)
            sock.recv(65536)
        except OSError:
            pass
