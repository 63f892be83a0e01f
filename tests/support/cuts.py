"""Carrying out an exchange again and again, each time with another fault, and what came of it."""

from __future__ import annotations

import gc
import http.client
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.error import HTTPError, URLError

from support.fault_proxy import DRIP, FIN, RST, STALL, TO_CLIENT, TO_SERVER, Fault, FaultProxy

DOCUMENTED = (OSError, URLError, http.client.HTTPException)


@dataclass
class Outcomes:
    """What came of an exchange at each position.

    :param expected: the bodies of an exchange without a fault
    :param seconds: the longest that one may take
    """

    expected: list[bytes]
    seconds: float
    positions: int = 0
    whole: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        errors = ", ".join(f"{name} {count}" for name, count in sorted(self.errors.items()))
        return f"{self.positions} positions: {self.whole} whole; {errors or 'no errors'}; {len(self.wrong)} wrong"

    def note(self, act: Callable[[], list[bytes]], fault: object) -> None:
        """Carry an exchange out, and note what came of it: the expected bodies, a documented error, or what is wrong.

        :param fault: what is to be said of it
        """
        self.positions += 1
        begun = time.monotonic()
        try:
            bodies = act()
        except DOCUMENTED as error:
            reason = getattr(error, "reason", None)
            name = type(reason if isinstance(reason, BaseException) else error).__name__
            if isinstance(error, HTTPError):
                name = f"{name} {error.code}"
                error.close()
            self.errors[name] = self.errors.get(name, 0) + 1
        else:
            self.whole += 1
            if bodies != self.expected:
                self.wrong.append(f"{fault}: {bodies!r:.1000}")
        taken = time.monotonic() - begun
        if taken > self.seconds:
            self.wrong.append(f"{fault}: {taken:.1f} seconds")


def measured(act: Callable[[], list[bytes]], proxy: FaultProxy) -> tuple[list[bytes], dict[str, int]]:
    """Return the bodies of an exchange where nothing is wrong, and how many bytes go each way."""
    proxy.reset(None)
    bodies = act()
    time.sleep(0.05)  # the last ones are counted behind the client's back
    return bodies, dict(proxy.passed)


def places(total: int, few: int) -> list[int]:
    """Return the positions to cut at: all, or some that are evenly spread, the first and the last among them."""
    if not few or total <= few:
        return list(range(total))
    return sorted({round(index * (total - 1) / (few - 1)) for index in range(few)})


def cuts(sizes: dict[str, int], few: int) -> Iterator[Fault]:
    """Give the faults that end a connection: of the first one, whose successors are whole, and of all."""
    for connections in (1, 100):
        for direction in (TO_CLIENT, TO_SERVER):
            for after in places(sizes[direction], few):
                for kind in (FIN, RST):
                    yield Fault(direction, after, kind, connections)


def delays(sizes: dict[str, int], few: int, kinds: tuple[str, ...] = (STALL, DRIP)) -> Iterator[Fault]:
    """Give the faults that let a connection stand, or creep."""
    for direction in (TO_CLIENT, TO_SERVER):
        for after in places(sizes[direction], few):
            for kind in kinds:
                yield Fault(direction, after, kind, 100)


def descriptors() -> int:
    """Return how many files and sockets this process has open."""
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def assert_no_socket_is_left(before: int) -> None:
    """Fail where more is open than *before*, and stays open.

    :raises AssertionError: it names what is open
    """
    # The threads of the peers end when their clients have gone; those of a proxy wait ten seconds at most.
    deadline = time.monotonic() + 15
    while descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    left = descriptors() - before
    assert left <= 2, f"{left} more are open: {sorted(map(_target, os.listdir('/proc/self/fd')))}"


def _target(number: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return "closed meanwhile"
