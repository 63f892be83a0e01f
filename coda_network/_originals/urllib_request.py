"""``urllib.request``'s own classes, whatever stands under their names meanwhile: these are extended, and patched."""

from __future__ import annotations

import urllib.request

from coda_network._originals import own_class

__all__ = [
    "AbstractBasicAuthHandler",
    "AbstractHTTPHandler",
    "HTTPBasicAuthHandler",
    "HTTPDigestAuthHandler",
    "HTTPErrorProcessor",
    "HTTPHandler",
    "HTTPRedirectHandler",
    "HTTPSHandler",
    "OpenerDirector",
    "ProxyBasicAuthHandler",
    "ProxyDigestAuthHandler",
    "ProxyHandler",
    "Request",
    "UnknownHandler",
]

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from urllib.request import (
        AbstractBasicAuthHandler,
        AbstractHTTPHandler,
        HTTPBasicAuthHandler,
        HTTPDigestAuthHandler,
        HTTPErrorProcessor,
        HTTPHandler,
        HTTPRedirectHandler,
        HTTPSHandler,
        OpenerDirector,
        ProxyBasicAuthHandler,
        ProxyDigestAuthHandler,
        ProxyHandler,
        Request,
        UnknownHandler,
    )
else:
    # A Python without TLS has no HTTPSHandler.
    globals().update((name, own_class(urllib.request, name)) for name in __all__ if hasattr(urllib.request, name))
