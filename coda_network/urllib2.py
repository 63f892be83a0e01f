"""urllib.request, urllib.error and urllib.response in one, with what they lack: keep it in place of ``urllib.request``.

Openers keep their connections alive, log in at proxies and sites by whatever they ask for, and can be closed. What is
not changed (file, data and FTP handlers, cookies, URL helpers) is the standard library's own.
"""

from __future__ import annotations

import sys
import types
import urllib.error as _error
import urllib.request as _stdlib
import urllib.response as _response

from coda_network._opener.basic_digest_handlers import HTTPBasicAuthHandler as HTTPBasicAuthHandler
from coda_network._opener.basic_digest_handlers import HTTPDigestAuthHandler as HTTPDigestAuthHandler
from coda_network._opener.basic_digest_handlers import ProxyBasicAuthHandler as ProxyBasicAuthHandler
from coda_network._opener.basic_digest_handlers import ProxyDigestAuthHandler as ProxyDigestAuthHandler
from coda_network._opener.director import OpenerDirector as OpenerDirector
from coda_network._opener.error_processor import HTTPErrorProcessor as HTTPErrorProcessor
from coda_network._opener.errors import TunnelRefused as TunnelRefused
from coda_network._opener.http_handlers import AbstractHTTPHandler as AbstractHTTPHandler
from coda_network._opener.http_handlers import HTTPHandler as HTTPHandler
from coda_network._opener.http_handlers import HTTPSHandler as HTTPSHandler
from coda_network._opener.redirect_handler import HTTPRedirectHandler as HTTPRedirectHandler
from coda_network._opener.request import Request as Request
from coda_network._opener.urlopen import sharing_urlopen
from coda_network._secrets import lets_out_no_secret

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from ssl import SSLContext
    from typing import Any
    from urllib.error import ContentTooShortError as ContentTooShortError
    from urllib.error import HTTPError as HTTPError
    from urllib.error import URLError as URLError
    from urllib.request import AbstractBasicAuthHandler as AbstractBasicAuthHandler
    from urllib.request import AbstractDigestAuthHandler as AbstractDigestAuthHandler
    from urllib.request import BaseHandler as BaseHandler
    from urllib.request import CacheFTPHandler as CacheFTPHandler
    from urllib.request import DataHandler as DataHandler
    from urllib.request import FileHandler as FileHandler
    from urllib.request import FTPHandler as FTPHandler
    from urllib.request import HTTPCookieProcessor as HTTPCookieProcessor
    from urllib.request import HTTPDefaultErrorHandler as HTTPDefaultErrorHandler
    from urllib.request import HTTPPasswordMgr as HTTPPasswordMgr
    from urllib.request import HTTPPasswordMgrWithDefaultRealm as HTTPPasswordMgrWithDefaultRealm
    from urllib.request import HTTPPasswordMgrWithPriorAuth as HTTPPasswordMgrWithPriorAuth
    from urllib.request import UnknownHandler as UnknownHandler
    from urllib.request import ftpwrapper as ftpwrapper
    from urllib.request import getproxies as getproxies
    from urllib.request import getproxies_environment as getproxies_environment
    from urllib.request import install_opener as install_opener
    from urllib.request import parse_http_list as parse_http_list
    from urllib.request import parse_keqv_list as parse_keqv_list
    from urllib.request import pathname2url as pathname2url
    from urllib.request import proxy_bypass as proxy_bypass
    from urllib.request import url2pathname as url2pathname
    from urllib.request import urlcleanup as urlcleanup
    from urllib.request import urlretrieve as urlretrieve
    from urllib.response import addbase as addbase
    from urllib.response import addclosehook as addclosehook
    from urllib.response import addinfo as addinfo
    from urllib.response import addinfourl as addinfourl

    from coda_network._cache.cache import HTTPCache as HTTPCache
    from coda_network._http.response import HTTPResponse
    from coda_network._opener.proxy_handler import ProxyHandler as ProxyHandler
    from coda_network._wire.types import Body
else:
    from coda_network._opener.proxy_handler import DeferredLoginProxyHandler as ProxyHandler

# What is new, and what is not of urllib.request itself, stays out of ``import *``, as programs expect.
__all__: list[str] = []
__all__ += _stdlib.__all__

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
    bound.__doc__ = function.__doc__
    return bound


def build_opener(
    *handlers: _stdlib.BaseHandler | Callable[[], _stdlib.BaseHandler],
    cache: str | os.PathLike[str] | HTTPCache | None = None,
) -> OpenerDirector:
    """Return an opener of the default handlers and *handlers*, which may be classes or instances.

    A handler that extends a default one, ours or the standard library's, takes its place.

    :param cache: where responses are stored and found again (RFC 9111): a folder, or an HTTPCache; None: nowhere
    :raises OSError: the folder of the cache cannot be written to
    """
    if cache is None:
        return _with_handlers(OpenerDirector(), handlers)
    from coda_network._cache.cache import cache_of
    from coda_network._cache.opener import CachingOpener

    opener = CachingOpener()
    opener.cache = cache_of(cache)
    return _with_handlers(opener, handlers)


def _with_handlers(opener: OpenerDirector, handlers: Any) -> OpenerDirector:
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
        (HTTPSHandler, getattr(_stdlib, "HTTPSHandler", HTTPSHandler)),
    )
    given = [handler if isinstance(handler, type) else type(handler) for handler in handlers]
    for default, base in defaults:
        if not any(issubclass(kind, base) for kind in given):
            opener.add_handler(default())
    for handler in handlers:
        opener.add_handler(handler() if isinstance(handler, type) else handler)
    return opener


if sys.version_info < (3, 14):

    class URLopener(_stdlib.URLopener):
        """urllib.request.URLopener, kept for old programs."""

        __module__ = "coda_network.urllib2"  # where programs, and pickle, find it
        open_ftp = _here(_stdlib.URLopener.open_ftp)

    class FancyURLopener(URLopener, _stdlib.FancyURLopener):
        """urllib.request.FancyURLopener, kept for old programs."""

        __module__ = "coda_network.urllib2"  # where programs, and pickle, find it


if TYPE_CHECKING:

    def urlopen(
        url: str | _stdlib.Request,
        data: Body | None = None,
        timeout: float | None = ...,
        *,
        context: SSLContext | None = None,
    ) -> HTTPResponse:
        """Open a URL or a Request with the installed opener, or a default one; return the response.

        :param data: the body of the request, which makes it a POST
        :param timeout: in seconds, for each call on a socket; None waits without limit
        :param context: of TLS, in place of the default
        :returns: the response; file, data and FTP URLs have an ``addinfourl`` in its place
        :raises urllib.error.URLError: there is no response, or (HTTPError) one that no handler takes for a success
        """
        ...  # a stub to type checkers

else:
    install_opener = _here(_stdlib.install_opener)
    urlcleanup = _here(_stdlib.urlcleanup)
    urlretrieve = lets_out_no_secret(_here(_stdlib.urlretrieve))
    urlopen = sharing_urlopen(_here(_stdlib.urlopen), lambda context: build_opener(HTTPSHandler(context=context)))
