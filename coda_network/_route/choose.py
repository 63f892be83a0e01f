"""Which proxy leads to an address, and which addresses are reached without one."""

from __future__ import annotations

import functools
import os
import urllib.request

from coda_network._auth.credentials import Credentials
from coda_network._route.environment import names_a_proxy, no_proxy
from coda_network._route.no_proxy import bypasses
from coda_network._route.proxy_url import parse_proxy_url
from coda_network._wire.authority import join_authority, split_authority

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterable
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


def proxy_for_address(address: tuple[str, int]) -> str | None:
    """Return the URL of the proxy for a plain socket: the environment's for https, else the one for every scheme.

    :param address: host and port at the end of the tunnel
    :returns: None where there is no proxy, or ``no_proxy`` names the host
    """
    proxies = urllib.request.getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy:
        return None
    authority = join_authority(*address)
    return None if is_exempt(authority) or urllib.request.proxy_bypass(authority) else proxy


def may_find_a_proxy() -> bool:
    """Return whether a ``ProxyHandler`` could find a proxy: to make one takes longer than the rest of an opener."""
    return urllib.request.getproxies is not urllib.request.getproxies_environment or names_a_proxy()


def credentials_in_proxy_url(handlers: Iterable[Any], authority: str) -> Credentials | None:
    """Return the userinfo that a ``ProxyHandler`` has in its URL of a proxy.

    :param handlers: of the opener
    :param authority: of the proxy
    :returns: None where no URL of this proxy has userinfo
    """
    for handler in handlers:
        if isinstance(handler, urllib.request.ProxyHandler):
            for url in handler.proxies.values():  # type: ignore[attr-defined]  # set by __init__
                try:
                    proxy = parse_proxy_url(url)
                    is_this_one = split_authority(authority, proxy.port) == (proxy.host, proxy.port)
                except ValueError:
                    continue
                if is_this_one and proxy.username is not None:
                    return Credentials(proxy.username, proxy.password or "")
    return None
