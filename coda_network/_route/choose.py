"""Which proxy leads to an address, and which addresses are reached without one."""

from __future__ import annotations

import functools
import os
import urllib.request
from collections.abc import Iterable
from urllib.error import URLError
from urllib.parse import urlsplit, urlunsplit

from coda_network._auth.credentials import Credentials
from coda_network._originals import urllib_request
from coda_network._route.environment import names_a_proxy, no_proxy
from coda_network._route.installed import PAC_VARIABLE, https_means_tls, installed_choice
from coda_network._route.no_proxy import bypasses
from coda_network._route.proxy_url import parse_proxy_url
from coda_network._route.route import DIRECT, Route, UnusableProxy, parse_hops
from coda_network._wire.authority import split_authority

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Sequence
    from ssl import SSLContext
    from typing import Any


_urllib: Any = urllib.request  # typeshed does not know ``proxy_bypass_environment()``
_stdlib_proxy_bypass = _urllib.proxy_bypass
_stdlib_proxy_bypass_environment = _urllib.proxy_bypass_environment

MEMORY = 1024
"""Verdicts that are remembered; programs ask the same few hosts again and again."""


def is_exempt(authority: str) -> bool:
    """Return whether ``no_proxy`` of the environment names a host.

    :param authority: the host, with its port where it has one
    """
    value = no_proxy()
    return bool(value) and _is_named(authority.rpartition("@")[2], value)


@functools.lru_cache(MEMORY)
def _is_named(authority: str, value: str | bytes) -> bool:
    """Return whether a value of ``no_proxy`` names a host; nothing secret is in what is remembered."""
    text = value if isinstance(value, str) else os.fsdecode(value)
    try:
        host, port = split_authority(authority, 0)
    except ValueError:
        return False
    return bypasses(host, port or None, text)


def is_environment_all() -> bool:
    """Return whether nothing but the environment exempts hosts: no settings of the system, no function of a program.

    What ``is_exempt()`` says is then the whole answer, as ``no_proxy`` means no less to it than to urllib.
    """
    return (
        _stdlib_proxy_bypass
        is _stdlib_proxy_bypass_environment
        is _urllib.proxy_bypass
        is _urllib.proxy_bypass_environment
    )


def may_find_a_proxy() -> bool:
    """Return whether a ``ProxyHandler`` could find a proxy: to make one takes longer than the rest of an opener."""
    is_of_the_system = urllib.request.getproxies is not urllib.request.getproxies_environment
    return is_of_the_system or names_a_proxy() or PAC_VARIABLE in os.environ or installed_choice() is not None


def credentials_in_proxy_url(handlers: Iterable[Any], authority: str) -> Credentials | None:
    """Return the userinfo that a ``ProxyHandler`` has in its URL of a proxy.

    :param handlers: of the opener
    :param authority: of the proxy
    :returns: None where no URL of this proxy has userinfo
    """
    for handler in handlers:
        if isinstance(handler, urllib_request.ProxyHandler):
            proxies: dict[str, Any] = handler.proxies  # type: ignore[attr-defined]  # set by __init__
            # A chain's routes have their credentials with them.
            urls = [url for url in proxies.values() if isinstance(url, str) and "@" in url]
            if not urls:
                continue
            remembers: Any = handler
            named_by = vars(handler).get("_named_by")
            if named_by is None:
                # Each request with a login asks. The handler has the passwords anyway, and nobody else gets them.
                named_by = remembers._named_by = functools.lru_cache(URLS_OF_A_HANDLER)(_named_by)
            if (found := named_by(authority, *urls)) is not None:
                return found  # type: ignore[no-any-return]  # what ``_named_by()`` returns
    return None


URLS_OF_A_HANDLER = 16
"""Proxies whose credentials a handler remembers: it has one for each scheme."""


def _named_by(authority: str, *urls: str) -> Credentials | None:
    for url in urls:
        try:
            proxy = parse_proxy_url(url)
            is_this_one = split_authority(authority, proxy.port) == (proxy.host, proxy.port)
        except ValueError:
            continue
        if is_this_one and proxy.username is not None:
            return Credentials(proxy.username, proxy.password or "")
    return None


# -- routes


def is_plain_http(proxy: str) -> bool:
    """Return whether the address of a proxy is that of one in plain HTTP."""
    scheme, separator, _ = proxy.partition("://")
    return not separator or scheme.lower() == "http"


def is_spoken_by_urllib(proxy: str) -> bool:
    """Return whether the standard library's own ``ProxyHandler`` speaks to a proxy: in plain HTTP.

    To an https:// proxy it speaks plain HTTP for https sites, as many write ``https://`` there by mistake.
    """
    return is_plain_http(proxy) or (proxy[:8].lower() == "https://" and not https_means_tls())


def routes_to(proxy: Any, why: str, context: SSLContext | None = None) -> tuple[Route, ...]:
    """Return the one route that the URL of a proxy, or a list of URLs, names.

    :param proxy: the URL; or several, the nearest proxy first
    :param why: who names it
    :param context: of TLS with https:// proxies
    :raises URLError: a proxy cannot be used
    """
    try:
        return (Route(parse_hops(proxy), why, context),)
    except UnusableProxy as error:
        raise URLError(error)  # noqa: B904  # its own message is complete


def choose_routes(choice: Any, url: str, context: SSLContext | None = None) -> Sequence[Route]:
    """Return the routes that a choice has for a URL, to be tried in their order.

    :param choice: a ``PAC``, or a function of the program
    :param url: is given to the choice without userinfo and fragment
    :param context: of TLS with https:// proxies
    :raises URLError: it has none, or one that cannot be used
    """
    try:
        return routes_of(choice, url, context)
    except URLError:
        raise
    except (OSError, UnusableProxy) as error:
        raise URLError(error)  # noqa: B904  # its own message is complete


def routes_of(
    choice: Any, url: str, context: SSLContext | None = None, why: str = "choose() says so"
) -> Sequence[Route]:
    """Return what ``choose_routes()`` does, with errors as they are.

    :param why: what a route says that a function of the program has chosen
    :raises OSError: a PAC file failed
    :raises UnusableProxy: it has no route, or one that cannot be used
    """
    if url[:7] not in _LOWER or "@" in url or "#" in url:
        parts = urlsplit(url)
        url = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))
    if (routes := getattr(choice, "routes", None)) is not None:
        found = routes(url)
        return found if context is None else [route._replace(context=context) for route in found]
    found = choice(url)
    if isinstance(found, (str, Route)):
        found = [found]
    if not found or not isinstance(found, Iterable):
        raise UnusableProxy(f"choose() returned no route for {url}: it returns a list of proxies, or [{DIRECT!r}]")
    return [_as_route(each, context, why) for each in found]


_LOWER = frozenset({"http://", "https:/"})
"""How most URLs begin; others may have to be put in order before a choice sees them."""


def _as_route(given: Any, context: SSLContext | None, why: str) -> Route:
    if isinstance(given, Route):
        return given
    if isinstance(given, str):
        if context is None and "@" not in given:
            return _route_named(given, why)
        if given.strip().upper() == DIRECT:
            return Route((), why)
    return Route(parse_hops(given), why, context)


@functools.lru_cache(MEMORY)
def _route_named(given: str, why: str) -> Route:
    """Return the route that a text without userinfo names; nothing secret is in what is remembered."""
    return Route(() if given.strip().upper() == DIRECT else parse_hops(given), why)
