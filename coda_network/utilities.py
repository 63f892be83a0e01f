"""Downloads with a minimum of fuss, over the openers of ``coda_network.urllib2``.

``do_download()`` is the whole of it in one call, ``create_download_handle()`` the same as a stream, and
``build_opener()`` the opener for both.
"""

from __future__ import annotations

import datetime
import functools
import socket
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from email.utils import format_datetime
from http.client import HTTPException, IncompleteRead, InvalidURL
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode

from coda_network import urllib2
from coda_network._http.limited import LimitedHTTPConnection, LimitedHTTPSConnection
from coda_network._net.deadline import Deadline
from coda_network._net.dial import SocketKeepalive
from coda_network._net.tls import Cert, shared_context
from coda_network._opener.director import OpenerDirector
from coda_network._opener.environment import names_a_proxy
from coda_network._opener.proxies import PatientProxyHandler as ProxyHandler
from coda_network._opener.transport import HTTPHandler, HTTPSHandler, TunnelRefused
from coda_network.connect import Handlers, handler_list

__all__ = [
    "DownloadHandle",
    "SocketKeepalive",
    "TunnelRefused",
    "build_opener",
    "create_download_handle",
    "do_download",
]

LastModified = datetime.datetime | float | str
"""A point in time: a datetime (UTC where it has no zone), seconds since 1970-01-01, or a ready HTTP date."""


def build_opener(
    cert: Cert | None = None,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    keepalive: bool | SocketKeepalive = False,
) -> OpenerDirector:
    """Return an opener that keeps its connections alive; ``close()`` it when it is not needed any more.

    :param cert: the client certificate for https sites: a path, ``(certificate, key)`` or
        ``(certificate, key, password)``
    :param proxy_handlers: a ProxyHandler, or several handlers; None takes the proxies from the environment
    :param auth_handlers: handlers that know logins for sites and proxies, one or several
    :param keepalive: let the system probe silent connections (TCP keep-alive): a bool, or a SocketKeepalive with
        seconds, seconds and probes. Connections are reused for further requests in any case
    :raises OSError: the certificate cannot be read
    """
    return urllib2.build_opener(
        *handler_list(proxy_handlers),
        *handler_list(auth_handlers),
        HTTPHandler(socket_keepalive=keepalive),
        HTTPSHandler(cert=cert, socket_keepalive=keepalive),
    )


def do_download(
    url: str,
    postdata: Any = None,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    cert: Cert | None = None,
    timeout_sec: float | None = None,
) -> tuple[int, bytes | None]:
    """Download a URL; return the status and the body.

    Redirects are followed, and logins happen, at sites and proxies. All connections are closed in the end.

    :param url: http or https; a login may stand in it
    :param postdata: what to send, which makes it a POST: bytes, text (sent as UTF-8), a mapping (sent as a form), a
        binary file, or an iterable of bytes
    :param proxy_handlers: a ProxyHandler, or several handlers; None takes the proxies from the environment
    :param auth_handlers: handlers that know logins for sites and proxies, one or several
    :param cert: the client certificate for https: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param timeout_sec: seconds for the whole of it: connections, TLS, CONNECT, logins, redirects and the last byte of
        the body. Only the resolution of a host's name is not limited, as it cannot be interrupted. None leaves the
        default timeout of sockets, which is for each call
    :returns: the last status, and the body; None in its place where the server, or the proxy on the way, answered with
        an error (a refused tunnel too)
    :raises http.client.IncompleteRead: the body was cut short; ``partial`` is what came
    :raises urllib.error.URLError: there was no answer: no such host, refused, TLS, time-out; ``reason`` says which
    :raises OSError: the certificate cannot be read
    :raises ValueError: the URL or an argument makes no sense
    """
    try:
        with create_download_handle(
            url, postdata, proxy_handlers, auth_handlers, cert, timeout_sec=timeout_sec
        ) as handle:
            return handle.code, _translated(handle.read)
    except HTTPError as error:
        with error:
            return error.code, None
    except TunnelRefused as error:
        error.fp.close()
        return error.code, None


