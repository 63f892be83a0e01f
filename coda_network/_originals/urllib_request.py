"""``urllib.request``'s own classes, whatever stands under their names meanwhile: these are extended, and patched."""

from __future__ import annotations

import urllib.request

from coda_network._originals import own_class

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from urllib.request import AbstractBasicAuthHandler as AbstractBasicAuthHandler
    from urllib.request import AbstractHTTPHandler as AbstractHTTPHandler
    from urllib.request import HTTPBasicAuthHandler as HTTPBasicAuthHandler
    from urllib.request import HTTPDigestAuthHandler as HTTPDigestAuthHandler
    from urllib.request import HTTPErrorProcessor as HTTPErrorProcessor
    from urllib.request import HTTPHandler as HTTPHandler
    from urllib.request import HTTPRedirectHandler as HTTPRedirectHandler
    from urllib.request import HTTPSHandler as HTTPSHandler
    from urllib.request import OpenerDirector as OpenerDirector
    from urllib.request import ProxyBasicAuthHandler as ProxyBasicAuthHandler
    from urllib.request import ProxyDigestAuthHandler as ProxyDigestAuthHandler
    from urllib.request import ProxyHandler as ProxyHandler
    from urllib.request import Request as Request
    from urllib.request import UnknownHandler as UnknownHandler
else:
    AbstractBasicAuthHandler = own_class(urllib.request, "AbstractBasicAuthHandler")
    AbstractHTTPHandler = own_class(urllib.request, "AbstractHTTPHandler")
    HTTPBasicAuthHandler = own_class(urllib.request, "HTTPBasicAuthHandler")
    HTTPDigestAuthHandler = own_class(urllib.request, "HTTPDigestAuthHandler")
    HTTPErrorProcessor = own_class(urllib.request, "HTTPErrorProcessor")
    HTTPHandler = own_class(urllib.request, "HTTPHandler")
    HTTPRedirectHandler = own_class(urllib.request, "HTTPRedirectHandler")
    OpenerDirector = own_class(urllib.request, "OpenerDirector")
    ProxyBasicAuthHandler = own_class(urllib.request, "ProxyBasicAuthHandler")
    ProxyDigestAuthHandler = own_class(urllib.request, "ProxyDigestAuthHandler")
    ProxyHandler = own_class(urllib.request, "ProxyHandler")
    Request = own_class(urllib.request, "Request")
    UnknownHandler = own_class(urllib.request, "UnknownHandler")
    if hasattr(urllib.request, "HTTPSHandler"):
        HTTPSHandler = own_class(urllib.request, "HTTPSHandler")
