"""Deadlines: one end for a whole operation, shared by all of its steps.

A socket's timeout is a limit for each call: a peer that sends one byte now and then never exceeds it. A deadline is set
once, and each step asks it how long it may still wait.
"""

from __future__ import annotations

from math import isnan
from time import monotonic

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


class Deadline:
    """The moment, on the monotonic clock, at which an operation that starts now must end.

    It cannot end what cannot be interrupted, above all the resolution of a host name.

    :param seconds: how long the operation may take, None for no limit; a deadline of zero has passed already
    :raises ValueError: the number of seconds is negative or NaN
    """

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float | None) -> None:
        if seconds is not None and (isnan(seconds) or seconds < 0):
            raise ValueError(f"a deadline is None or a number of seconds from zero on, not {seconds!r}")
        self.seconds = seconds
        self._end = None if seconds is None else monotonic() + seconds

    def remaining(self) -> float | None:
        """Return the seconds that are left, zero when the time is up, None without a limit."""
        if self._end is None:
            return None
        return max(0.0, self._end - monotonic())

    def timeout_for_socket(self) -> float | None:
        """Return the timeout for the next call on a socket.

        :returns: the seconds that are left, None without a limit; never zero, which makes a socket non-blocking
        :raises TimeoutError: the time is up
        """
        left = self.remaining()
        if left == 0:
            raise TimeoutError(f"timed out after {self.seconds:g} s")
        return left

    def __repr__(self) -> str:
        if self._end is None:
            return "<Deadline: none>"
        return f"<Deadline: {self.remaining():.3f} s of {self.seconds:g} s left>"


class TimeLimit(float):
    """The timeout of a request that is one for all of it: made by ``until()``.

    To those who know no deadline it is a timeout for each call, in seconds.
    """

    deadline: Deadline

    @classmethod
    def until(cls, deadline: Deadline, seconds: float) -> Any:
        """Return a limit that is a given deadline.

        :param seconds: of the timeout for those who know no deadline
        """
        limit = float.__new__(cls, seconds)
        limit.deadline = deadline
        return limit

    def __reduce__(self) -> tuple[Any, ...]:
        # A moment on the clock of this process means nothing to another one.
        return float, (float(self),)
