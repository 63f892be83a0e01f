"""urllib.request, urllib.error and urllib.response in one, with what they lack: keep it in place of ``urllib.request``.

Openers keep their connections alive, log in at proxies and sites by whatever they ask for, and can be closed. What is
not changed (file, data and FTP handlers, cookies, URL helpers) is the standard library's own.
"""

from __future__ import annotations

import types
import urllib.error as _error
import urllib.request as _stdlib
import urllib.response as _response

from coda_network._opener.basic_digest_handlers import HTTPBasicAuthHandler as HTTPBasicAuthHandler
from coda_network._opener.basic_digest_handlers import HTTPDigestAuthHandler as HTTPDigestAuthHandler
from coda_network._opener.basic_digest_handlers import ProxyBasicAuthHandler as ProxyBasicAuthHandler
from coda_network._opener.basic_digest_handlers import ProxyDigestAuthHandler as ProxyDigestAuthHandler
from coda_network._opener.director import OpenerDirector
from coda_network._opener.error_processor import HTTPErrorProcessor
from coda_network._opener.errors import TunnelRefused as TunnelRefused
from coda_network._opener.http_handlers import AbstractHTTPHandler as AbstractHTTPHandler
from coda_network._opener.http_handlers import HTTPHandler, HTTPSHandler
from coda_network._opener.proxy_handler import DeferredLoginProxyHandler as ProxyHandler
from coda_network._opener.redirect_handler import HTTPRedirectHandler
from coda_network._opener.request import Request as Request
from coda_network._opener.urlopen import sharing_urlopen

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

# What is new, and what is not of urllib.request itself, stays out of ``import *``, as programs expect.
__all__ = _stdlib.__all__

_ours = dict(globals())
for _module in (_response, _error, _stdlib):
    globals().update({name: value for name, value in vars(_module).items() if not name.startswith("__")})
globals().update({name: value for name, value in _ours.items() if not name.startswith("_")})
_opener: OpenerDirector | None = None


def _here(function: Any) -> Any:
    """Return a function of urllib.request that finds this module's names (``_opener``, ``urlopen``) for its own."""
    bound = types.FunctionType(
        function.__code__, globals(), function.__name__, function.__defaults__, function.__closure__
    )
    bound.__kwdefaults__ = function.__kwdefaults__
    bound.__doc__, bound.__module__ = function.__doc__, function.__module__
    return bound


def build_opener(*handlers: Any) -> OpenerDirector:
    """Return an opener of the default handlers and *handlers*, which may be classes or instances.

    A handler that extends a default one, ours or the standard library's, takes its place.
    """
    opener = OpenerDirector()
    defaults = (
        (ProxyHandler, _stdlib.ProxyHandler),
        (_stdlib.UnknownHandler, _stdlib.UnknownHandler),
        (HTTPHandler, _stdlib.HTTPHandler),
        (_stdlib.HTTPDefaultErrorHandler, _stdlib.HTTPDefaultErrorHandler),
        (HTTPRedirectHandler, _stdlib.HTTPRedirectHandler),
        (_stdlib.FTPHandler, _stdlib.FTPHandler),
        (_stdlib.FileHandler, _stdlib.FileHandler),
        (HTTPErrorProcessor, _stdlib.HTTPErrorProcessor),
        (_stdlib.DataHandler, _stdlib.DataHandler),
        (HTTPSHandler, _stdlib.HTTPSHandler),
    )
    given = [handler if isinstance(handler, type) else type(handler) for handler in handlers]
    for default, base in defaults:
        if not any(issubclass(kind, base) for kind in given):
            opener.add_handler(default())
    for handler in handlers:
        opener.add_handler(handler() if isinstance(handler, type) else handler)
    return opener


# What programs see of it is that it stands in for that function.
build_opener.__module__ = _stdlib.__name__


if hasattr(_stdlib, "URLopener"):  # Python 3.14 took both away

    class URLopener(_stdlib.URLopener):
        """urllib.request.URLopener, kept for old programs."""

        __module__ = "urllib.request"
        open_ftp = _here(_stdlib.URLopener.open_ftp)

    class FancyURLopener(URLopener, _stdlib.FancyURLopener):
        """urllib.request.FancyURLopener, kept for old programs."""

        __module__ = "urllib.request"


install_opener = _here(_stdlib.install_opener)
urlcleanup = _here(_stdlib.urlcleanup)
urlretrieve = _here(_stdlib.urlretrieve)
urlopen = sharing_urlopen(_here(_stdlib.urlopen), lambda context: build_opener(HTTPSHandler(context=context)))
