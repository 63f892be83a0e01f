"""Which proxy, and when none."""

from __future__ import annotations

import urllib.request

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

_stdlib_proxy_open = urllib.request.ProxyHandler.proxy_open


class ProxyHandler(urllib.request.ProxyHandler):
    """urllib.request.ProxyHandler that knows CIDR in ``no_proxy``.

    :param proxies: scheme to URL of its proxy; None takes what the environment says, an empty mapping no proxy at all
    """

    __module__ = "urllib.request"  # it stands in for that class, and is shown and looked up by its name

    def proxy_open(self, req: Any, proxy: str, type: str) -> Any:
        """Send *req* by way of *proxy*, unless its host goes without one."""
        if req.host and is_exempt(req.host):
            return None
        return _stdlib_proxy_open(self, req, proxy, type)


class DeferredLoginProxyHandler(ProxyHandler):
    """A ProxyHandler whose logins wait until the proxy asks, and for what it asks."""

    __module__ = "urllib.request"
    __qualname__ = "ProxyHandler"

    def proxy_open(self, req: Any, proxy: str, type: str) -> Any:
        """Send *req* by way of *proxy*, unless its host goes without one."""
        return ProxyHandler.proxy_open(self, req, _without_login(proxy), type)


def is_exempt(authority: str) -> bool:
    """Tell whether ``no_proxy`` of the environment names this host (with its port, if it has one)."""
    exempt = urllib.request.getproxies_environment().get("no")
    if not exempt:
        return False
    from coda_network._route.no_proxy import bypasses
    from coda_network._wire.authority import split_authority

    try:
        host, port = split_authority(authority.rpartition("@")[2], 0)
    except ValueError:
        return False
    return bypasses(host, port or None, exempt)


def _without_login(proxy: str) -> str:
    from coda_network._route.proxy_url import parse_proxy_url

    try:
        url = parse_proxy_url(proxy)
    except ValueError:
        return proxy
    if url.username is None:
        return proxy
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{url.port}"
