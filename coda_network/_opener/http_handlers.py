"""``HTTPHandler`` and ``HTTPSHandler``: each request leases a connection, and the end of its response releases it."""

from __future__ import annotations

import functools
import http.client
import sys

from coda_network._http import in_place
from coda_network._http.in_place import is_kept_alive, is_on
from coda_network._opener.errors import TunnelRefused
from coda_network._originals import http_client, kept, original, urllib_request
from coda_network._secrets import forget_secrets
from coda_network._signatures import extends

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from ssl import SSLContext
    from types import ModuleType
    from typing import Any

    from coda_network._net.default_context import DefaultContext
    from coda_network._net.dial import SocketKeepalive
    from coda_network._net.tls import Cert

if TYPE_CHECKING or hasattr(urllib_request, "HTTPSHandler"):
    from coda_network._originals.urllib_request import HTTPSHandler as _StdlibHTTPSHandler
else:
    from coda_network._opener.no_tls import HTTPSHandler as _StdlibHTTPSHandler

_stdlib_do_open = kept(urllib_request.AbstractHTTPHandler, "do_open")
_stdlib_do_request = kept(urllib_request.AbstractHTTPHandler, "do_request_")
_stdlib_http_init = kept(urllib_request.HTTPHandler, "__init__")
_stdlib_https_init = kept(_StdlibHTTPSHandler, "__init__")
_OpenerDirector = urllib_request.OpenerDirector
_UNMADE: Any = object()  # in the place of a context
_stdlib_add_header = original(urllib_request.Request, "add_unredirected_header")


@functools.cache
def _engine() -> ModuleType:
    """Load the engine with the first request: many programs that import a handler open nothing."""
    from coda_network import _transport

    return _transport


