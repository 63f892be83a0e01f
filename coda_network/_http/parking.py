"""The socket to a proxy that refused a tunnel, kept until somebody tries again."""

from __future__ import annotations

import socket
import weakref
from typing import Any

from coda_network._http.channel import Channel
from coda_network._net.liveness import is_dropped


class Parked:
    """A socket whose last answer was a refusal; it can be taken once that answer has been read."""

    def __init__(self, sock: Any, response: Any) -> None:
        self._sock = sock
        self._channel: Channel | None = response._channel
        self._response = weakref.ref(response)

    @classmethod
    def holding(cls, sock: Any, response: Any) -> Parked | None:
        """Park *sock*; None where the refusal took it with it."""
        return None if sock is None else cls(sock, response)

    def take(self) -> Any:
        """Return the socket to go on with; None, and it is closed, where the refusal was not read or the peer left."""
        sock, self._sock = self._sock, None
        response = self._response()
        unread = response is not None and not response.isclosed()
        channel = self._channel
        if isinstance(sock, socket.socket) and channel and not channel.broken and not unread and not is_dropped(sock):
            return sock
        sock.close()
        return None

    def close(self) -> None:
        """Close the socket; a refusal that is still being read reads on."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    # Nobody need know that a socket was parked, so nobody need close it.
    __del__ = close
