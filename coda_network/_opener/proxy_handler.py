"""``ProxyHandler``: sends a request by way of a proxy, unless the host goes without one."""

from __future__ import annotations

import functools
import urllib.request

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_stdlib_proxy_open = urllib.request.ProxyHandler.proxy_open


@functools.cache
def _choose() -> ModuleType:
    """Load what chooses a proxy with the first request that may need one: most programs have none."""
    from coda_network._route import choose

    return choose


class ProxyHandler(urllib.request.ProxyHandler):
    """urllib.request.ProxyHandler that knows CIDR in ``no_proxy``.

    :param proxies: scheme to URL of its proxy; None takes what the environment says, an empty mapping no proxy at all
    """

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    def proxy_open(self, req: Any, proxy: str, type: str) -> Any:
        """Send *req* by way of *proxy*, unless ``no_proxy`` names its host.

        :returns: None where another handler is to open *req*
        """
        if req.host and _choose().is_exempt(req.host):
            return None
        return _stdlib_proxy_open(self, req, proxy, type)


class DeferredLoginProxyHandler(ProxyHandler):
    """A ProxyHandler whose logins wait until the proxy asks, and for what it asks."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    def proxy_open(self, req: Any, proxy: str, type: str) -> Any:
        """Send *req* by way of *proxy*, without the userinfo of its URL, unless ``no_proxy`` names the host."""
        from coda_network._route.proxy_url import without_userinfo

        return ProxyHandler.proxy_open(self, req, without_userinfo(proxy), type)


# The name that it has in ``urllib2``.
DeferredLoginProxyHandler.__name__ = DeferredLoginProxyHandler.__qualname__ = ProxyHandler.__name__
