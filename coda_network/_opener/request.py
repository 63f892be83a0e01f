"""``Request``: the data of one request, with the accessors that Python 2 code calls."""

from __future__ import annotations

import operator
import urllib.request

from coda_network._secrets import forget_secrets

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from coda_network._wire.types import Body

_Stdlib = urllib.request.Request
_stdlib_init = urllib.request.Request.__init__
_stdlib_set_proxy = urllib.request.Request.set_proxy
_stdlib_full_url = urllib.request.Request.full_url

MEMORY = 256
"""URLs whose parts are remembered, the newest: programs ask for the same few again and again."""

_parts: dict[str, tuple[Any, ...]] = {}
_PARTS = ("_full_url", "fragment", "type", "host", "selector", "origin_req_host")


class Request(urllib.request.Request):
    """urllib.request.Request with the accessors of urllib2.

    :param url: with or without userinfo
    :param data: the body: bytes, a file, or an iterable of bytes
    :param method: sent as it is; without one it is GET, or POST where there is data
    """

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    # Over which it goes, as a ProxyHandler says; None where ``set_proxy()`` says all.
    _routes: Any = None

    def __init__(
        self,
        url: str,
        data: Body | None = None,
        headers: Mapping[str, str] = {},
        origin_req_host: str | None = None,
        unverifiable: bool = False,
        method: str | None = None,
    ) -> None:
        parts = _parts.get(url) if origin_req_host is None and type(self).full_url is _stdlib_full_url else None
        if parts is None:
            try:
                _stdlib_init(self, url, data, headers, origin_req_host, unverifiable, method)
            except BaseException as error:
                del url, data, headers
                forget_secrets(error)
                raise
            if origin_req_host is None:
                _remember(url, self)
            return
        # As urllib's own ``__init__`` does, with the parts of the URL from memory.
        self._full_url, self.fragment, self.type, self.host, self.selector, self.origin_req_host = parts
        self.headers = {}
        self.unredirected_hdrs = {}
        self._data = None
        if data is not None or type(self).data is not _data:
            self.data = data
        self._tunnel_host = None
        for name, value in headers.items():
            self.add_header(name, value)
        self.unverifiable = unverifiable
        if method:
            self.method = method

    if not TYPE_CHECKING:
        # It is asked for five times a request: the same, without a frame of the interpreter for each.
        data = property(operator.attrgetter("_data"), _Stdlib.data.fset, _Stdlib.data.fdel, _Stdlib.data.__doc__)

    def set_proxy(self, host: str, type: str) -> None:
        """Send this request by way of a proxy.

        An https request goes through a tunnel, and still does when it is opened a second time: its host is a proxy's
        already then.

        :param host: the authority of the proxy
        :param type: the scheme by which to connect to it
        """
        if self.type == "https" and self._tunnel_host:
            self.host = host
        else:
            _stdlib_set_proxy(self, host, type)

    def add_data(self, data: Body | None) -> None:
        """Set the body."""
        self.data = data

    def has_data(self) -> bool:
        """Return whether there is a body."""
        return self.data is not None

    def get_data(self) -> Body | None:
        """Return the body."""
        return self.data

    def get_type(self) -> str:
        """Return the scheme of the URL."""
        return self.type

    def get_host(self) -> str:
        """Return the host to connect to: the server's, or the proxy's once one is set."""
        return self.host

    def get_selector(self) -> str:
        """Return the request target: in origin-form, or in absolute-form once a proxy is set."""
        return self.selector

    def get_origin_req_host(self) -> str:
        """Return the host of the page that this request belongs to (RFC 2965)."""
        return self.origin_req_host

    def is_unverifiable(self) -> bool:
        """Return whether the user had no part in this request (RFC 2965)."""
        return self.unverifiable


_data = Request.data


def request_class() -> Any:
    """Return the class that makes a Request of a URL: ours, or the one that a program has put into urllib.request."""
    found = urllib.request.Request
    return Request if found is _Stdlib and found.__init__ is _stdlib_init else found


def _remember(url: str, request: Any) -> None:
    """Keep the parts of an ordinary URL in place of the oldest ones; a URL with userinfo is not kept."""
    if type(url) is str and url[:4] == "http" and request.host and "@" not in url:
        own = vars(request)
        if all(name in own for name in _PARTS):
            _parts[url] = tuple(own[name] for name in _PARTS)
            if len(_parts) > MEMORY:
                _forget_the_oldest()


def _forget_the_oldest() -> None:
    try:
        _parts.pop(next(iter(_parts)), None)
    except RuntimeError:
        pass  # another thread has changed the dictionary meanwhile; the next new URL makes room
