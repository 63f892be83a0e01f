"""The ways to a URL, and which of them are not tried for a while because nothing was there."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic
from typing import TypeVar
from urllib.parse import urlsplit

from coda_network._local_proxy.settings import Hops, Routes
from coda_network._local_proxy.upstream import Unreachable
from coda_network._route.choose import is_exempt
from coda_network._route.no_proxy import bypasses
from coda_network._route.proxy_url import parse_proxy_url
from coda_network._wire.authority import split_authority

DOWN_SECONDS = 30.0
"""For which a way is tried last whose first connection could not be opened."""

_T = TypeVar("_T")


def environment_routes(url: str) -> Sequence[Hops]:
    """Return the way that the environment, or the system's settings, name for a URL."""
    parts = urlsplit(url)
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or is_exempt(parts.netloc) or urllib.request.proxy_bypass(parts.netloc):
        return [()]
    return [(proxy,)]


def given_routes(ways: Iterable[Sequence[str]], no_proxy: str = "") -> Routes:
    """Return a function for ways that were named: the same for every URL, but for the hosts without a proxy.

    :param ways: each is a list of proxies, the nearest one first; several ways are tried in this order
    :param no_proxy: hosts that are reached directly, as in the variable of this name
    :raises ValueError: the URL of a proxy cannot be used
    """
    all_ways = [tuple(way) for way in ways]
    for way in all_ways:
        for hop in way:
            parse_proxy_url(hop)

    def routes(url: str) -> Sequence[Hops]:
        if no_proxy:
            host, port = split_authority(urlsplit(url).netloc.rpartition("@")[2], 0)
            if bypasses(host, port or None, no_proxy):
                return [()]
        return all_ways

    return routes


class Ways:
    """Tries the ways to a URL one after the other."""

    def __init__(self, routes: Routes) -> None:
        self.routes = routes
        self._down: dict[Hops, float] = {}

    def go(self, url: str, attempt: Callable[[Hops], _T]) -> _T:
        """Return what an attempt returns, by the first way on which an upstream can be reached.

        :raises Unreachable: there is none; the error of the last attempt
        """
        failure: Unreachable | None = None
        for way in self._in_order(self.routes(url)):
            try:
                result = attempt(way)
            except Unreachable as error:
                failure = error
                # A direct way fails with its site, which says nothing about others.
                if way:
                    self._down[way] = monotonic() + DOWN_SECONDS
            else:
                if self._down:
                    self._down.pop(way, None)
                return result
        raise failure or Unreachable("there is no way to this URL")

    def _in_order(self, ways: Sequence[Hops]) -> Iterator[Hops]:
        if not self._down:
            return iter(ways)
        now = monotonic()
        # Those that were down are tried all the same, where no other is left.
        return iter(sorted(ways, key=lambda way: self._down.get(way, 0.0) > now))
