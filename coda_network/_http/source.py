"""The raw file under the buffered reader of a connection."""

from __future__ import annotations

import socket

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

_stdlib_readinto = socket.SocketIO.readinto


class Source(socket.SocketIO):
    """socket.SocketIO that does not ask again what its reader has asked, and that can be stilled.

    One that makefile() has made becomes one of these by its class alone.
    """

    still = False
    """The network is not asked: the reader finds no more than its buffer has."""

    # What socket.SocketIO has and typeshed does not know.
    _sock: Any
    _timeout_occurred: bool

    def readinto(self, b: Any) -> int | None:
        """Read once from the socket; return how many bytes came, 0 at its end, None where it would have to wait."""
        if self.still:
            return None
        if self._timeout_occurred:
            return _stdlib_readinto(self, b)  # which refuses
        try:
            return self._sock.recv_into(b)  # type: ignore[no-any-return]  # a socket, or what stands in for one
        except TimeoutError:
            self._timeout_occurred = True
            raise
        except BlockingIOError:
            return None
