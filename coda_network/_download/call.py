"""``do_download()`` and ``create_download_handle()``."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

from coda_network._cache.cache import HTTPCache
from coda_network._download.attempts import Attempts
from coda_network._download.conditions import LastModified
from coda_network._download.digests import Digests, WrongDigest
from coda_network._download.errors import as_url_error
from coda_network._download.handle import DownloadHandle
from coda_network._download.request import download_request
from coda_network._download.result import DownloadResult
from coda_network._download.retry import Retry, part_from
from coda_network._net.tls import Cert
from coda_network._opener.errors import TunnelRefused
from coda_network._opener.handler_list import Handlers
from coda_network._secrets import lets_out_no_secret
from coda_network._transport.prepared import take_userinfo

if TYPE_CHECKING:
    from coda_network._wire.types import Body


@lets_out_no_secret
def do_download(
    url: str,
    postdata: Body | str | Mapping[str, Any] | None = None,
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    cert: Cert | None = None,
    timeout_sec: float | None = None,
    *,
    data: Body | str | Mapping[str, Any] | None = None,
    json: Any = None,
    files: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
    last_modified: LastModified | None = None,
    etag: str | None = None,
    sha256: str | bool = False,
    retry: Retry | None = None,
    cache: str | os.PathLike[str] | HTTPCache | None = None,
) -> DownloadResult:
    """Download a URL; return the status and the body.

    Redirects are followed; sites and proxies that ask for a login get it. Calls in a row share connections and logins,
    each user's own; they are closed when no call has come for half a minute. Encoded bodies are decoded.

    :param url: http or https; it may hold ``user:password@``
    :param postdata: what to send, which makes it a POST: bytes, text (sent as UTF-8), a mapping (sent as a form), a
        binary file, or an iterable of bytes
    :param proxy_handlers: a ProxyHandler, or several handlers; None takes the proxies from the environment
    :param auth_handlers: handlers that know logins for sites and proxies, one or several
    :param cert: the client certificate for https: a path, ``(certificate, key)`` or ``(certificate, key, password)``
    :param timeout_sec: seconds for the whole download: connections, TLS, CONNECT, logins, redirects, further attempts
        and the last byte of the body, names of hosts included. A ``Timeout`` has limits for its phases, too. None
        leaves the default timeout of sockets, which is for each call
    :param data: another name for *postdata*
    :param json: what to send as JSON
    :param files: files to send as a form (multipart/form-data), read while they are sent: name -> a path, an open
        binary file, or ``(file name, path, file or bytes)`` and perhaps a media type. *data* has the other fields
    :param headers: further header fields
    :param method: GET by default, POST with a body
    :param last_modified: ask for the body only if it is newer, as in create_download_handle()
    :param etag: ask for the body only if it is another one, as in create_download_handle()
    :param sha256: True computes it; a text of hexadecimal digits is what it has to be
    :param retry: when to try again; None is ``Retry()``
    :param cache: where responses are stored and found again (RFC 9111): a folder, or an HTTPCache; None: nowhere. A
        body with another *sha256*, or that cannot be decoded, is forgotten
    :returns: ``(code, data)``: the status of the last response, and its body; None in place of the body where the
        server, or the proxy on the way, reported an error (a refused tunnel too). It knows ``headers``, ``url``,
        ``reason``, ``elapsed``, ``connection_reused``, ``sha256``, ``from_cache``, ``text`` and
        ``json()``
    :raises http.client.IncompleteRead: the body was cut short; ``partial`` is what came
    :raises urllib.error.URLError: there was no response: no such host, refused, TLS, time-out; ``reason`` says which
    :raises WrongDigest: the body has another sha256
    :raises ContentCodingError: the body cannot be decoded
    :raises OSError: the certificate cannot be read, or the folder of the cache cannot be written to
    :raises ValueError: the URL or an argument makes no sense
    """
    begun = monotonic()
    digests = Digests(sha256)
    make_request = functools.partial(
        download_request, url, postdata, data=data, json=json, files=files, headers=headers, method=method,
        last_modified=last_modified, etag=etag,
    )  # fmt: skip
    attempts = Attempts(make_request, proxy_handlers, auth_handlers, cert, timeout_sec, retry, cache)

    def attempt() -> tuple[DownloadHandle, bytes]:
        with attempts.open() as handle, attempts.forgetting_what_is_wrong():
            body = as_url_error(handle.read)
            if handle.code != 304:  # whose body is the one that the caller has
                digests.begin()
                digests.update(body)
                if (wrong := digests.wrong()) is not None:
                    raise WrongDigest(*wrong)
            return handle, body

    def result(response: Any, code: int, body: bytes | None) -> DownloadResult:
        reused, cached = (bool(getattr(response, name, False)) for name in ("connection_reused", "from_cache"))
        where = take_userinfo(getattr(response, "url", None) or url)[1]
        reason = str(getattr(response, "reason", None) or "")
        elapsed = monotonic() - begun
        return DownloadResult(
            code, body, response.headers, where, reason, elapsed, reused, digests.value("sha256"), cached
        )

    try:
        handle, body = attempts.run(attempt)
    except HTTPError as error:
        part_from(error)
        return result(error, error.code, None)
    except TunnelRefused as error:
        error.fp.close()
        return result(error, error.code, None)
    return result(handle, handle.code, body)


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
    *,
    data: Body | str | Mapping[str, Any] | None = None,
    json: Any = None,
    files: Mapping[str, Any] | None = None,
    retry: Retry | None = None,
    cache: str | os.PathLike[str] | HTTPCache | None = None,
) -> DownloadHandle:
    """Request a URL and return the response, to be read and closed.

    The parameters that are not described here are those of do_download().

    :param last_modified: ask for the body only if it is newer (RFC 9110 13.1.3): a datetime, UTC where it has no zone;
        seconds since the epoch; or an HTTP date as the server sent it. A response of 304 has no body, and is no error
    :param etag: ask for the body only if it is another than this one (RFC 9110 13.1.2): the ETag as the server sent it
    :param headers: further header fields; with an ``Accept-Encoding`` among them the body is not decoded
    :param method: GET by default, POST with a body
    :param timeout_sec: seconds from now to the last byte of the body, as for do_download(): reading late counts too
    :param retry: when to try again until there is a response; None is ``Retry()``
    :param cache: as for do_download(); what is not read to its end is not stored
    :returns: the response, whose ``code`` is 2xx or 304
    :raises urllib.error.HTTPError: the server reported an error; the exception is the response, with its body
    :raises urllib.error.URLError: there was no response; where a proxy refused the tunnel, ``code`` is its status
    :raises ContentCodingError: the body cannot be decoded
    :raises OSError: the certificate cannot be read, or the folder of the cache cannot be written to
    :raises ValueError: the URL or an argument makes no sense
    """
    make_request = functools.partial(
        download_request, url, postdata, data=data, json=json, files=files, headers=headers, method=method,
        last_modified=last_modified, etag=etag,
    )  # fmt: skip
    attempts = Attempts(make_request, proxy_handlers, auth_handlers, cert, timeout_sec, retry, cache)
    return attempts.run(attempts.open)
