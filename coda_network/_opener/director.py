"""``OpenerDirector``: passes a request to the handlers that process and open it, and its response back."""

from __future__ import annotations

import functools
import socket
import sys
import urllib.request
from types import MethodType

from coda_network._opener.request import Request, original_init
from coda_network._originals import kept, original, urllib_request
from coda_network._secrets import forget_secrets

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    from coda_network._http.response import HTTPResponse
    from coda_network._wire.types import Body

_stdlib_close = kept(urllib_request.OpenerDirector, "close")
_stdlib_call_chain = original(urllib_request.OpenerDirector, "_call_chain")
_StdlibRequest = urllib_request.Request
_stdlib_full_url = urllib_request.Request.full_url
_stdlib_get_method = original(urllib_request.Request, "get_method")

caching: Any = None
"""Opens requests by the cache of the whole process: called with the opener, the request and its data. None: there is
none."""


@functools.lru_cache(64)
def _methods_for(protocol: str) -> tuple[str, str, str]:
    """Return the names of the handlers' methods for a protocol: that process a request, open it, process a response.

    The interpreter remembers where it found an attribute by the very string that named it: a string that is made anew
    is looked up in each class again, and takes the place of another one in that memory.
    """
    return sys.intern(protocol + "_request"), sys.intern(protocol + "_open"), sys.intern(protocol + "_response")


class OpenerDirector(urllib_request.OpenerDirector):
    """urllib.request.OpenerDirector that keeps its connections alive until ``close()``."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    max_idle = 100
    """Idle connections that are kept: each takes a file descriptor here, of which a process often has 1,024, and memory
    at its server. A program that goes round among more hosts than this opens a connection for each request. It counts
    when it is set before the first request."""

    max_idle_per_host = 10
    """Idle connections that are kept to one host: as many as threads ask it at the same time."""

    races_addresses = True
    """The connections race the addresses of a host (RFC 8305); the patch leaves this to its own argument."""

    # What urllib.request has and typeshed does not know: the handlers of each protocol.
    process_request: dict[str, list[Any]]
    process_response: dict[str, list[Any]]
    handle_open: dict[str, list[Any]]
    _call_chain: Any

    def open(
        self,
        fullurl: str | urllib.request.Request,
        data: Body | None = None,
        timeout: float | None = socket._GLOBAL_DEFAULT_TIMEOUT,  # type: ignore[attr-defined]  # urllib's own default
    ) -> HTTPResponse:
        """Open a URL or a Request; return the response.

        :param data: the body of the request, which makes it a POST
        :param timeout: in seconds, for each call on a socket; None waits without limit. A ``Timeout`` has limits for
            connecting, for each call, and for everything until the last byte of the body
        :raises urllib.error.URLError: there is no response; or, as HTTPError, one that no handler takes for a success
        """
        try:
            if isinstance(fullurl, str):
                # Our class, or the one that a program has put into urllib.request.
                kind: Any = urllib.request.Request
                if kind is _StdlibRequest and kind.__init__ is original_init:
                    kind = Request
                request: Any = kind(fullurl, data)
            else:
                request = fullurl
                if data is not None:
                    request.data = data
            if isinstance(timeout, float) and type(timeout) is not float:
                from coda_network._net.timeout import started

                # The clock of a Timeout starts here: redirects and logins take it along.
                timeout = started(timeout) or timeout
            request.timeout = timeout
            protocol = request.type
            name, _, name_of_response = _methods_for(protocol)
            for processor in self.process_request.get(protocol, ()):
                request = getattr(processor, name)(request)
            # As full_url and get_method() say: calls count in each request, and most of all after a wait, when nothing
            # of this is in the processor's cache. With those left out of here and of round_trip() an opener's GET took
            # 52 us of its own, and takes 41.
            of_method = request.get_method  # programs also put one of their own into a single request
            is_plain = type(of_method) is MethodType and of_method.__func__ is _stdlib_get_method
            if is_plain and type(request).full_url is _stdlib_full_url and not request.fragment:
                method = getattr(request, "method", "GET" if request.data is None else "POST")
                sys.audit("urllib.Request", request._full_url, request.data, request.headers, method)
            else:
                sys.audit("urllib.Request", request.full_url, request.data, request.headers, request.get_method())
            if caching is None:
                response: HTTPResponse = self._open(request, data)
            else:
                response = caching(self, request, data)
            for processor in self.process_response.get(protocol, ()):
                response = getattr(processor, name_of_response)(request, response)
            return response
        except BaseException as error:
            del fullurl, data
            forget_secrets(error)
            raise

    def _open(self, req: Any, data: Any = None) -> Any:
        """Return what the first handler returns that opens the request."""
        chains = self.handle_open
        is_plain = type(self)._call_chain is _stdlib_call_chain and "_call_chain" not in vars(self)
        for kind in ("default", req.type, "unknown"):
            name, result = _methods_for(kind)[1], None
            if not is_plain:
                result = self._call_chain(chains, kind, name, req) if kind in chains else None
            else:
                # What _call_chain() does, without the call.
                for handler in chains.get(kind, ()):
                    if (result := getattr(handler, name)(req)) is not None:
                        break
            if result:
                break
        return result

    def close(self) -> None:
        """Close the connections that are idle; the opener can be used again."""
        if "coda_network._transport.session" in sys.modules:  # else nothing has been opened
            from coda_network._transport.session import close_session

            close_session(self)
        _stdlib_close(self)
