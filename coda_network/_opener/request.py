"""``Request``: the data of one request, with the accessors that Python 2 code calls."""

from __future__ import annotations

import operator
import re

from coda_network._originals import kept, original, urllib_request
from coda_network._secrets import forget_secrets

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from coda_network._wire.types import Body

_Stdlib = urllib_request.Request
original_init = original(urllib_request.Request, "__init__")
_stdlib_init = kept(urllib_request.Request, "__init__")
_stdlib_set_proxy = kept(urllib_request.Request, "set_proxy")
_stdlib_full_url = urllib_request.Request.full_url

MEMORY = 1024
"""Origins whose parts are remembered, the newest: programs ask few of them, each for many URLs."""

# Scheme and authority of URLs, with the type, the host and the origin_req_host that urllib.request makes of them. Whole
# URLs were remembered before, 256 of them: of 5,000 in turn each took 22 us more.
_origins: dict[str, tuple[str, str, str]] = {}


class Request(urllib_request.Request):
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
        parts = None
        if origin_req_host is None and type(self).full_url is _stdlib_full_url and type(url) is str:
            path = url.find("/", 8)  # behind https://
            # urllib.request cuts white space off at the end, and the fragment.
            if path < 0:
                path = len(url)
            if url[-1:] > " " and url.isascii() and "#" not in url:
                parts = _origins.get(url[:path])
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
        self._full_url, self.fragment, self.selector = url, None, url[path:]
        self.type, self.host, self.origin_req_host = parts
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


LONGEST = 300
"""Characters of an origin that is remembered."""

# Its host may be followed by a query without a path, or by a fragment; and it may have userinfo.
_DELIMITERS = frozenset("?#@<>")
_PARTS = ("type", "host", "origin_req_host")
_origin = re.compile(r"(https?://[!-.0-~]+)(?:/[!-~]*)?").fullmatch


def _remember(url: str, request: Any) -> None:
    """Keep the parts of an ordinary origin in place of the oldest one; an origin with userinfo is not kept."""
    found = _origin(url) if type(url) is str else None
    if found is None or len(found[1]) > LONGEST or not _DELIMITERS.isdisjoint(found[1]):
        return
    own = vars(request)
    if all(name in own for name in _PARTS):
        _origins[found[1]] = own["type"], own["host"], own["origin_req_host"]
        if len(_origins) > MEMORY:
            _forget_the_oldest()


def _forget_the_oldest() -> None:
    while len(_origins) > MEMORY:  # a thread that came between left its own for the next one
        try:
            _origins.pop(next(iter(_origins)), None)
        except RuntimeError:
            return  # another thread has changed the dictionary meanwhile; the next new URL makes room
