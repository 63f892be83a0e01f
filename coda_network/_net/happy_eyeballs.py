"""Connecting to the first address of a host that accepts, without waiting long for those that do not (RFC 8305).

A host with addresses of IPv6 and IPv4 is tried by both in turns. Where an address has not accepted after a quarter of a
second, or has refused, the next one is tried beside it. The first that accepts wins, and the others are closed.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
from itertools import chain, zip_longest
from time import monotonic

from coda_network._net.deadline import Deadline, TimeLimit
from coda_network._net.resolve import resolve
from coda_network._stack import Stack

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    Address = tuple[str, int]
    Info = tuple[Any, ...]

DELAY = 0.25
"""Seconds before the next address is tried beside one that has not accepted (RFC 8305 section 5)."""

_UNDER_WAY = frozenset({errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY, getattr(errno, "WSAEWOULDBLOCK", 0)})

_switched_on = Stack()


def switch_on() -> None:
    """Race for every connection that would call ``socket.create_connection``; ``switch_off()`` takes back one call."""
    _switched_on.add(True)


def switch_off() -> None:
    """Take back one ``switch_on()``."""
    _switched_on.remove(True)


def is_switched_on() -> bool:
    """Return whether connections race where nobody says otherwise."""
    return any(_switched_on)


def stands_in_for(connect: Any) -> bool:
    """Return whether a function is the standard library's ``create_connection``, not another in its place.

    gevent and programs bring their own, which know something that racing does not.
    """
    return getattr(connect, "__globals__", None) is vars(socket) and connect.__name__ == "create_connection"


def create_connection(address: Address, timeout: Any = None, source_address: Address | None = None) -> socket.socket:
    """Connect to a host, as ``socket.create_connection`` does, but to the first of its addresses that accepts.

    :param timeout: seconds for all addresses together; afterwards for each call on the socket
    :raises TimeoutError: the time is up
    :raises OSError: no address accepts; this is the error of the last one that failed
    """
    if timeout is socket._GLOBAL_DEFAULT_TIMEOUT:  # type: ignore[attr-defined]  # http.client's own default
        timeout = socket.getdefaulttimeout()
    limit = timeout.deadline if isinstance(timeout, TimeLimit) else None
    infos = resolve(*address, limit)
    sock: socket.socket = race(infos, socket.socket, limit or Deadline(timeout), source_address)
    sock.settimeout(timeout)
    return sock


def in_turns(infos: Sequence[Info]) -> list[Info]:
    """Return addresses with their families in turns, beginning with the family that the system has put first."""
    first = [info for info in infos if info[0] == infos[0][0]]
    others = [info for info in infos if info[0] != infos[0][0]]
    return [info for info in chain(*zip_longest(first, others)) if info is not None]


def race(
    infos: Sequence[Info], new_socket: Callable[..., Any], deadline: Deadline, source_address: Address | None
) -> Any:
    """Return a socket that is connected to the first of several addresses that accepts; its timeout is any.

    :param infos: as ``socket.getaddrinfo`` returns them
    :param new_socket: makes a socket of a family, a type and a protocol
    :raises TimeoutError: the time is up
    :raises OSError: no address accepts
    """
    if len(infos) == 1:
        return _connect(infos[0], new_socket, deadline, source_address)
    waiting = in_turns(infos)
    running: dict[Any, Any] = {}
    failure: OSError = OSError("no address found")
    next_start = monotonic()
    with selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                if waiting and (not running or monotonic() >= next_start):
                    deadline.timeout_for_socket()
                    family, kind, protocol, _, place = waiting.pop(0)
                    try:
                        sock = _begin(new_socket(family, kind, protocol), place, source_address)
                    except OSError as error:
                        failure = error
                        continue
                    next_start = monotonic() + DELAY
                    running[sock] = place
                    selector.register(sock, selectors.EVENT_WRITE, sock)
                for key, _ in selector.select(_patience(deadline, next_start if waiting else None)):
                    sock = key.data
                    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    selector.unregister(sock)
                    del running[sock]
                    if not code:
                        return sock
                    sock.close()
                    failure = _error(code)
                    next_start = monotonic()  # a refusal is no reason to wait
            raise failure
        finally:
            del failure  # a reference cycle: its traceback holds this frame
            for sock in running:
                sock.close()


def _connect(info: Info, new_socket: Callable[..., Any], deadline: Deadline, source_address: Address | None) -> Any:
    """Connect to the only address there is."""
    family, kind, protocol, _, place = info
    timeout = deadline.timeout_for_socket()
    sock = new_socket(family, kind, protocol)
    try:
        sock.settimeout(timeout)
        if source_address is not None:
            sock.bind(source_address)
        sock.connect(place)
    except BaseException:
        sock.close()
        raise
    return sock


def _begin(sock: Any, place: Any, source_address: Address | None) -> Any:
    try:
        sock.setblocking(False)
        if source_address is not None:
            sock.bind(source_address)
        code = sock.connect_ex(place)
        if code and code not in _UNDER_WAY:
            raise _error(code)
    except BaseException:
        sock.close()
        raise
    return sock


def _error(code: int) -> OSError:
    return OSError(code, os.strerror(code))  # of the class that belongs to the code


def _patience(deadline: Deadline, next_start: float | None) -> float | None:
    """Return how long to wait for an address to accept.

    :raises TimeoutError: the time is up
    """
    left = deadline.timeout_for_socket()
    if next_start is None:
        return left
    until_next = max(0.0, next_start - monotonic())
    return until_next if left is None else min(left, until_next)
