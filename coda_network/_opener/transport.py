"""The http and https handlers: a leased connection for each request, given back when its answer is over."""

from __future__ import annotations

import functools
import http.client
import io
import urllib.request
from urllib.error import URLError

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from coda_network._net.dial import SocketKeepalive
    from coda_network._net.tls import Cert

_stdlib_do_open = urllib.request.AbstractHTTPHandler.do_open
_stdlib_init = urllib.request.AbstractHTTPHandler.__init__


@functools.cache
def _engine() -> ModuleType:
    """Load what carries requests out with the first one: many a program that imports a handler opens nothing."""
    from coda_network._opener import engine

    return engine


class TunnelRefused(URLError):
    """A proxy refused the tunnel to an https site.

    ``reason`` is the TunnelError; ``code`` and ``headers`` are those of the proxy's answer, ``fp`` is a file with its
    body (the first MiB of it); ``auth_report`` says why nobody could log in, None where no login was known. The
    connection is closed: an error may be kept for long.
    """

    def __init__(self, response: Any) -> None:
        from coda_network._net.tunnelling import DRAIN_LIMIT, TunnelError

        super().__init__(TunnelError(response, getattr(response, "auth_report", None)))
        self.auth_report = getattr(response, "auth_report", None)
        self.code = response.status
        self.headers = response.headers
        try:
            body = response.read(DRAIN_LIMIT)
        except (OSError, http.client.HTTPException):
            body = b""
        response.close()
        self.fp = io.BytesIO(body)


class AbstractHTTPHandler(urllib.request.AbstractHTTPHandler):
    """urllib.request.AbstractHTTPHandler whose requests share connections."""

    __module__ = "urllib.request"  # it stands in for that class, and is shown and looked up by its name

    socket_keepalive: bool | SocketKeepalive = False
    _debuglevel: int

    def do_open(self, http_class: Any, req: Any, **http_conn_args: Any) -> Any:
        """Carry out *req* on a connection of *http_class*, an idle one of this opener where there is one.

        What is no class of connections (an instance, a function) makes its own connection each time, as in the
        standard library, and so does a handler without an opener.

        :raises URLError: the server could not be reached, or a proxy refused the tunnel to it
        """
        opener = getattr(self, "parent", None)
        if isinstance(http_class, type) and hasattr(http_class, "_new_response"):
            response = _engine().carry_out(opener, http_class, req, http_conn_args, self._debuglevel)
        else:
            response = _stdlib_do_open(self, http_class, req, **http_conn_args)
        # A mock of a response has every attribute, and none of them is True.
        return _refused(opener, req, response) if getattr(response, "tunnel", False) is True else response


class HTTPHandler(AbstractHTTPHandler, urllib.request.HTTPHandler):
    """urllib.request.HTTPHandler over kept connections.

    :param debuglevel: above 0 prints what is sent and received
    :param socket_keepalive: see httplib.HTTPConnection
    """

    __module__ = "urllib.request"

    def __init__(self, debuglevel: int | None = None, socket_keepalive: bool | SocketKeepalive = False) -> None:
        _init_debuglevel(self, http.client.HTTPConnection, debuglevel)
        self.socket_keepalive = socket_keepalive

    def http_open(self, req: Any) -> Any:
        """Open an http URL."""
        return self.do_open(_connection_class("HTTPConnection"), req, **_options(self))


class HTTPSHandler(AbstractHTTPHandler, urllib.request.HTTPSHandler):
    """urllib.request.HTTPSHandler over kept connections.

    :param context: of TLS; None is http.client's default
    :param check_hostname: overrides the context's own
    :param cert: the client certificate: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param socket_keepalive: see httplib.HTTPConnection
    """

    __module__ = "urllib.request"

    def __init__(
        self,
        debuglevel: int | None = None,
        context: Any = None,
        check_hostname: bool | None = None,
        cert: Cert | None = None,
        socket_keepalive: bool | SocketKeepalive = False,
    ) -> None:
        _init_debuglevel(self, http.client.HTTPSConnection, debuglevel)
        if cert is not None or (context is None and check_hostname is not None):
            context = _client_context(context, cert)
        if check_hostname is not None:
            context.check_hostname = check_hostname
        self._context = context  # None until an https URL is opened: a default one takes some milliseconds to make
        self._check_hostname = None  # its place in Python 3.10 and 3.11; the context has it
        self.socket_keepalive = socket_keepalive

    def https_open(self, req: Any) -> Any:
        """Open an https URL."""
        if self._context is None:
            self._context = _client_context()
        return self.do_open(_connection_class("HTTPSConnection"), req, context=self._context, **_options(self))


def _client_context(context: Any = None, cert: Cert | None = None) -> Any:
    from coda_network._net.tls import client_context

    return client_context(context, cert)


def _init_debuglevel(handler: Any, connection_class: Any, debuglevel: int | None) -> None:
    _stdlib_init(handler, connection_class.debuglevel if debuglevel is None else debuglevel)


def _options(handler: AbstractHTTPHandler) -> dict[str, Any]:
    return {"socket_keepalive": handler.socket_keepalive} if handler.socket_keepalive else {}


_STDLIB = {"HTTPConnection": http.client.HTTPConnection, "HTTPSConnection": http.client.HTTPSConnection}


def _connection_class(name: str) -> Any:
    """Look the class up when it is needed: programs and tests put their own into http.client."""
    found = getattr(http.client, name)
    is_theirs = found is _STDLIB[name] and not hasattr(found, "_new_response")
    return _engine().CONNECTION_CLASSES[name] if is_theirs else found


def _refused(opener: Any, req: Any, response: Any) -> Any:
    """Ask the handlers for 407 what they make of a refused tunnel; raise it where they make nothing of it."""
    if response.status == 407 and isinstance(opener, urllib.request.OpenerDirector):
        by_code = opener.handle_error.get("http", {})  # type: ignore[attr-defined]  # urllib's table of handlers
        for handler in by_code.get(407, ()):
            result = handler.http_error_407(req, response, 407, response.reason, response.headers)
            if result is not None:
                return result
    raise TunnelRefused(response)
