"""What the patch puts where: the bodies of our classes, onto the standard library's classes that they extend."""

from __future__ import annotations

import http.client
import sys
import urllib.request

from coda_network._http import connection, https, response
from coda_network._opener import (
    basic_digest_handlers,
    director,
    error_processor,
    http_handlers,
    proxy_handler,
    redirect_handler,
    request,
)
from coda_network._opener.urlopen import sharing_urlopen
from coda_network._patch.privates import urllib3_attributes
from coda_network._patch.switch import SubclassRule, Target
from coda_network._route import environment

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

# What every class has of its own and no other class can take.
_OWN = frozenset(
    {"__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__abstractmethods__", "_abc_impl"}
    # Settings of our own classes, of which patch() has arguments.
    | {"races_addresses"}
    | {"__firstlineno__", "__static_attributes__", "__orig_bases__", "__parameters__", "__annotations__"}
)

if sys.implementation.name == "pypy":
    # PyPy never calls one that a class did not have from the beginning, and warns. io's own closes what is left.
    _OWN |= {"__del__"}

_stdlib_urlopen = urllib.request.urlopen


def _opener_for(context: Any) -> Any:
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))


def build() -> list[Target]:
    """Return everything that ``patch()`` replaces."""
    return [
        *_body(http.client.HTTPResponse, response.HTTPResponse),
        *_body(http.client.HTTPConnection, connection.HTTPConnection),
        *_body(urllib.request.Request, request.Request),
        *_body(urllib.request.OpenerDirector, director.OpenerDirector),
        *_body(urllib.request.AbstractHTTPHandler, http_handlers.AbstractHTTPHandler),
        *_body(urllib.request.HTTPHandler, http_handlers.HTTPHandler),
        *_body(urllib.request.HTTPRedirectHandler, redirect_handler.HTTPRedirectHandler),
        *_body(urllib.request.HTTPErrorProcessor, error_processor.HTTPErrorProcessor),
        *_body(urllib.request.ProxyHandler, proxy_handler.ProxyHandler),
        *_body(urllib.request.HTTPBasicAuthHandler, basic_digest_handlers.HTTPBasicAuthHandler),
        *_body(urllib.request.ProxyBasicAuthHandler, basic_digest_handlers.ProxyBasicAuthHandler),
        *_body(urllib.request.HTTPDigestAuthHandler, basic_digest_handlers.HTTPDigestAuthHandler),
        *_body(urllib.request.ProxyDigestAuthHandler, basic_digest_handlers.ProxyDigestAuthHandler),
        *_for_https(),
        Target(urllib.request, "urlopen", sharing_urlopen(_stdlib_urlopen, _opener_for)),
        *(Target(urllib.request, name, environment.getproxies_environment) for name in _environment_names()),
    ]


def _for_https() -> list[Target]:
    if hasattr(http.client, "HTTPSConnection"):
        return [
            *_body(http.client.HTTPSConnection, https.HTTPSConnection),
            *_body(urllib.request.HTTPSHandler, http_handlers.HTTPSHandler),
        ]
    from coda_network._opener.no_tls import unknown_open

    return [Target(urllib.request.UnknownHandler, "unknown_open", unknown_open)]


def _environment_names() -> list[str]:
    """Return the names of that function: where the system has no proxy settings it is also ``getproxies``."""
    theirs = urllib.request.getproxies_environment
    return [name for name in ("getproxies_environment", "getproxies") if getattr(urllib.request, name) is theirs]


def subclass_rules() -> list[SubclassRule]:
    """Return what is replaced in subclasses that carry their own version of something."""
    return [SubclassRule(http.client.HTTPConnection, urllib3_attributes)]


def _body(theirs: type, ours: type) -> Iterator[Target]:
    """Yield what ``ours`` and its mixins define, for the standard library's class that ``ours`` extends."""
    defined: dict[str, object] = {}
    for cls in (*reversed(_mixins(theirs, ours)), ours):
        defined.update(vars(cls))
    for name, value in defined.items():
        if name not in _OWN:
            yield Target(theirs, name, value)


def _mixins(theirs: type, ours: type) -> list[type]:
    """Return the bases that are parts of ``ours`` alone: they extend nothing, and the stand-ins for classes do."""
    return [base for base in ours.__bases__ if base.__bases__ == (object,) and base not in theirs.__mro__]
