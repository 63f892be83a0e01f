"""What a PAC file asks of the network: the addresses of a name, and those of this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from time import monotonic
from typing import Any

from coda_network._fork import renew_in_children
from coda_network._net.deadline import Deadline
from coda_network._net.resolve import resolve

REMEMBERED_SECONDS = 60.0
"""For which an answer is remembered."""

MOST_REMEMBERED = 1000


class Names:
    """Answers the questions of a PAC file, and remembers the answers for a while; safe for threads.

    :param look_up: called with a host and a deadline, returns its addresses; raises OSError where it has none
    :param own: returns the addresses of this machine
    """

    def __init__(self, look_up: Callable[[str, Deadline], Iterable[str]], own: Callable[[], Iterable[str]]) -> None:
        self._look_up = look_up
        self._own = own
        self._answers: dict[str, tuple[float, str | None]] = {}
        self._renew_lock()
        renew_in_children(self, Names._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def answer(self, question: str, deadline: Deadline) -> str | None:
        """Return the answer to ``4 HOST``, ``all HOST``, ``my 4`` or ``my all``, in the form that the file takes.

        :param deadline: for a look-up
        """
        now = monotonic()
        with self._lock:
            known = self._answers.get(question)
        if known is not None and now < known[0]:
            return known[1]
        found = self._find(question, deadline)
        with self._lock:
            self._answers.pop(question, None)
            self._answers[question] = now + REMEMBERED_SECONDS, found
            if len(self._answers) > MOST_REMEMBERED:
                del self._answers[next(iter(self._answers))]
        return found

    def _find(self, question: str, deadline: Deadline) -> str | None:
        kind, _, host = question.partition(" ")
        if kind == "my":
            own = list(self._own())
            if host == "all":
                return ";".join(own)
            return next((address for address in own if ":" not in address), "127.0.0.1")
        try:
            found = list(dict.fromkeys(self._look_up(host, deadline)))
        except (OSError, ValueError):  # no such name; or no name at all, for IDNA
            found = []
        if kind == "all":
            return ";".join(found)
        return next((address for address in found if ":" not in address), None)


def addresses(host: str, deadline: Deadline) -> list[str]:
    """Return the addresses of a host, as the system's resolver knows them."""
    return [str(info[4][0]) for info in resolve(host, 0, deadline)]


def own_addresses() -> list[str]:
    """Return the addresses from which this machine would reach others; nothing is sent to find them."""
    found = []
    # Addresses for documentation (RFC 5737, RFC 3849): to connect a datagram socket chooses a route, and no more.
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((far, 9))
                found.append(str(sock.getsockname()[0]))
        except OSError:
            continue
    return found or ["127.0.0.1"]


def system_names() -> Any:
    """Return the names as this system knows them."""
    return Names(lambda host, deadline: addresses(host, deadline), lambda: own_addresses())
