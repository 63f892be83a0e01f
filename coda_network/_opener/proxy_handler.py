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

    _outcome_of: Any = None

    def proxy_open(self, req: Any, proxy: str, type: str) -> Any:
        """Send *req* by way of *proxy*, unless ``no_proxy`` names its host.

        :returns: None where another handler is to open *req*
        """
        choose = _choose()
        if req.host and choose.is_exempt(req.host):
            return None
        if not choose.is_environment_all():
            return _stdlib_proxy_open(self, req, proxy, type)
        outcome_of = self._outcome_of
        if outcome_of is None:
            # The handler has the password in ``proxies``; this shows it to nobody.
            outcome_of = self._outcome_of = functools.lru_cache(MEMORY)(functools.partial(_outcome, self))
        return outcome_of(proxy, type).apply(self, req)


MEMORY = 16
"""URLs of proxies of which a handler remembers what they say: it has one for each scheme."""


class _Outcome:
    """Stands in for a Request, and notes what the standard library does to one that goes by way of a proxy.

    The same happens to all requests by that proxy: to have it done anew, and ``no_proxy`` looked up in it once more,
    took 30 of 40 µs.
    """

    host = None  # which is in no ``no_proxy``

    def __init__(self) -> None:
        self.type = _ITS_OWN
        self.fields: tuple[tuple[str, str], ...] = ()

    def add_header(self, name: str, value: str) -> None:
        self.fields += ((name, value),)

    def set_proxy(self, host: str, type: str) -> None:
        self.authority, self.scheme = host, type

    def apply(self, handler: Any, req: Any) -> Any:
        """Do the same to a request."""
        own = req.type
        scheme = own if self.scheme is _ITS_OWN else self.scheme
        for name, value in self.fields:
            req.add_header(name, value)
        req.set_proxy(self.authority, scheme)
        if own in (scheme, "https"):
            return None
        # The handlers of this scheme cannot open a request by way of that one.
        return handler.parent.open(req, timeout=req.timeout)


class _Type(str):
    """The scheme of a request, told from that of a proxy by identity."""


_ITS_OWN = _Type("https")  # https goes by way of a proxy of any scheme


def _outcome(handler: Any, proxy: str, type: str) -> _Outcome:
    outcome = _Outcome()
    _stdlib_proxy_open(handler, outcome, proxy, type)  # type: ignore[arg-type]  # all that it uses of a Request
    return outcome


class DeferredLoginProxyHandler(ProxyHandler):
    """A ProxyHandler whose logins wait until the proxy asks, and for what it asks."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    def proxy_open(self, req: Any, proxy: str, type: str) -> Any:
        """Send *req* by way of *proxy*, without the userinfo of its URL, unless ``no_proxy`` names the host."""
        if "@" in proxy:
            from coda_network._route.proxy_url import without_userinfo

            proxy = without_userinfo(proxy)
        return ProxyHandler.proxy_open(self, req, proxy, type)


# The name that it has in ``urllib2``.
DeferredLoginProxyHandler.__name__ = DeferredLoginProxyHandler.__qualname__ = ProxyHandler.__name__
