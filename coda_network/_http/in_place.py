"""What http.client's own classes are while the patch has our behaviour under their names; without it, nothing.

The short ways of a request and a response pass by methods that a program may have replaced or wrapped. They are taken
only where each of these is the one that we know.
"""

from __future__ import annotations

import functools
import weakref

from coda_network._originals.http_client import HTTPConnection, HTTPResponse

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

REQUEST_STEPS = ("putrequest", "putheader", "endheaders", "_send_request", "_send_output")
"""What ``request()`` is made of."""

SENDING = ("send", "_read_readable")
"""What sends a body that is a file."""

RESPONSE_STEPS = ("__init__", "begin", "_read_status")
"""What makes and reads the head of a response."""

# What classes have under these names where nothing is in the way: our own, and while patched http.client's.
known_requests: list[tuple[Any, ...]] = []
steps_of_http_client: tuple[Any, ...] | None = None
known_sending: list[tuple[Any, ...]] = []
known_readlines: list[Any] = []
known_safe_reads: list[Any] = []

# The classes of other libraries whose connections are helped by functions of their own, and the class that has these.
variants: weakref.WeakKeyDictionary[type[Any], type[Any]] = weakref.WeakKeyDictionary()

# Our own classes, whose modules import this one.
our_connection: Any = None
our_response: Any = None


def is_among(found: Any, known: list[Any]) -> bool:
    """Return whether a function is one that we know: that very one, as a wrapper of wrapt is equal to what it wraps."""
    return any(found is one for one in known)


def has_known_request(cls: Any) -> bool:
    """Return whether nobody has replaced or wrapped a step of the requests of a class of connections."""
    # Written out, as this is asked before each request.
    for putrequest, putheader, endheaders, send_request, send_output in known_requests:
        if cls.putrequest is putrequest:
            return (
                cls.putheader is putheader
                and cls.endheaders is endheaders
                and cls._send_request is send_request
                and cls._send_output is send_output
            )
    return False


def has_known_sending(cls: Any) -> bool:
    """Return whether nobody has replaced or wrapped what sends the bodies of a class of connections."""
    return any(cls.send is send and cls._read_readable is read for send, read in known_sending)


def has_known_response(cls: Any) -> bool:
    """Return whether http.client's own class of responses is as the patch has it."""
    if steps_of_http_client is None:
        return False
    init, begin_response, read_status = steps_of_http_client
    return cls.__init__ is init and cls.begin is begin_response and cls._read_status is read_status


def begin(of_connection: Callable[[str], Any], of_response: Callable[[str], Any]) -> None:
    """Note that http.client's own classes have our behaviour from now on.

    :param of_connection: returns the function by which they have it under a name; None where somebody has replaced it
    """
    global steps_of_http_client
    known_requests[1:] = [tuple(map(of_connection, REQUEST_STEPS))]
    known_sending[1:] = [tuple(map(of_connection, SENDING))]
    known_readlines[1:] = [of_response("readline")]
    known_safe_reads[1:] = [of_response("_safe_read")]
    steps_of_http_client = tuple(map(of_response, RESPONSE_STEPS))


def end() -> None:
    """Note that they have their own behaviour again."""
    global steps_of_http_client
    steps_of_http_client = None
    for known in (known_requests, known_sending, known_readlines, known_safe_reads):
        del known[1:]


def is_on() -> bool:
    """Return whether http.client's own classes have our behaviour."""
    return steps_of_http_client is not None


def variant_of(cls: type[Any]) -> Any:
    """Return the class whose functions help the connections of *cls*; None where there is no special one."""
    if variants:
        for base in cls.__mro__:
            if base in variants:
                return variants[base]
    return None


def adopt(connection: Any) -> None:
    """Give a connection what it lacks of our attributes: it is older than the patch, or its ``__init__`` comes late."""
    if getattr(connection, "_variant", connection) is connection:
        # Not so for one that has all: to ask for ``__dict__`` makes attributes slower on Python 3.11 and 3.12.
        for name, value in _NOTHING_YET.items():
            connection.__dict__.setdefault(name, value)
        connection._variant = variant_of(type(connection))


_NOTHING_YET = {
    "_composer": None,
    "_forward_login": None,
    "_last_response": None,
    "_left_to_send": None,
    "_login_handled_elsewhere": False,
    "_proxy_login": None,
    "_raw_proxy_headers": None,
    "_reader": None,
    "_refusal": None,
    "_refused_tunnel": None,
    "max_response_headers": None,
    "socket_keepalive": False,
}


def helpers_of(connection: Any) -> Any:
    """Return the class whose functions help a connection: not its own, which may have them for a while only."""
    cls = type(connection)
    return cls if issubclass(cls, our_connection) else connection._variant or our_connection


def is_kept_alive(connection_class: Any) -> bool:
    """Return whether connections of a class serve one request after another, and note for themselves how each ended."""
    base = our_connection if steps_of_http_client is None else HTTPConnection
    return base is not None and isinstance(connection_class, type) and issubclass(connection_class, base)


def stay_ours(response: Any) -> None:
    """Give a response a class that keeps our behaviour, as the classes of http.client are losing it."""
    kind: Any = type(response)  # once: another thread may be about to do the same
    if not issubclass(kind, our_response):
        response.__class__ = with_ours(kind)


@functools.lru_cache(maxsize=64)
def with_ours(theirs: Any) -> type[Any]:
    """Return our class of responses, or for a program's own class one that has ours behind it."""
    if theirs is HTTPResponse:
        return our_response  # type: ignore[no-any-return]  # set by the module that defines it
    return type(theirs.__name__, (theirs, our_response), {"__module__": theirs.__module__})


def has_our_init(response_class: Any) -> bool:
    """Return whether a class of responses is made as ours is, by ``makefile()`` alone."""
    if response_class is HTTPResponse:
        return steps_of_http_client is not None and response_class.__init__ is steps_of_http_client[0]
    return response_class is our_response
