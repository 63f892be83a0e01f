"""Timeouts by phase: for connecting, for each wait afterwards, and for all of it.

A ``Timeout`` says how long; ``start()`` sets the clock going with a request, and what it returns goes along with the
request, through redirects and logins.
"""

from __future__ import annotations

from math import isfinite

from coda_network._net.deadline import Deadline, TimeLimit

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

_NO_LIMIT = 2_000_000.0
"""Seconds that stand for no limit with those who take a Timeout for a number: poll() takes some 24 days at most."""


class Timeout(float):
    """How long the phases of a request may take; it goes wherever a number of seconds does.

    Where only a number is understood it is *read*, else *total*. Instances are immutable, and may be used for any
    number of requests: the clock of each starts with its call.

    :param connect: seconds until a connection is open: its host's name, all of its addresses, the way through proxies
        with their logins, and TLS, together
    :param read: seconds for each call on the socket afterwards, as a plain timeout is
    :param total: seconds for everything, from the call to the last byte of the body: redirects, logins and names too
    :raises TypeError: a value is neither None, which is no limit, nor a number
    :raises ValueError: a value is not above zero, or not finite
    """

    connect: float | None
    read: float | None
    total: float | None

    def __new__(cls, *, connect: float | None = None, read: float | None = None, total: float | None = None) -> Timeout:
        checked = [_seconds(name, value) for name, value in (("connect", connect), ("read", read), ("total", total))]
        timeout = super().__new__(cls, checked[1] or checked[2] or _NO_LIMIT)
        for name, value in zip(("connect", "read", "total"), checked, strict=True):
            object.__setattr__(timeout, name, value)
        return timeout

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a Timeout cannot be changed: {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"a Timeout cannot be changed: {name}")

    def start(self) -> StartedTimeout:
        """Return the limits of a request that begins now."""
        return StartedTimeout(self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Timeout):
            return (self.connect, self.read, self.total) == (other.connect, other.read, other.total)
        return float(self) == other

    def __ne__(self, other: object) -> bool:  # float has one of its own
        return not self == other

    __hash__ = float.__hash__

    def __repr__(self) -> str:
        return f"Timeout(connect={self.connect!r}, read={self.read!r}, total={self.total!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (self.connect, self.read, self.total)


class StartedTimeout(TimeLimit):
    """A Timeout whose clock is running; ``deadline`` is the end of all of it.

    :param timeout: what to start
    """

    timeout: Timeout

    def __new__(cls, timeout: Timeout) -> StartedTimeout:
        started: StartedTimeout = cls.until(Deadline(timeout.total), float(timeout))
        started.timeout = timeout
        return started

    @classmethod
    def in_all(cls, seconds: float) -> StartedTimeout:
        """Return a limit for everything from now on; with zero seconds the time is up.

        :raises ValueError: the number of seconds is negative or NaN
        """
        started: StartedTimeout = cls.until(Deadline(seconds), seconds)
        started.timeout = _UNLIMITED
        return started

    def connecting(self) -> Deadline:
        """Return the deadline of a connection that is opened from now on."""
        connect, left = self.timeout.connect, self.deadline.remaining()
        return self.deadline if connect is None or (left is not None and left <= connect) else Deadline(connect)

    def reading(self) -> Deadline:
        """Return the deadline of the calls on a connection that is open: each of them is limited too."""
        return self.deadline if self.timeout.read is None else _EachCall(self.deadline, self.timeout.read)

    def __reduce__(self) -> tuple[Any, ...]:
        if self.timeout is _UNLIMITED:
            return super().__reduce__()
        return self.timeout.__reduce__()  # the clock of this process means nothing to another one


class _EachCall(Deadline):
    """A deadline under which no single call may wait longer than *each* seconds."""

    __slots__ = ("_each",)

    def __init__(self, whole: Deadline, each: float) -> None:
        self.seconds, self._end, self._each = whole.seconds, whole._end, each

    def timeout_for_socket(self) -> float:
        left = super().timeout_for_socket()
        return self._each if left is None else min(left, self._each)


def started(timeout: Any) -> StartedTimeout | None:
    """Return a timeout by phase with its clock running, which that of a Timeout starts to do; None for other kinds."""
    if isinstance(timeout, StartedTimeout):
        return timeout
    return timeout.start() if isinstance(timeout, Timeout) else None


def for_opening(timeout: float | None) -> tuple[Deadline, float | None]:
    """Return the limits of a socket that is handed over once it is open: until then, and for each call afterwards.

    :raises ValueError: the number of seconds is negative or NaN
    """
    limit = started(timeout)
    return (Deadline(timeout), timeout) if limit is None else (limit.connecting(), limit.timeout.read)


def _seconds(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} is a number of seconds or None, not {type(value).__name__}")
    seconds = float(value)
    if not isfinite(seconds) or seconds <= 0:
        raise ValueError(f"{name} is a number of seconds above zero, or None for no limit, not {seconds:g}")
    return seconds


def _made_again(connect: float | None, read: float | None, total: float | None) -> Timeout:
    return Timeout(connect=connect, read=read, total=total)


_UNLIMITED = Timeout()
