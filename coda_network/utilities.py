"""Downloads in one call, over the openers of ``coda_network.urllib2``.

``do_download()`` returns a status and a body, ``create_download_handle()`` a stream to read; ``build_opener()`` returns
an opener for many requests.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from coda_network import urllib2
from coda_network._download.conditions import LastModified, http_date
from coda_network._download.errors import as_url_error
from coda_network._download.handle import DownloadHandle
from coda_network._download.opener import download_opener
from coda_network._download.post_body import post_body
from coda_network._net.deadline import Deadline
from coda_network._net.dial import SocketKeepalive
from coda_network._net.tls import Cert
from coda_network._opener.director import OpenerDirector
from coda_network._opener.errors import TunnelRefused
from coda_network._opener.http_handlers import HTTPHandler, HTTPSHandler
from coda_network._secrets import lets_out_no_secret
from coda_network.connect import Handlers, handler_list

if TYPE_CHECKING:
    from coda_network._wire.types import Body

__all__ = [
    "DownloadHandle",
    "SocketKeepalive",
    "TunnelRefused",
    "build_opener",
    "create_download_handle",
    "do_download",
]


@lets_out_no_secret
def build_opener(
    cert: Cert | None = None,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    keepalive: bool | SocketKeepalive = False,
) -> OpenerDirector:
    """Return an opener that keeps its connections alive; its ``close()`` closes them.

    :param cert: the client certificate for https sites: a path, ``(certificate, key)`` or
        ``(certificate, key, password)``
    :param proxy_handlers: a ProxyHandler, or several handlers; None takes the proxies from the environment
    :param auth_handlers: handlers that know logins for sites and proxies, one or several
    :param keepalive: let the system probe silent connections (TCP keep-alive): a bool, or a
        ``SocketKeepalive(idle, interval, count)`` in seconds, seconds and probes. Connections are reused either way
    :returns: the opener
    :raises OSError: the certificate cannot be read
    """
    return urllib2.build_opener(
        *handler_list(proxy_handlers),
        *handler_list(auth_handlers),
        HTTPHandler(socket_keepalive=keepalive),
        HTTPSHandler(cert=cert, socket_keepalive=keepalive),
    )


@lets_out_no_secret
def do_download(
    url: str,
    postdata: Body | str | Mapping[str, Any] | None = None,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    cert: Cert | None = None,
    timeout_sec: float | None = None,
) -> tuple[int, bytes | None]:
    """Download a URL; return the status and the body.

    Redirects are followed; sites and proxies that ask for a login get it. All connections are closed at the end.

    :param url: http or https; it may hold ``user:password@``
    :param postdata: what to send, which makes it a POST: bytes, text (sent as UTF-8), a mapping (sent as a form), a
        binary file, or an iterable of bytes
    :param proxy_handlers: a ProxyHandler, or several handlers; None takes the proxies from the environment
    :param auth_handlers: handlers that know logins for sites and proxies, one or several
    :param cert: the client certificate for https: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param timeout_sec: seconds for the whole download: connections, TLS, CONNECT, logins, redirects and the last byte
        of the body. Only the resolution of a host's name is not limited, as it cannot be interrupted. None leaves the
        default timeout of sockets, which is for each call
    :returns: the status of the last response, and its body; None in place of the body where the server, or the proxy
        on the way, reported an error (a refused tunnel too)
    :raises http.client.IncompleteRead: the body was cut short; ``partial`` is what came
    :raises urllib.error.URLError: there was no response: no such host, refused, TLS, time-out; ``reason`` says which
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


@lets_out_no_secret
def create_download_handle(
    url: str,
    postdata: Body | str | Mapping[str, Any] | None = None,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    cert: Cert | None = None,
    last_modified: LastModified | None = None,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
    timeout_sec: float | None = None,
) -> DownloadHandle:
    """Request a URL and return the response, to be read and closed.

    The first five parameters are those of do_download().

    :param last_modified: ask for the body only if it is newer (RFC 9110 13.1.3): a datetime, UTC where it has no zone;
        seconds since the epoch; or an HTTP date as the server sent it. A response of 304 has no body, and is no error
    :param etag: ask for the body only if it is another than this one (RFC 9110 13.1.2): the ETag as the server sent it
    :param headers: further header fields
    :param method: GET by default, POST with postdata
    :param timeout_sec: seconds from now to the last byte of the body, as for do_download(): reading late counts too
    :returns: the response, whose ``code`` is 2xx or 304
    :raises urllib.error.HTTPError: the server reported an error; the exception is the response, with its body
    :raises urllib.error.URLError: there was no response; where a proxy refused the tunnel, ``code`` is its status
    :raises ValueError: the URL or an argument makes no sense
    """
    request = urllib2.Request(url, post_body(postdata), dict(headers or {}), method=method)
    if last_modified is not None:
        request.add_header("If-Modified-Since", http_date(last_modified))
    if etag is not None:
        request.add_header("If-None-Match", etag)

    deadline = None if timeout_sec is None else Deadline(timeout_sec)
    given = [*handler_list(proxy_handlers), *handler_list(auth_handlers)]
    opener = download_opener(given, deadline, cert)
    # Without one, the default timeout of urlopen().
    timeout = socket._GLOBAL_DEFAULT_TIMEOUT if timeout_sec is None else timeout_sec  # type: ignore[attr-defined]
    try:
        return DownloadHandle(as_url_error(opener.open, request, timeout=timeout), opener)
    except BaseException:
        opener.close()
        raise
