"""Routes that a user has named: the same for every URL, but for the hosts without a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from coda_network._route.no_proxy import bypasses
from coda_network._route.route import Route, parse_hops
from coda_network._wire.authority import split_authority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def named_routes(
    ways: Iterable[Sequence[str]], no_proxy: str = "", why: str = "named by --proxy"
) -> Callable[[str], Sequence[Route]]:
    """Return a choice of routes, as ``choose=`` takes it, that names the same ones for every URL.

    :param ways: to be tried in this order; each is a list of proxies, the nearest first, or empty for a direct
        connection
    :param no_proxy: hosts that are reached directly, as in the variable of this name
    :param why: who names them
    :raises UnusableProxy: (a ValueError) the URL of a proxy cannot be used
    """
    routes = [Route(parse_hops(list(way)) if way else (), why) for way in ways]
    direct = [Route((), "no_proxy names this host")]

    def choose(url: str) -> Sequence[Route]:
        if no_proxy:
            host, port = split_authority(urlsplit(url).netloc.rpartition("@")[2], 0)
            if bypasses(host, port or None, no_proxy):
                return direct
        return routes

    return choose
