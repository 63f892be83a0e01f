"""What the patch puts where: the bodies of our classes, onto the standard library's classes that they extend."""

from __future__ import annotations

import http.client
import sys
import urllib.request
import warnings
from types import FunctionType

from coda_network._http import connection, https, in_place, response
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
from coda_network._originals import http_client, kept, original, stands_over, urllib_request
from coda_network._patch.change import not_reached
from coda_network._patch.in_flight import move_late_responses, move_responses
from coda_network._patch.privates import urllib3_attributes
from coda_network._patch.switch import Action, FunctionTarget, SubclassRule, Target
from coda_network._route import environment
from coda_network._secrets import lets_out_no_secret

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

_stdlib_urlopen = kept(urllib.request, "urlopen")
_stdlib_urlretrieve = kept(urllib.request, "urlretrieve")


def _opener_for(context: Any) -> Any:
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))


def build() -> list[Target]:
    """Return everything that ``patch()`` replaces."""
    return [step for step in steps() if isinstance(step, Target)]


def steps() -> list[Target | Action]:
    """Return the same in order, with what is to be done in between."""
    responses = list(_body(http_client.HTTPResponse, response.HTTPResponse))
    return [
        Action(_warn_of_stand_ins, _nothing),
        # What is under way goes on: what our functions look for, and http.client's do not, comes first and goes last.
        *(target for target in responses if not hasattr(target.owner, target.name)),
        Action(_nothing, move_late_responses),
        *(target for target in responses if hasattr(target.owner, target.name)),
        *filter(_is_known, _body(http_client.HTTPConnection, connection.HTTPConnection)),
        *_body(urllib_request.Request, request.Request),
        *_body(urllib_request.OpenerDirector, director.OpenerDirector),
        *_body(urllib_request.AbstractHTTPHandler, http_handlers.AbstractHTTPHandler),
        *_body(urllib_request.HTTPHandler, http_handlers.HTTPHandler),
        *_body(urllib_request.HTTPRedirectHandler, redirect_handler.HTTPRedirectHandler),
        *_body(urllib_request.HTTPErrorProcessor, error_processor.HTTPErrorProcessor),
        *_body(urllib_request.ProxyHandler, proxy_handler.ProxyHandler),
        *_body(urllib_request.HTTPBasicAuthHandler, basic_digest_handlers.HTTPBasicAuthHandler),
        *_body(urllib_request.ProxyBasicAuthHandler, basic_digest_handlers.ProxyBasicAuthHandler),
        *_body(urllib_request.HTTPDigestAuthHandler, basic_digest_handlers.HTTPDigestAuthHandler),
        *_body(urllib_request.ProxyDigestAuthHandler, basic_digest_handlers.ProxyDigestAuthHandler),
        *_for_https(),
        _target(urllib.request, "urlopen", sharing_urlopen(_stdlib_urlopen, _opener_for)),
        # Its own frame has the URL.
        _target(urllib.request, "urlretrieve", lets_out_no_secret(_stdlib_urlretrieve)),
        *(_target(urllib.request, name, environment.getproxies_environment) for name in _environment_names()),
        Action(_nothing, move_responses),
        Action(_begin, in_place.end),
    ]


def _warn_of_stand_ins() -> None:
    """Name what stands in the place of a class and does not lead to it, where the patch is."""
    for module, classes in ((http.client, http_client), (urllib.request, urllib_request)):
        for name, own in vars(classes).items():
            if isinstance(own, type):
                found = vars(module).get(name)
                if found is not own and not stands_over(found, own):
                    warnings.warn(not_reached(f"{module.__name__}.{name}", found), RuntimeWarning, stacklevel=7)


def _nothing() -> None:
    """Do nothing: what is done is done in undoing."""


def _is_known(target: Target) -> bool:
    """Return whether a class of connections is to have an attribute: what it has itself, and what is public.

    Of a connection our functions look for nothing else, as it may vanish while they are at work.
    """
    if target.name == "response_class":
        return False  # responses are http.client's own class, which has our behaviour
    return hasattr(target.owner, target.name) or target.name[:1] != "_"


def _begin() -> None:
    """Let the short ways know the functions by which the classes of http.client have our behaviour."""
    in_place.begin(
        lambda name: _by_us(http_client.HTTPConnection, connection.HTTPConnection, name),
        lambda name: _by_us(http_client.HTTPResponse, response.HTTPResponse, name),
    )


def _by_us(theirs: Any, ours: Any, name: str) -> Any:
    """Return what a class has under a name where nobody else has replaced it; None where somebody has."""
    found = vars(theirs).get(name)
    code = getattr(getattr(ours, name), "__code__", theirs)
    is_ours = getattr(found, "__code__", None) is code or found is original(theirs, name)
    return found if is_ours else None


def _for_https() -> list[Target]:
    if hasattr(http_client, "HTTPSConnection"):
        return [
            *filter(_is_known, _body(http_client.HTTPSConnection, https.HTTPSConnection)),
            *_body(urllib_request.HTTPSHandler, http_handlers.HTTPSHandler),
        ]
    from coda_network._opener.no_tls import unknown_open

    return [_target(urllib_request.UnknownHandler, "unknown_open", unknown_open)]


def _environment_names() -> list[str]:
    """Return the names of that function: where the system has no proxy settings it is also ``getproxies``."""
    theirs = original(urllib.request, "getproxies_environment")
    return [name for name in ("getproxies_environment", "getproxies") if original(urllib.request, name) is theirs]


def subclass_rules() -> list[SubclassRule]:
    """Return what is replaced in subclasses that carry their own version of something."""
    return [SubclassRule(http_client.HTTPConnection, urllib3_attributes)]


def _body(theirs: type, ours: type) -> Iterator[Target]:
    """Yield what ``ours`` and its mixins define, for the standard library's class that ``ours`` extends."""
    defined: dict[str, object] = {}
    for cls in (*reversed(_mixins(theirs, ours)), ours):
        defined.update(vars(cls))
    for name, value in defined.items():
        if name not in _OWN:
            yield _target(theirs, name, value)


def _target(owner: Any, name: str, value: Any) -> Target:
    return (FunctionTarget if type(value) is FunctionType else Target)(owner, name, value)


def _mixins(theirs: type, ours: type) -> list[type]:
    """Return the bases that are parts of ``ours`` alone: they extend nothing, and the stand-ins for classes do."""
    return [base for base in ours.__bases__ if base.__bases__ == (object,) and base not in theirs.__mro__]
