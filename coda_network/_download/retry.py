"""When a request is repeated, and how long is waited before."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine, IncompleteRead
from typing import Any, TypeVar
from urllib.error import HTTPError, URLError

from coda_network._download.multipart import MultipartBody
from coda_network._net.deadline import TimeLimit
from coda_network._opener.errors import TunnelRefused
from coda_network._trace import Trace

T = TypeVar("T")
log = Trace("download")

# RFC 9110 section 9.2.2: sent twice, they have the same effect as once.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
TRANSIENT = frozenset({408, 425, 429, 502, 503, 504})
"""Statuses that say "not now": they may be others a moment later."""

# A password that was refused is not sent once more, whatever a program asks for.
_NEVER = frozenset({401, 407})


@dataclass(frozen=True)
class Retry:
    """How often, when, and what is repeated; a value that can be shared, compared and pickled.

    What may not be repeated never is: a method outside of ``methods``, a body that can be read only once, a refused
    password, and what fails the same way each time: an unknown host, a refused connection, an untrusted certificate.

    :param attempts: how often a request is sent in all; 1 is no repetition
    :param backoff: seconds before the second attempt; doubled before each further one
    :param max_backoff: the most of these seconds
    :param jitter: the share of the wait that is left to chance, from 0 to 1: many clients do not come back at once
    :param statuses: the statuses that are repeated
    :param methods: the methods that are repeated
    :param retry_after: wait as long as the server says (RFC 9110 section 10.2.3), in seconds or as a date
    :param total_time: seconds from the first attempt on, after which none begins; a longer wait is not begun. None is
        no limit
    :raises ValueError: a number that makes no sense
    """

    attempts: int = 3
    backoff: float = 0.5
    max_backoff: float = 60.0
    jitter: float = 0.5
    statuses: Collection[int] = TRANSIENT
    methods: Collection[str] = IDEMPOTENT
    retry_after: bool = True
    total_time: float | None = 120.0

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError(f"attempts is a number from 1 on, not {self.attempts!r}")
        if not (self.backoff >= 0 and self.max_backoff >= 0 and 0 <= self.jitter <= 1):
            raise ValueError("backoff and max_backoff are seconds from zero on, jitter is a share from 0 to 1")
        if self.total_time is not None and not self.total_time >= 0:
            raise ValueError(f"total_time is None or a number of seconds from zero on, not {self.total_time!r}")
        object.__setattr__(self, "statuses", frozenset(self.statuses))
        object.__setattr__(self, "methods", frozenset(method.upper() for method in _several(self.methods)))

    def run(
        self,
        attempt: Callable[[], T],
        method: str = "GET",
        limit: float | None = None,
        progressed: Callable[[], bool] | None = None,
    ) -> T:
        """Call *attempt* until it succeeds, or may not be repeated.

        :param attempt: sends the request and reads what it needs; what it raises decides
        :param method: of the request
        :param limit: the timeout of the request; no wait goes beyond a TimeLimit
        :param progressed: says whether a failed attempt got further than those before; then it does not count
        :returns: what *attempt* returns
        :raises Exception: what the last attempt raised
        """
        begun = time.monotonic()
        tried = 0
        while True:
            tried += 1
            try:
                return attempt()
            except Exception as error:
                if progressed is not None and progressed():
                    tried, begun = 1, time.monotonic()
                wait = self._wait(error, tried, method, begun, limit)
                if wait is None:
                    raise
                log(
                    "attempt %s of %s failed (%s), the next one in %.1f s",
                    tried,
                    self.attempts,
                    type(error).__name__,
                    wait,
                )
                part_from(error)
            time.sleep(wait)

    def _wait(self, error: Exception, tried: int, method: str, begun: float, limit: float | None) -> float | None:
        """Return the seconds before the next attempt; None where there is to be none."""
        if tried >= self.attempts or method.upper() not in self.methods or not self.covers(error):
            return None
        wait = min(self.max_backoff, self.backoff * 2.0 ** min(tried - 1, 60))
        wait -= wait * self.jitter * random.random()
        if self.retry_after and (asked := seconds_of_retry_after(getattr(error, "headers", None))) is not None:
            wait = max(wait, asked)
        if self.total_time is not None and time.monotonic() - begun + wait > self.total_time:
            return None
        left = limit.deadline.remaining() if isinstance(limit, TimeLimit) else None
        return None if left is not None and wait >= left else wait

    def covers(self, error: BaseException) -> bool:
        """Return whether another attempt may end otherwise than with this error."""
        if isinstance(error, (HTTPError, TunnelRefused)):
            return error.code in self.statuses and error.code not in _NEVER
        if isinstance(error, URLError):
            reason = error.reason
            return isinstance(reason, BaseException) and not isinstance(reason, URLError) and self.covers(reason)
        if isinstance(error, ConnectionRefusedError):
            return False
        if isinstance(error, socket.gaierror):
            return error.errno == socket.EAI_AGAIN
        return isinstance(error, (ConnectionError, TimeoutError, BadStatusLine, IncompleteRead))


def _several(names: Collection[str]) -> Collection[str]:
    return [names] if isinstance(names, str) else names


ONCE = Retry(attempts=1)
"""No repetition."""


def part_from(error: BaseException) -> None:
    """Leave the response that an error holds: read to its end where that is at hand, so that its connection goes on."""
    if isinstance(error, HTTPError) and error.fp is not None:
        from coda_network._http.drain import drain

        drain(error.fp)
        error.close()
    elif isinstance(error, TunnelRefused):
        error.fp.close()


def seconds_of_retry_after(headers: Any) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait (RFC 9110 section 10.2.3); None where it says nothing."""
    value = headers.get("Retry-After") if headers is not None else None
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value[:10])
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def can_be_repeated(data: object) -> bool:
    """Return whether a body can be sent once more as it is: a file has been read then, an iterator is used up."""
    return data is None or isinstance(data, (bytes, bytearray, memoryview, MultipartBody))
