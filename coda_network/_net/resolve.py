"""Looking up the addresses of a host, no longer than a deadline allows.

``socket.getaddrinfo`` cannot be interrupted. Under a deadline it runs in a thread of its own, which nobody waits for
when the time is up: it ends when the system's resolver gives up. Addresses need no look-up, and no thread.
"""

from __future__ import annotations

import socket

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    from coda_network._net.deadline import Deadline


def resolve(host: str, port: int, deadline: Deadline | None = None, family: int = 0) -> list[tuple[Any, ...]]:
    """Return the addresses of a host as ``socket.getaddrinfo`` does, for TCP.

    :param deadline: None waits as long as the system's resolver does
    :param family: of the addresses; 0 is any
    :raises TimeoutError: the time is up
    :raises OSError: the host has no address
    """
    found = _look_up(host, port, deadline, family)
    if not found:
        raise OSError(f"no address found for {host}")
    return found


def _look_up(host: str, port: int, deadline: Deadline | None, family: int) -> list[tuple[Any, ...]]:
    # It is looked up now, because gevent replaces it.
    look_up = socket.getaddrinfo
    if deadline is None or deadline.remaining() is None or _is_literal(host):
        return look_up(host, port, family, socket.SOCK_STREAM)
    import threading

    found: list[Any] = []

    def run() -> None:
        try:
            found.append(look_up(host, port, family, socket.SOCK_STREAM))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=run, name=f"look up {host}", daemon=True)
    thread.start()
    thread.join(deadline.timeout_for_socket())
    if not found:
        raise TimeoutError(f"the address of {host} was not found in time")
    result = found.pop()
    if isinstance(result, BaseException):
        try:
            raise result
        finally:
            del result  # a reference cycle: its traceback holds this frame
    return result  # type: ignore[no-any-return]  # what getaddrinfo() returns


def _is_literal(host: str) -> bool:
    """Return whether a host is an address: digits and dots, or hexadecimal digits and colons."""
    return ":" in host or host.replace(".", "").isdigit()