def create_download_handle(
    url: str,
    postdata: Any = None,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    cert: Cert | None = None,
    last_modified: LastModified | None = None,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
    timeout_sec: float | None = None,
) -> DownloadHandle:
    """Ask for a URL and return the answer, to be read and closed.

    The first five parameters are those of do_download().

    :param last_modified: ask for the body only if it is newer (RFC 9110 13.1.3): a datetime, UTC where it has no zone;
        seconds since the epoch; or an HTTP date as the server sent it. An answer of 304 has no body, and is no error
    :param etag: ask for the body only if it is another than this one (RFC 9110 13.1.2): the ETag as the server sent it
    :param headers: further headers
    :param method: GET by default, POST with postdata
    :param timeout_sec: seconds from now to the last byte of the body, as for do_download(): reading late counts too
    :returns: the answer, whose ``code`` is 2xx or 304
    :raises urllib.error.HTTPError: the server answered with an error; the error is the answer, with its body
    :raises urllib.error.URLError: there was no answer; where a proxy refused the tunnel, ``code`` is its status
    :raises ValueError: the URL or an argument makes no sense
    """
    request = urllib2.Request(url, _body(postdata), dict(headers or {}), method=method)
    if last_modified is not None:
        request.add_header("If-Modified-Since", _http_date(last_modified))
    if etag is not None:
        request.add_header("If-None-Match", etag)

    deadline = None if timeout_sec is None else Deadline(timeout_sec)
    given = [*handler_list(proxy_handlers), *handler_list(auth_handlers)]
    opener = _opener(given, _HTTPHandler(deadline), _HTTPSHandler(deadline, cert))
    # Without a time it is what urlopen() has by default.
    timeout = socket._GLOBAL_DEFAULT_TIMEOUT if timeout_sec is None else timeout_sec  # type: ignore[attr-defined]
    try:
        return DownloadHandle(_translated(opener.open, request, timeout=timeout), opener)
    except BaseException:
        opener.close()
        raise


class DownloadHandle:
    """An answer whose body is read to its announced end, or raises: the answer of an opener in all else.

    Attributes and methods that are not here are those of the answer: ``code``, ``headers``, ``url``, ``info()`` ...
    """

    def __init__(self, response: Any, opener: OpenerDirector) -> None:
        self._response = response
        self._opener = opener
        self._closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._response, name)

    def read(self, amt: int | None = None) -> bytes:
        """Return the rest of the body, or the next *amt* bytes of it (fewer only at its end).

        :raises http.client.IncompleteRead: the connection ended before the body
        :raises OSError: the connection failed, or the time is up
        """
        data: bytes = self._response.read() if amt is None else self._response.read(amt)
        self._check(len(data), amt)
        return data

    def read1(self, n: int = -1) -> bytes:
        """Return what is there, at most *n* bytes, waiting for the first of them only; raises as read() does."""
        data: bytes = self._response.read1(n)
        self._check(len(data), n)
        return data

    def readinto(self, buffer: Any) -> int:
        """Read into *buffer* and return how many bytes came; raises as read() does."""
        count: int = self._response.readinto(buffer)
        self._check(count, len(buffer))
        return count

    def readline(self, limit: int = -1) -> bytes:
        """Return the next line, or at most *limit* bytes of it; raises as read() does."""
        line: bytes = self._response.readline(limit)
        self._check(len(line), limit)
        return line

    def readlines(self, hint: int = -1) -> list[bytes]:
        """Return the lines that are left; raises as read() does."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _check(self, count: int, wanted: int | None) -> None:
        """Raise where nothing more came although something was announced: http.client is silent then."""
        if not count and wanted != 0 and not self._closed and (missing := getattr(self._response, "length", 0)):
            raise IncompleteRead(b"", missing)

    def close(self) -> None:
        """Close the answer and every connection that was opened for it."""
        self._closed = True
        self._response.close()
        self._opener.close()

    def __enter__(self) -> DownloadHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<DownloadHandle {self._response.code}>"


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
        return self.do_open(LimitedHTTPConnection, req, deadline=self._deadline)


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
        return self.do_open(LimitedHTTPSConnection, req, context=self._context, deadline=self._deadline)


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


def _opener(given: list[Any], http: _HTTPHandler, https: _HTTPSHandler) -> OpenerDirector:
    """Return what ``build_opener()`` makes of these and _NotModifiedHandler; that would seek all the places anew."""
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


def _translated(call: Any, *arguments: Any, **options: Any) -> Any:
    """Call a function of an opener or an answer; what is no answer becomes URLError, whoever noticed it."""
    try:
        return call(*arguments, **options)
    except (URLError, IncompleteRead, InvalidURL):
        raise
    except (OSError, HTTPException) as error:
        raise URLError(error) from error


def _body(postdata: Any) -> Any:
    if isinstance(postdata, str):
        return postdata.encode()
    if isinstance(postdata, Mapping):
        return urlencode(postdata, doseq=True).encode("ascii")
    return postdata


def _http_date(when: LastModified) -> str:
    """Return a point in time as RFC 9110 5.6.7 has it, in GMT whatever the zone of this machine."""
    if isinstance(when, str):
        return when
    if isinstance(when, datetime.datetime):
        zoned = when if when.tzinfo is not None else when.replace(tzinfo=datetime.timezone.utc)
    elif isinstance(when, (int, float)):
        # Not fromtimestamp(): on Windows that knows no time before 1970.
        zoned = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=when)
    else:
        raise TypeError("last_modified is a datetime, a number of seconds since 1970, or an HTTP date")
    return format_datetime(zoned.astimezone(datetime.timezone.utc), usegmt=True)
