"""The opener of one download."""

from __future__ import annotations

import functools
import urllib.request
from collections.abc import Callable
from typing import Any

from coda_network import urllib2
from coda_network._http.deadline_connection import DeadlineHTTPConnection, DeadlineHTTPSConnection
from coda_network._net.deadline import Deadline
from coda_network._net.tls import Cert, shared_context
from coda_network._opener.director import OpenerDirector
from coda_network._opener.http_handlers import HTTPHandler, HTTPSHandler
from coda_network._opener.proxy_handler import DeferredLoginProxyHandler as ProxyHandler
from coda_network._route.environment import names_a_proxy

# Of two handlers for one thing the first is asked first: the caller's, whose order is less as a rule.
_AFTER_OTHERS = urllib.request.BaseHandler.handler_order + 1


class _HTTPHandler(HTTPHandler):
    handler_order = _AFTER_OTHERS

    def __init__(self, deadline: Deadline | None = None) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: Any) -> Any:
        if self._deadline is None:
            return super().http_open(req)
        return self.do_open(DeadlineHTTPConnection, req, deadline=self._deadline)


class _HTTPSHandler(HTTPSHandler):
    handler_order = _AFTER_OTHERS

    def __init__(self, deadline: Deadline | None = None, cert: Cert | None = None) -> None:
        super().__init__(cert=cert)
        self._deadline = deadline

    def https_open(self, req: Any) -> Any:
        if self._context is None:
            # Nobody gets to see this handler, so it needs no context of its own.
            self._context = shared_context()
        if self._deadline is None:
            return super().https_open(req)
        return self.do_open(DeadlineHTTPSConnection, req, context=self._context, deadline=self._deadline)


class _NotModifiedHandler(urllib.request.BaseHandler):
    """Hands out 304 as the answer that it is."""

    handler_order = _AFTER_OTHERS

    def http_error_304(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp


# What build_opener() leaves out where it is given one of the kind; without a proxy, nothing takes the place of another.
_DEFAULTS = (
    urllib.request.UnknownHandler,
    urllib.request.HTTPHandler,
    urllib.request.HTTPDefaultErrorHandler,
    urllib.request.HTTPRedirectHandler,
    urllib.request.FTPHandler,
    urllib.request.FileHandler,
    urllib.request.HTTPErrorProcessor,
    urllib.request.DataHandler,
    urllib.request.HTTPSHandler,
)
_TABLES = ("handlers", "handle_open", "handle_error", "process_request", "process_response")


def download_opener(given: list[Any], deadline: Deadline | None, cert: Cert | None) -> OpenerDirector:
    """Return what ``build_opener()`` makes of these and _NotModifiedHandler; that would seek all the places anew."""
    http, https = _HTTPHandler(deadline), _HTTPSHandler(deadline, cert)
    if any(isinstance(handler, (type, *_DEFAULTS)) for handler in given):
        return urllib2.build_opener(*given, _NotModifiedHandler, http, https)
    opener = OpenerDirector()
    model = _model()
    own: dict[type, urllib.request.BaseHandler] = {_HTTPHandler: http, _HTTPSHandler: https}
    places = {handler: own.get(type(handler)) or type(handler)() for handler in vars(model)["handlers"]}
    for handler in places.values():
        handler.add_parent(opener)
    for table in _TABLES:
        setattr(opener, table, _with_others(getattr(model, table), places.__getitem__))
    if _may_have_proxies() and not any(isinstance(handler, urllib.request.ProxyHandler) for handler in given):
        opener.add_handler(ProxyHandler())
    for handler in given:
        opener.add_handler(handler)
    return opener


@functools.cache
def _model() -> OpenerDirector:
    return urllib2.build_opener(ProxyHandler({}), _NotModifiedHandler, _HTTPHandler, _HTTPSHandler)


def _with_others(table: Any, other: Callable[[Any], Any]) -> Any:
    """Return a table of an opener with *other* handlers in the places of those that are in it."""
    if isinstance(table, dict):
        return {key: _with_others(inner, other) for key, inner in table.items()}
    return [*map(other, table)]


def _may_have_proxies() -> bool:
    """Tell whether the environment is worth to be asked for proxies, which takes longer than all of an opener."""
    return urllib.request.getproxies is not urllib.request.getproxies_environment or names_a_proxy()
