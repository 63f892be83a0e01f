"""Which routes a URL takes, and why: the one place that everything asks, and that can explain itself."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from coda_network._route.choose import is_exempt, routes_of
from coda_network._route.installed import PAC_VARIABLE, installed_choice
from coda_network._route.no_proxy import bypasses
from coda_network._route.route import Route, UnusableProxy, parse_hops
from coda_network._wire.authority import split_authority, split_userinfo

if TYPE_CHECKING:
    from ssl import SSLContext

SCHEMES = frozenset({"http", "https", "ftp"})


def find_routes(
    url: str,
    *,
    proxies: Mapping[str, str | Sequence[str]] | None = None,
    choose: Any = None,
    context: SSLContext | None = None,
) -> list[Route]:
    """Return the routes of a URL in the order in which they are tried, as an opener of ``urllib2`` finds them.

    :param url: http, https or ftp
    :param proxies: as those of a ``ProxyHandler``, in place of the environment's
    :param choose: as that of a ``ProxyHandler``, or a PAC file
    :param context: of TLS with https:// proxies
    :raises UnusableProxy: (a ValueError) a proxy cannot be used, or the URL cannot
    :raises OSError: a PAC file failed
    """
    parts = urlsplit(url)
    netloc = split_userinfo(parts.netloc)[2]
    if parts.scheme not in SCHEMES or not netloc:
        raise UnusableProxy("a route is found for an http, https or ftp URL with a host")
    split_authority(netloc, 0)
    by_choice = "choose="
    if choose is None and proxies is None:
        choose = installed_choice()
        by_choice = f"patch(), or {PAC_VARIABLE}"
    if choose is not None:
        if proxies is not None:
            raise TypeError("proxies or choose, not both: a choice decides for every URL")
        routes = routes_of(choose, url, context)
        return [
            route if "choose()" not in route.why else route._replace(why=f"{by_choice} says so") for route in routes
        ]
    named = _named_proxy(parts.scheme, proxies)
    if named is None:
        return [Route((), _none_is_named(parts.scheme) if proxies is None else f"no proxy is given for {parts.scheme}")]
    proxy, origin = named
    if (exempt := _exempt(netloc)) is not None:
        return [Route((), exempt)]
    return [Route(parse_hops(proxy), f"named by {origin}", context)]


def _named_proxy(scheme: str, proxies: Mapping[str, Any] | None) -> tuple[Any, str] | None:
    """Return the proxy for a scheme and who names it; None where nobody does."""
    if proxies is not None:
        found = {name.lower(): value for name, value in proxies.items()}.get(scheme)
        return (found, f"the proxies for {scheme}") if found else None
    known = urllib.request.getproxies()
    for name in (scheme, "all"):
        if name in known:  # set to nothing, it means that there is none
            return (known[name], variable_of(f"{name}_proxy")) if known[name] else None
    return None


def _none_is_named(scheme: str) -> str:
    return f"neither {scheme}_proxy nor all_proxy is set"


def variable_of(name: str) -> str:
    """Return the environment variable of a name that is set; lower case wins. Else it is the system's settings."""
    if os.environ.get(name):
        return name
    return next((key for key, value in os.environ.items() if key.lower() == name and value), "the system's settings")


def _exempt(authority: str) -> str | None:
    """Return why a host is reached without the proxy; None where it is not."""
    if is_exempt(authority):
        host, port = split_authority(authority, 0)
        entries = urllib.request.getproxies_environment()["no"].split(",")
        # ``*`` means every host only where it is the whole value.
        stars = len(entries) == 1
        matching = [each for each in entries if (stars or each.strip() != "*") and bypasses(host, port or None, each)]
        return f"{variable_of('no_proxy')} names this host: {matching[0].strip()}"
    if urllib.request.proxy_bypass(authority):
        return "the system's settings name this host"
    return None
