"""``build_opener()``: an opener for many requests, with what a program chooses of the helpers' abilities."""

from __future__ import annotations

import os
from typing import Any

from coda_network import urllib2
from coda_network._cache.cache import HTTPCache, cache_of
from coda_network._cache.opener import CachingOpener
from coda_network._download.content_handler import ContentDecodingHandler
from coda_network._download.retry import Retry
from coda_network._download.retrying_opener import RetryingOpener
from coda_network._net.dial import SocketKeepalive
from coda_network._net.tls import Cert
from coda_network._opener.director import OpenerDirector
from coda_network._opener.handler_list import Handlers, handler_list
from coda_network._opener.http_handlers import HTTPHandler, HTTPSHandler
from coda_network._secrets import lets_out_no_secret


@lets_out_no_secret
def build_opener(
    cert: Cert | None = None,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    keepalive: bool | SocketKeepalive = False,
    *,
    retry: Retry | None = None,
    decode: bool = False,
    cache: str | os.PathLike[str] | HTTPCache | None = None,
) -> OpenerDirector:
    """Return an opener that keeps its connections alive; its ``close()`` closes them.

    :param cert: the client certificate for https sites: a path, ``(certificate, key)`` or
        ``(certificate, key, password)``
    :param proxy_handlers: a ProxyHandler, or several handlers; None takes the proxies from the environment
    :param auth_handlers: handlers that know logins for sites and proxies, one or several
    :param keepalive: let the system probe silent connections (TCP keep-alive): a bool, or a
        ``SocketKeepalive(idle, interval, count)`` in seconds, seconds and probes. Connections are reused either way
    :param retry: when to try again until there is a response; None never
    :param decode: ask for encoded bodies (gzip, deflate, br, zstd) and decode them
    :param cache: where responses are stored and found again (RFC 9111): a folder, or an HTTPCache; None: nowhere
    :returns: the opener
    :raises OSError: the certificate cannot be read, or the folder of the cache cannot be written to
    """
    handlers: list[Any] = [*handler_list(proxy_handlers), *handler_list(auth_handlers)]
    if decode:
        handlers.append(ContentDecodingHandler())
    handlers += HTTPHandler(socket_keepalive=keepalive), HTTPSHandler(cert=cert, socket_keepalive=keepalive)
    return urllib2._with_handlers(_director(retry, None if cache is None else cache_of(cache)), handlers)


def _director(retry: Retry | None, cache: HTTPCache | None) -> OpenerDirector:
    if retry is None and cache is None:
        return OpenerDirector()
    if retry is None:
        opener = CachingOpener()
        opener.cache = cache
        return opener
    retrying = RetryingOpener(retry)
    retrying.cache = cache
    return retrying
