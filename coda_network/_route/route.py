"""A route: the proxies on the way to a site, in their order, and why it was chosen."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Mapping

from coda_network._route.proxy_url import ProxyURL, parse_proxy_url

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from ssl import SSLContext
    from typing import Any

DIRECT = "DIRECT"
"""What stands for no proxy in a choice, as in PAC files."""

READS_REQUESTS = frozenset({"http", "https"})
"""The schemes of proxies that read requests for http sites themselves, in absolute-form (RFC 9112 section 3.2.2)."""


class RouteFailed(Exception):
    """Nothing was sent to the site, as its route could not be opened; another one may be tried.

    :param error: what the program is to see where there is no other
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(error)
        self.error = error


class UnusableProxy(ValueError):
    """A proxy, or a chain of them, that cannot be used as it is written; the message says why, without a secret."""


class Route(namedtuple("Route", ("hops", "why", "context"), defaults=("", None))):
    """The way to a site.

    :param hops: the proxies as ``ProxyURL``, the nearest first; none for a direct connection
    :param why: which variable, argument, or line of a PAC file says so
    :param context: of TLS with the https:// proxies among them; None is the default one
    """

    __slots__ = ()

    hops: tuple[ProxyURL, ...]
    why: str
    context: SSLContext | None

    @property
    def is_direct(self) -> bool:
        """Whether there is no proxy."""
        return not self.hops

    @property
    def urls(self) -> list[str]:
        """The URLs of the hops, without their userinfo."""
        return [f"{hop.scheme}://{hop.authority}" for hop in self.hops]

    @property
    def reads_requests(self) -> bool:
        """Whether the last hop reads requests for http sites itself, in absolute-form."""
        return bool(self.hops) and self.hops[-1].scheme in READS_REQUESTS

    def __str__(self) -> str:
        return " -> ".join(self.urls) or DIRECT

    def __repr__(self) -> str:
        return f"<Route {self}: {self.why}>"


def parse_hops(given: str | Iterable[str | ProxyURL]) -> tuple[ProxyURL, ...]:
    """Read the address of a proxy, or those of a chain of them.

    :param given: one as for ``parse_proxy_url()``, or several, the nearest first; those that were read already stay
    :returns: at least one proxy
    :raises UnusableProxy: one cannot be used, or there is none
    """
    if not isinstance(given, Iterable) or isinstance(given, (bytes, bytearray, Mapping)):
        raise UnusableProxy(f"a proxy is named by a text, a chain by several, not by {type(given).__name__}")
    texts = [given] if isinstance(given, str) else list(given)
    hops = []
    for place, text in enumerate(texts):
        if isinstance(text, ProxyURL):
            hops.append(text)
            continue
        which = f"hop {place + 1} of the chain: " if len(texts) > 1 else ""
        if not isinstance(text, str):
            raise UnusableProxy(f"{which}a proxy is named by a text, not by {type(text).__name__}")
        if text.strip().upper() == DIRECT:
            raise UnusableProxy(f"{which}{DIRECT} is no proxy: it stands for a whole route, among those of a choice")
        try:
            hops.append(parse_proxy_url(text))
        except ValueError as error:
            raise UnusableProxy(f"{which}{error}") from None
    if not hops:
        raise UnusableProxy("a chain of proxies has at least one; no proxy is an empty string, False, or DIRECT")
    return tuple(hops)


def dial_over(route: Route, connection: Any) -> None:
    """Let an ``HTTPConnection`` that has not connected yet do so over a route.

    :param connection: its host is the site; or the last hop, where that reads requests itself
    :raises UnusableProxy: a hop cannot be used
    """
    from coda_network._route.hops import Dialler, hops_for

    hops = hops_for(route.hops, route.context)
    last = hops.pop() if route.reads_requests else None
    deadline = getattr(connection, "_deadline", None)
    connection._create_connection = Dialler(hops, last, connection._create_connection, deadline)


def has_failed_to_connect(connection: Any) -> bool:
    """Return whether what a connection tried last was to open its route, so that the site has had nothing of it.

    A proxy was not reached, or the last one did not respond to CONNECT. What responds is not dead.
    """
    if getattr(connection._create_connection, "failed", False) is True:
        return True
    return bool(connection._tunnel_host) and connection._raw_proxy_headers is None