class AbstractHTTPHandler(urllib_request.AbstractHTTPHandler):
    """urllib.request.AbstractHTTPHandler whose requests share the connections of its opener."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    socket_keepalive: bool | SocketKeepalive = False
    parent: Any  # the opener, once there is one
    _debuglevel: int

    def do_request_(self, request: Any) -> Any:
        """Add the header fields that a request lacks: Host, those of the opener, those that its body needs.

        :raises URLError: there is no host
        """
        host = request.host
        # Not by vars(): a request whose dictionary was asked for has slower attributes on Python 3.11 and 3.12.
        if isinstance(getattr(request, "redirect_dict", None), dict):
            return _redirected(self, request)
        is_watched = getattr(type(request), "add_unredirected_header", None) is not _stdlib_add_header
        # Origin-form: ``set_proxy()`` would have made it absolute-form.
        if not host or is_watched or request.data is not None or request.selector[:1] != "/":
            return _stdlib_do_request(self, request)
        headers, unredirected = request.headers, request.unredirected_hdrs
        if "Host" not in headers:
            unredirected.setdefault("Host", host)
        for name, value in self.parent.addheaders:
            name = name.capitalize()
            if name not in headers:
                unredirected.setdefault(name, value)
        return request

    def do_open(self, http_class: Any, req: Any, **http_conn_args: Any) -> Any:
        """Send *req* over a connection of *http_class*, an idle one of this opener where there is one.

        A callable that is no class of connections makes a new connection each time, as in the standard library, and
        so does a handler without an opener.

        :param http_class: the class of the connection
        :param req: the request
        :returns: the response
        :raises URLError: the server could not be reached, or a proxy refused the tunnel to it
        """
        opener = getattr(self, "parent", None)
        try:
            if http_class is in_place.our_connection or is_kept_alive(http_class):
                response = _engine().round_trip(opener, http_class, req, http_conn_args, self._debuglevel)
            else:
                response = _stdlib_do_open(self, http_class, req, **http_conn_args)
        except BaseException as error:
            del http_conn_args
            forget_secrets(error)
            raise
        # ``is True``, as a mock of a response has every attribute.
        return _refused(opener, req, response) if getattr(response, "tunnel", False) is True else response


def _redirected(handler: Any, request: Any) -> Any:
    """Add the header fields that a redirected request lacks; secrets of the opener are for the first origin only."""
    from coda_network._wire.origin import SECRET_FIELDS, is_led_astray

    own = {*request.headers, *request.unredirected_hdrs}
    request = _stdlib_do_request(handler, request)
    if is_led_astray(request):
        for name in SECRET_FIELDS:
            if name not in own:
                request.unredirected_hdrs.pop(name, None)
    return request


class HTTPHandler(AbstractHTTPHandler, urllib_request.HTTPHandler):
    """urllib.request.HTTPHandler that keeps its connections alive.

    :param debuglevel: above 0 prints what is sent and received
    :param socket_keepalive: see httplib.HTTPConnection
    """

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    if TYPE_CHECKING:

        def __init__(self, debuglevel: int | None = None, socket_keepalive: bool | SocketKeepalive = False) -> None: ...

    else:

        @extends(_stdlib_http_init)
        def __init__(
            self, debuglevel: int | None = None, socket_keepalive: bool | SocketKeepalive = False, **options: Any
        ) -> None:
            _stdlib_http_init(self, _level(debuglevel, http.client.HTTPConnection), **options)
            self.socket_keepalive = socket_keepalive

    http_request = AbstractHTTPHandler.do_request_

    def http_open(self, req: Any) -> Any:
        """Open an http URL."""
        # As _connection_class() and _options() say, without the calls.
        make: Any = http.client.HTTPConnection
        if make in _STDLIB and in_place.steps_of_http_client is None:
            make = _engine().HTTPConnection
        if getattr(self, "socket_keepalive", False):
            return self.do_open(make, req, **_options(self))
        return self.do_open(make, req)


class HTTPSHandler(AbstractHTTPHandler, _StdlibHTTPSHandler):
    """urllib.request.HTTPSHandler that keeps its connections alive.

    :param context: of TLS; None is http.client's default
    :param check_hostname: overrides the context's own
    :param cert: the client certificate: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param socket_keepalive: see httplib.HTTPConnection
    """

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    _context: SSLContext | None
    _default_context: Any = None  # makes it where there is no context of the program: a DefaultContext
    _client_certificate: Any = None  # the path of it, by which a cache tells users apart

    if TYPE_CHECKING:

        def __init__(
            self,
            debuglevel: int | None = None,
            context: SSLContext | None = None,
            check_hostname: bool | None = None,
            cert: Cert | None = None,
            socket_keepalive: bool | SocketKeepalive = False,
        ) -> None: ...

    else:

        @extends(_stdlib_https_init)
        def __init__(
            self,
            debuglevel: int | None = None,
            context: SSLContext | None = None,
            check_hostname: bool | None = None,
            cert: Cert | None = None,
            socket_keepalive: bool | SocketKeepalive = False,
            **options: Any,
        ) -> None:
            connection_class = getattr(http.client, "HTTPSConnection", http.client.HTTPConnection)
            # Given no context Python 3.12 and later would make one.
            _stdlib_https_init(self, _level(debuglevel, connection_class), context=_UNMADE, **options)
            if cert is not None:
                try:
                    context = _client_context(context, cert)
                    self._client_certificate = (
                        [str(part) for part in cert[:2]] if isinstance(cert, (tuple, list)) else str(cert)
                    )
                except BaseException as error:
                    del cert, options
                    forget_secrets(error)
                    raise
            self._default_context = None
            if context is None:
                self._default_context = _new_default_context(check_hostname)
            elif check_hostname is not None:
                context.check_hostname = check_hostname
            self._context = context  # None: the default one, which takes some milliseconds to make
            self.socket_keepalive = socket_keepalive

    https_request = AbstractHTTPHandler.do_request_

    def https_open(self, req: Any) -> Any:
        """Open an https URL.

        :raises URLError: there is no response; or this Python has no module ssl
        """
        context = self._context
        if context is None:
            context = (getattr(self, "_default_context", None) or _default_context_of(self)).get()
        make = _connection_class(http.client.HTTPSConnection)
        options = _options(self)
        return self.do_open(make, req, context=context, **options)


def _new_default_context(check_hostname: bool | None = None) -> DefaultContext | None:
    if sys.modules.get("ssl") is None:
        return None  # urllib.request has tried to import it
    from coda_network._net.default_context import DefaultContext

    return DefaultContext(check_hostname)


def _default_context_of(handler: Any) -> Any:
    """Return the default context of a handler that was made before the patch, which lacks one."""
    handler._default_context = found = _new_default_context(getattr(handler, "_check_hostname", None))
    if found is None:
        from coda_network._net.tls import load_ssl

        load_ssl()
    return found


def _client_context(context: Any = None, cert: Cert | None = None) -> Any:
    from coda_network._net.tls import client_context

    return client_context(context, cert)


def _level(debuglevel: int | None, connection_class: Any) -> Any:
    # What stands in for the class need not have a level.
    return getattr(connection_class, "debuglevel", 0) if debuglevel is None else debuglevel


def _options(handler: AbstractHTTPHandler) -> dict[str, Any]:
    # The patch may be taken back while a request is under way.
    socket_keepalive = getattr(handler, "socket_keepalive", False)
    return {"socket_keepalive": socket_keepalive} if socket_keepalive else {}


_STDLIB = {
    http_client.HTTPConnection: "HTTPConnection",
    getattr(http_client, "HTTPSConnection", None): "HTTPSConnection",
}


def _connection_class(found: Any) -> Any:
    """Return our class in place of http.client's, where that has not our behaviour; a program's own as it is."""
    name = _STDLIB.get(found)
    return found if name is None or is_on() else getattr(_engine(), name)


def _refused(opener: Any, req: Any, response: Any) -> Any:
    """Return what a handler for 407 makes of a refused tunnel.

    :raises TunnelRefused: none of them does
    """
    if response.status == 407 and isinstance(opener, _OpenerDirector):
        by_code = opener.handle_error.get("http", {})  # type: ignore[attr-defined]  # urllib's table of handlers
        for handler in by_code.get(407, ()):
            result = handler.http_error_407(req, response, 407, response.reason, response.headers)
            if result is not None:
                return result
    raise TunnelRefused(response)
