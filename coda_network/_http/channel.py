"""The reading side of one connection: one buffered file that successive answers share.

http.client makes a buffered file for every answer, and what that has read too much is lost with it. Here the file
belongs to the connection, which therefore knows how each answer ended.
"""

from __future__ import annotations

import io
import socket
from typing import Any, cast

READ_BUFFER = 65536
"""Bytes that one system call may bring in."""


class Channel:
    """The buffered reader of a socket, and whether the next answer can be read from it."""

    __slots__ = ("broken", "exact", "reader", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # makefile() counts as a user of the socket: after sock.close() an answer that owns the reader reads on.
        self.reader = cast(io.BufferedReader, sock.makefile("rb", READ_BUFFER))
        self.broken = False
        # The answer that is read now came alone: the buffer ends where it does, and nobody need look.
        self.exact = False

    def __repr__(self) -> str:
        state = "broken" if self.broken else "closed" if self.reader.closed else "open"
        return f"<Channel {state}>"

    def end_answer(self, complete: bool) -> bool:
        """Note that an answer is over; return whether the next one begins behind it, as behind a *complete* one."""
        self.broken = not complete
        # A program that closed the socket itself has left the connection to this answer.
        if self.broken or self._is_left():
            self.reader.close()
            return False
        return True

    def can_go_on(self) -> bool:
        """Tell whether what is read next answers what is sent next; asked between an answer and a request."""
        return not self.broken and not self._is_left() and (self.exact or not self.has_surplus())

    def _is_left(self) -> bool:
        """Tell whether the socket was closed; it stays open for us as for any file of it."""
        return getattr(self.sock, "_closed", False)

    def has_surplus(self) -> bool:
        """Tell whether bytes behind the last answer have been read already; the network is not asked.

        Nobody asked for them, so they must not become the answer to a later request (RFC 9112 6.3).
        """
        if self.exact:
            return False
        raw: Any = self.reader.raw
        # What socket.SocketIO keeps after a timeout, so that it reads no more: peek() then shows the buffer alone.
        raw._timeout_occurred = True
        try:
            return bool(self.reader.peek(1))
        except (OSError, ValueError):  # nothing there, or closed
            return False
        finally:
            raw._timeout_occurred = False


def channel_for(sock: Any) -> Channel | None:
    """Return a channel over a real socket, None for a stand-in of which no more than ``makefile()`` is known."""
    return Channel(sock) if isinstance(sock, socket.socket) else None
