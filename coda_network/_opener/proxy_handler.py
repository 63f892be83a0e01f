"""``ProxyHandler``: sends a request by way of a proxy, unless the host goes without one."""

from __future__ import annotations

import functools
import urllib.request

from coda_network._originals import kept, urllib_request
from coda_network._signatures import extends

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ssl import SSLContext
    from types import ModuleType
    from typing import Any

    from coda_network._net.tls import Cert

_stdlib_init = kept(urllib_request.ProxyHandler, "__init__")
_stdlib_proxy_open = kept(urllib_request.ProxyHandler, "proxy_open")


@functools.cache
def _choose() -> ModuleType:
    """Load what chooses a proxy with the first request that may need one: most programs have none."""
    from coda_network._route import choose

    return choose


class ProxyHandler(urllib_request.ProxyHandler):
    """urllib.request.ProxyHandler that knows SOCKS, chains, a choice for each URL, and CIDR in ``no_proxy``.

    :param proxies: scheme to URL of its proxy, or to a list of URLs: a chain, the nearest proxy first. None takes what
        the environment says, an empty mapping is no proxy at all
    :param choose: called with each URL, in place of *proxies*: returns a list of routes to try in their order, each the
        URL of a proxy, a list of URLs (a chain) or ``"DIRECT"``
    :param context: of TLS with https:// proxies; None is the default one
    :param cert: the client certificate for https:// proxies: a path, ``(certificate, key)`` or ``(certificate, key,
        password)``
    """

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    _outcome_of: Any = None
    _routes_of: Any = None
    _choice: Any = None
    _context: SSLContext | None = None
    proxies: Any

    if TYPE_CHECKING:

        def __init__(
            self,
            proxies: Mapping[str, str | Sequence[str]] | None = None,
            *,
            choose: Callable[[str], Any] | None = None,
            context: SSLContext | None = None,
            cert: Cert | None = None,
        ) -> None: ...

    else:

        @extends(_stdlib_init)
        def __init__(
            self,
            proxies: Any = None,
            *,
            choose: Any = None,
            context: Any = None,
            cert: Any = None,
        ) -> None:
            if choose is None and proxies is None:
                choose = _choose().installed_choice()
            if choose is not None:
                if proxies is not None:
                    raise TypeError("proxies or choose, not both: a choice decides for every URL")
                self._choice = choose
                proxies = {}
                # As urllib does it: what an opener finds on a handler is what it has methods for.
                self.http_open = self.https_open = self.ftp_open = self._open_by_choice
            elif proxies is None:
                proxies = self._proxies_of_environment()
            _stdlib_init(self, proxies)
            if context is not None or cert is not None:
                from coda_network._net.tls import client_context

                self._context = client_context(context, cert)

    @staticmethod
    def _proxies_of_environment() -> Any:
        return None  # as urllib finds them

    def proxy_open(self, req: Any, proxy: Any, type: str) -> Any:
        """Send *req* by way of *proxy*, unless ``no_proxy`` names its host.

        :returns: None where another handler is to open *req*
        :raises URLError: the proxy cannot be used
        """
        choose = _choose()
        if req.host and choose.is_exempt(req.host):
            return None
        if not isinstance(proxy, str) or (proxy[:7] != "http://" and not choose.is_spoken_by_urllib(proxy)):
            if req.host and not choose.is_environment_all() and urllib.request.proxy_bypass(req.host):
                return None
            return self._open_over(req, proxy, type)
        if not choose.is_environment_all():
            return _stdlib_proxy_open(self, req, proxy, type)
        outcome_of = self._outcome_of
        if outcome_of is None:
            # The handler has the password in ``proxies``; this shows it to nobody.
            outcome_of = self._outcome_of = functools.lru_cache(MEMORY)(functools.partial(_outcome, self))
        return outcome_of(proxy, type).apply(self, req)

    def _open_over(self, req: Any, proxy: Any, type: str) -> Any:
        routes_of = self._routes_of
        if routes_of is None:
            # As above: it remembers what stands in ``proxies``, and goes with them.
            routes_of = self._routes_of = functools.lru_cache(MEMORY)(_choose().routes_to)
        chain = tuple(proxy) if isinstance(proxy, list) else proxy
        try:
            hash(chain)
        except TypeError:  # it is none; what is wrong with it is for the reader of routes to say
            routes_of = _choose().routes_to
        return self._send(req, routes_of(chain, f"the proxy for {type}", self._context))

    def _open_by_choice(self, req: Any) -> Any:
        if req.host and req.has_proxy():
            return None  # the program has set one for this request
        return self._send(req, _choose().choose_routes(self._choice, req.full_url, self._context))

    def _send(self, req: Any, routes: Any) -> Any:
        req._routes = routes
        if req.type != "ftp":
            return None  # the handler of its scheme goes on
        from coda_network._opener.ftp_over_http import open_ftp_over

        return open_ftp_over(self.parent, req, routes)


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
    _stdlib_proxy_open(handler, outcome, proxy, type)
    return outcome


class DeferredLoginProxyHandler(ProxyHandler):
    """A ProxyHandler whose logins wait until the proxy asks, and for what it asks; https:// means TLS to it."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    _bare_of: Any = None

    @staticmethod
    def _proxies_of_environment() -> Any:
        """Return the proxies of the environment, with ``all_proxy`` for the schemes that have none of their own."""
        proxies = urllib.request.getproxies()
        if (last_resort := proxies.get("all")) is not None:
            for scheme in ("http", "https", "ftp"):
                proxies.setdefault(scheme, last_resort)
        return proxies

    def proxy_open(self, req: Any, proxy: Any, type: str) -> Any:
        """Send *req* by way of *proxy*, without the userinfo of its URL, unless ``no_proxy`` names the host."""
        if isinstance(proxy, str):
            if proxy[:7] != "http://" and not _choose().is_plain_http(proxy):
                proxy = (proxy,)  # a chain of one
            elif "@" in proxy:
                bare_of = self._bare_of
                if bare_of is None:
                    from coda_network._route.proxy_url import without_userinfo

                    # It remembers passwords, as ``proxies`` does, and goes with them.
                    bare_of = self._bare_of = functools.lru_cache(MEMORY)(without_userinfo)
                proxy = bare_of(proxy)
        return ProxyHandler.proxy_open(self, req, proxy, type)


# The name that it has in ``urllib2``.
DeferredLoginProxyHandler.__name__ = DeferredLoginProxyHandler.__qualname__ = ProxyHandler.__name__
