"""An opener that tries again."""

from __future__ import annotations

import copy
import socket
import urllib.request
from contextvars import ContextVar
from typing import Any

from coda_network._cache.opener import CachingOpener
from coda_network._download.retry import Retry, can_be_repeated
from coda_network._net.timeout import started

_NO_TIMEOUT: Any = socket._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]  # urllib's own default

# A redirect opens its request by the opener, too: it belongs to the attempt under way.
_under_way: ContextVar[tuple[Any, ...]] = ContextVar("under_way", default=())


class RetryingOpener(CachingOpener):
    """An opener that repeats requests as a Retry says, until there is a response; reading it is the caller's.

    :param retry: when to try again
    """

    def __init__(self, retry: Retry) -> None:
        super().__init__()
        self.retry = retry

    def open(self, fullurl: Any, data: Any = None, timeout: Any = _NO_TIMEOUT) -> Any:
        """Open a URL or a Request as OpenerDirector does, with further attempts."""
        openers = _under_way.get()
        timeout = started(timeout) or timeout  # one clock for all attempts
        request = urllib.request.Request(fullurl) if isinstance(fullurl, str) else fullurl
        if data is not None:
            request.data = data
        if self in openers or not can_be_repeated(request.data):
            return super().open(request, None, timeout)
        token = _under_way.set((*openers, self))
        try:
            return self.retry.run(lambda: self._attempt(request, timeout), request.get_method(), timeout)
        finally:
            _under_way.reset(token)

    def _attempt(self, request: Any, timeout: Any) -> Any:
        # A proxy changes the request that goes through it.
        attempt = copy.copy(request)
        attempt.headers, attempt.unredirected_hdrs = dict(request.headers), dict(request.unredirected_hdrs)
        return super().open(attempt, None, timeout)
