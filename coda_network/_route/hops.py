"""Hops: the proxies of a route, each reached through the one before it; and a socket over all of them.

Every kind of proxy is a ``Hop``. A hop says what it carries (``reads_requests``), declines an address that its protocol
has no room for (``why_not()``), wraps the stream that leads to its proxy (``enter()``: TLS), and makes of it one that
leads on to an address (``open()``).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from coda_network._net.deadline import Deadline, TimeLimit
from coda_network._net.deadline_socket import connect_within, dial_within, lift_deadline, put_under
from coda_network._net.timeout import for_opening
from coda_network._net.tls import is_tls
from coda_network._route.proxy_url import ProxyURL
from coda_network._route.route import READS_REQUESTS, UnusableProxy, parse_hops

if TYPE_CHECKING:
    from ssl import SSLContext

Address = tuple[str, int]


class Dial(Protocol):
    """Opens a connection to an address, as ``socket.create_connection`` does."""

    def __call__(self, address: Address, timeout: Any, source_address: Address | None, /) -> Any: ...


class Hop:
    """One proxy on a route; there is a subclass for each kind.

    :param proxy: its address, and who logs in there
    :param context: of TLS with an https:// proxy; None is the default one
    :raises UnusableProxy: this proxy cannot be used as it is written, or a package is missing
    """

    reads_requests = False
    """Whether it reads requests for http sites itself; streams of bytes are carried by every hop."""

    place = ""
    """Which hop of a chain it is, for messages; empty where it is the only one."""

    connect_headers: Mapping[str, str] | None = None
    """Fields to send with CONNECT, where the proxy speaks HTTP."""

    def __init__(self, proxy: ProxyURL, context: SSLContext | None) -> None:
        self.proxy = proxy
        self.context = context

    def why_not(self, address: Address) -> str | None:
        """Return why an address cannot be reached through this proxy; None where it can."""
        return None

    def enter(self, sock: Any, deadline: Deadline) -> Any:
        """Return the stream in which the proxy is spoken to, over the socket that leads to it.

        :raises OSError: it cannot be had; *sock* is closed
        """
        return sock

    def open(self, reach: Dial, address: Address, deadline: Deadline) -> Any:
        """Return a stream that leads through the proxy to an address.

        :param reach: connects to the proxy
        :param address: host and port
        :param deadline: until the stream is open
        :raises OSError: the proxy is not reached, or refuses; no socket is left open
        """
        raise NotImplementedError  # each subclass has its own

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.proxy.authority}>"


def hops_for(proxies: Iterable[ProxyURL], context: SSLContext | None = None) -> list[Hop]:
    """Return the hops of a route.

    :param proxies: the nearest first
    :param context: of TLS with https:// proxies; None is the default one
    :raises UnusableProxy: one of them cannot be used
    """
    hops: list[Hop] = []
    proxies = list(proxies)
    for proxy in proxies:
        if proxy.scheme in READS_REQUESTS:
            from coda_network._route.http_hop import HTTPHop

            hops.append(HTTPHop(proxy, context))
        else:
            from coda_network._route.socks_hop import SOCKSHop

            hops.append(SOCKSHop(proxy, context))
        if len(proxies) > 1:
            hops[-1].place = f"hop {len(hops)} of the chain"
    return hops


def open_stream(hops: Sequence[Hop], target: Address, deadline: Deadline, dial: Dial) -> Any:
    """Return a stream to *target* over *hops*; its calls obey the deadline.

    :param dial: opens the connection to the first hop, or to the target where there is none
    :raises OSError: a hop is not reached, or refuses
    :raises UnusableProxy: a hop has no room for the address of the next one
    """
    if not hops:
        return dial(target, None, None)
    *before, last = hops
    if (why := last.why_not(target)) is not None:
        raise UnusableProxy(f"{last.proxy.scheme}://{last.proxy.authority} cannot be used: {why}")

    def reach(address: Address, timeout: Any, source_address: Address | None) -> Any:
        return last.enter(open_stream(before, address, deadline, dial), deadline)

    return last.open(reach, target, deadline)


def connect_through(
    hops: Iterable[str | ProxyURL],
    target: Address,
    seconds: float | None,
    source_address: Address | None = None,
    *,
    context: SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
) -> socket.socket:
    """Connect to *target* and return the socket; what the peer sends first stays in it to the last byte.

    :param hops: proxies or their URLs, the nearest one first; with none the connection is direct
    :param target: host and port
    :param seconds: the deadline until the connection is open; afterwards the timeout of each call on the socket. A
        Timeout has a value for each of these
    :param source_address: local host and port to connect from
    :param context: of TLS with https:// proxies; None is the default one
    :param headers: to send with each CONNECT
    :returns: the socket
    :raises TunnelError: a proxy refused the tunnel
    :raises OSError: a connection failed, or a hop does not speak its protocol
    :raises ValueError: the URL of a hop cannot be used, or not at its place
    """
    proxies = parse_hops(hops) if hops else ()
    deadline, seconds = for_opening(seconds)

    def dial(address: Address, timeout: Any, source: Address | None) -> Any:
        # Only the first connection is dialled; the others go through it, so *source_address* is for this one.
        return connect_within(deadline, address, None, source_address)

    way = hops_for(proxies, context)
    for hop in way:
        hop.connect_headers = headers
    sock = open_stream(way, target, deadline, dial)
    return lift_deadline(sock, seconds)  # type: ignore[no-any-return]  # a socket, or TLS over one


class Dialler:
    """Stands in for the ``socket.create_connection`` of one connection, and leads over hops.

    :param hops: before the address that the connection connects to
    :param last: the proxy at that address, whose stream the connection speaks in; None where it is no proxy
    :param dial: opens the first connection, as the connection would without hops
    :param deadline: of the connection; None where each call has the timeout alone
    """

    def __init__(self, hops: Sequence[Hop], last: Hop | None, dial: Dial, deadline: Deadline | None) -> None:
        self._hops = hops
        self._last = last
        self._dial = dial
        self._deadline = deadline
        self.failed = False
        """The last call did not connect: nothing was sent to the site, and another route may be tried."""

    def __call__(self, address: Address, timeout: Any, source_address: Address | None = None) -> Any:
        """Return a stream to *address*.

        :param timeout: in seconds, for all of the way together; afterwards for each call
        """
        self.failed = True
        if timeout is socket._GLOBAL_DEFAULT_TIMEOUT:  # type: ignore[attr-defined]  # http.client's own default
            timeout = socket.getdefaulttimeout()
        if not self._hops and self._last is None:
            sock = self._dial(address, timeout, source_address)
            self.failed = False
            return sock
        limit = timeout.deadline if isinstance(timeout, TimeLimit) else self._deadline
        deadline = limit or Deadline(timeout)

        def dial(first: Address, _timeout: Any, _source: Address | None) -> Any:
            if isinstance(timeout, TimeLimit):
                return dial_within(self._dial, first, timeout, source_address)
            sock = self._dial(first, deadline.timeout_for_socket(), source_address)
            is_plain = isinstance(sock, socket.socket) and not is_tls(sock)
            return put_under(deadline, sock) if is_plain and not hasattr(sock, "deadline") else sock

        sock = open_stream(self._hops, address, deadline, dial)
        if self._last is not None:
            sock = self._last.enter(sock, deadline)
        if limit is None:
            sock = lift_deadline(sock, timeout)
        self.failed = False
        return sock
