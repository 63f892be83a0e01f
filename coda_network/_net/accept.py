"""Clients of a listening socket, one after the other: what goes wrong with one of them does not end the others."""

from __future__ import annotations

from time import sleep
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

PAUSE = 0.1
"""Seconds until the next attempt where none can be accepted: it waits in the kernel's queue."""


class Accepted:
    """The clients of a socket: until none waits, or for ever where the socket blocks.

    :param listener: a listening socket
    :param warn: called with why no client can be accepted (no file descriptor is left, above all), once for each reason
        in a row
    """

    def __init__(self, listener: socket.socket, warn: Callable[[str], object]) -> None:
        self._listener = listener
        self._warn = warn
        self._reason: int | None = None

    def __iter__(self) -> Iterator[tuple[socket.socket, Any]]:
        while True:
            try:
                client = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue  # the client left before its turn (ECONNABORTED)
            except OSError as error:
                if self._listener.fileno() < 0:
                    return  # it was closed
                if error.errno != self._reason:
                    self._reason = error.errno
                    self._warn(error.strerror or str(error))
                sleep(PAUSE)
                if not self._listener.getblocking():
                    return  # whoever does not want to wait has other things to do
                continue
            self._reason = None
            yield client
