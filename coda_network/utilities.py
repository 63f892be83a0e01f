"""Downloads with a minimum of fuss, over the openers of ``coda_network.urllib2``.

``do_download()`` is the whole of it in one call, ``create_download_handle()`` the same as a stream, and
``build_opener()`` the opener for both.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

from coda_network import urllib2
from coda_network._download.conditions import LastModified, http_date
from coda_network._download.handle import DownloadHandle, as_url_error
from coda_network._download.opener import download_opener
from coda_network._net.deadline import Deadline
from coda_network._net.dial import SocketKeepalive
from coda_network._net.tls import Cert
from coda_network._opener.director import OpenerDirector
from coda_network._opener.errors import TunnelRefused
from coda_network._opener.http_handlers import HTTPHandler, HTTPSHandler
from coda_network.connect import Handlers, handler_list

__all__ = [
    "DownloadHandle",
    "SocketKeepalive",
    "TunnelRefused",
    "build_opener",
    "create_download_handle",
    "do_download",
]


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
            return handle.code, as_url_error(handle.read)
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
        request.add_header("If-Modified-Since", http_date(last_modified))
    if etag is not None:
        request.add_header("If-None-Match", etag)

    deadline = None if timeout_sec is None else Deadline(timeout_sec)
    given = [*handler_list(proxy_handlers), *handler_list(auth_handlers)]
    opener = download_opener(given, deadline, cert)
    # Without a time it is what urlopen() has by default.
    timeout = socket._GLOBAL_DEFAULT_TIMEOUT if timeout_sec is None else timeout_sec  # type: ignore[attr-defined]
    try:
        return DownloadHandle(as_url_error(opener.open, request, timeout=timeout), opener)
    except BaseException:
        opener.close()
        raise


def _body(postdata: Any) -> Any:
    if isinstance(postdata, str):
        return postdata.encode()
    if isinstance(postdata, Mapping):
        return urlencode(postdata, doseq=True).encode("ascii")
    return postdata
