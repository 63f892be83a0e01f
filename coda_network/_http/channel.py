"""The reading side of one connection: one buffered file that successive answers share.

http.client makes a buffered file for every answer, and what that has read too much is lost with it. Here the file
belongs to the connection, so that bytes behind one answer are there for the next.
"""

from __future__ import annotations

import io
import socket
from typing import Any, cast

READ_BUFFER = 65536
"""Bytes that one system call may bring in."""


class Channel:
    """The buffered reader of a socket, and whether the next answer can be read from it."""

    __slots__ = ("broken", "reader", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # makefile() counts as a user of the socket: after sock.close() an answer that owns the reader reads on.
        self.reader = cast(io.BufferedReader, sock.makefile("rb", READ_BUFFER))
        self.broken = False

    def __repr__(self) -> str:
        state = "broken" if self.broken else "closed" if self.reader.closed else "open"
        return f"<Channel {state}>"


def channel_for(sock: Any) -> Channel | None:
    """Return a channel over a real socket, None for a stand-in of which no more than ``makefile()`` is known."""
    return Channel(sock) if isinstance(sock, socket.socket) else None
