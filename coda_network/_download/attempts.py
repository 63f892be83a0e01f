"""One download's attempts: a new request each, over the shared opener, within one time limit."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from coda_network._cache.cache import HTTPCache, cache_of
from coda_network._cache.key import key_of
from coda_network._download.content_codings import ContentCodingError
from coda_network._download.digests import WrongDigest
from coda_network._download.errors import as_url_error
from coda_network._download.handle import DownloadHandle
from coda_network._download.retry import ONCE, Retry, can_be_repeated
from coda_network._download.shared import shared_openers
from coda_network._net.deadline import TimeLimit
from coda_network._net.timeout import StartedTimeout, started
from coda_network._net.tls import Cert
from coda_network._opener.handler_list import Handlers, handler_list

T = TypeVar("T")

_NO_TIMEOUT: Any = socket._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]  # the default timeout of urlopen()


class Attempts:
    """Opens the request of one download, once an attempt.

    :param make_request: returns the Request; one that was opened has been changed by its proxy
    :param timeout_sec: seconds from now for all attempts, or a Timeout; None leaves the default timeout of sockets
    :param retry: when to try again; None is ``Retry()``
    :param cache: where responses are stored and found again: a folder, or an HTTPCache
    :raises OSError: the folder of the cache cannot be written to
    """

    def __init__(
        self,
        make_request: Callable[[], Any],
        proxy_handlers: Handlers = None,
        auth_handlers: Handlers = None,
        cert: Cert | None = None,
        timeout_sec: float | None = None,
        retry: Retry | None = None,
        cache: str | os.PathLike[str] | HTTPCache | None = None,
    ) -> None:
        self._make_request = make_request
        self._request = make_request()
        self._given = [*handler_list(proxy_handlers), *handler_list(auth_handlers)]
        self._cert = cert
        self._cache = None if cache is None else cache_of(cache)
        self._keys: set[str] = set()
        self._timeout = _NO_TIMEOUT if timeout_sec is None else _limit(timeout_sec)
        self._method = self._request.get_method()
        self._retry = (Retry() if retry is None else retry) if can_be_repeated(self._request.data) else ONCE

    def open(self, request: Any = None) -> DownloadHandle:
        """Send the request and return the response.

        :param request: in place of what *make_request* returns
        :raises urllib.error.URLError: there is none, or one that no handler takes for a success
        """
        request = request or self._request or self._make_request()
        self._request = None
        opener = shared_openers.get(self._given, self._cert, self._cache)
        if self._cache is not None:
            self._keys.add(key_of(request.full_url))
        handle = DownloadHandle(as_url_error(opener.open, request, timeout=self._timeout))
        if self._cache is not None:
            self._keys.add(key_of(handle.url))
        return handle

    def run(self, attempt: Callable[[], T], progressed: Callable[[], bool] | None = None) -> T:
        """Call *attempt* as often as ``retry`` says, and return what it returns.

        :param progressed: says whether a failed attempt got further than those before; then it does not count
        """
        return self._retry.run(attempt, self._method, self._timeout, progressed)

    @contextmanager
    def forgetting_what_is_wrong(self) -> Iterator[None]:
        """Let the cache forget a body that turns out to be wrong in this block: the next call asks the server."""
        try:
            yield
        except (WrongDigest, ContentCodingError):
            if self._cache is not None:
                for key in self._keys:
                    self._cache.forget(key)
            raise

    def seconds_left(self) -> float | None:
        """Return how long all of it may still take; None without a limit."""
        return self._timeout.deadline.remaining() if isinstance(self._timeout, TimeLimit) else None


def _limit(timeout_sec: float) -> TimeLimit:
    """Return the limit of a download that begins now; a number is one for the whole of it."""
    return started(timeout_sec) or StartedTimeout.in_all(timeout_sec)
