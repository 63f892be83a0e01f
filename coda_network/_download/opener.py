"""The opener of one download, made fast.

``build_opener()`` sorts every method of every handler into the opener's tables, which takes longer than a small
download. The handlers of a download are nearly always the same ones, so their places are found once, in a model opener;
an opener of a download has the model's tables, with handlers of its own in the same places.
"""

from __future__ import annotations

import functools
import urllib.request
from collections.abc import Callable
from typing import Any

from coda_network import urllib2
from coda_network._download.handlers import (
    DownloadFTPHandler,
    DownloadHTTPHandler,
    DownloadHTTPSHandler,
    NotModifiedHandler,
)
from coda_network._net.deadline import Deadline
from coda_network._net.tls import Cert
from coda_network._opener.director import OpenerDirector
from coda_network._opener.http_handlers import HTTPSHandler
from coda_network._opener.proxy_handler import DeferredLoginProxyHandler as ProxyHandler
from coda_network._route.choose import may_find_a_proxy

# build_opener() leaves out its own handler of each of these kinds where the caller gives one, and so the model does not
# fit. ProxyHandler is not among them: the model has none.
_REPLACEABLE = (
    urllib.request.UnknownHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.FTPHandler,
    urllib.request.FileHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.DataHandler,
    getattr(urllib.request, "HTTPSHandler", HTTPSHandler),  # there is none without the module ssl
)
_TABLES = ("handlers", "handle_open", "handle_error", "process_request", "process_response")


def download_opener(given: list[Any], deadline: Deadline | None, cert: Cert | None) -> OpenerDirector:
    """Return an opener like ``build_opener(*given)``, with the handlers of a download.

    :param given: the caller's handlers
    :param deadline: for everything that the opener does; None is no limit
    :param cert: the client certificate for https
    :returns: the opener
    """
    own = DownloadHTTPHandler(deadline), DownloadHTTPSHandler(deadline, cert), DownloadFTPHandler(deadline)
    if any(isinstance(handler, (type, *_REPLACEABLE)) for handler in given):
        return urllib2.build_opener(*given, NotModifiedHandler, *own)
    opener = OpenerDirector()
    model = _model()
    with_arguments: dict[type, urllib.request.BaseHandler] = {type(handler): handler for handler in own}
    new = {handler: with_arguments.get(type(handler)) or type(handler)() for handler in vars(model)["handlers"]}
    for handler in new.values():
        handler.add_parent(opener)
    for table in _TABLES:
        setattr(opener, table, _replaced(getattr(model, table), new.__getitem__))
    if may_find_a_proxy() and not any(isinstance(handler, urllib.request.ProxyHandler) for handler in given):
        opener.add_handler(ProxyHandler())
    for handler in given:
        opener.add_handler(handler)
    return opener


@functools.cache
def _model() -> OpenerDirector:
    return urllib2.build_opener(
        ProxyHandler({}), NotModifiedHandler, DownloadHTTPHandler, DownloadHTTPSHandler, DownloadFTPHandler
    )


def _replaced(table: Any, replacement: Callable[[Any], Any]) -> Any:
    """Return a table of an opener (a list, or dictionaries of lists) with every handler in it replaced."""
    if isinstance(table, dict):
        return {key: _replaced(inner, replacement) for key, inner in table.items()}
    return [*map(replacement, table)]
