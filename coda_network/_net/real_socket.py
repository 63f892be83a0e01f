"""Which sockets are real: a green one of gevent or eventlet, too, which is no subclass of the standard library's."""

from __future__ import annotations

import socket

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


def is_real(sock: Any) -> bool:
    """Return whether *sock* has all that a socket has; a stand-in may have ``makefile()`` alone.

    eventlet's TLS sockets are the standard library's, under a ``socket.socket`` that eventlet has replaced; its plain
    sockets are of no class but their own. What all real ones count, and no stand-in does, is their open files.
    """
    return isinstance(sock, socket.socket) or hasattr(type(sock), "_io_refs")


def is_file_of(file: Any) -> bool:
    """Return whether *file* is what ``makefile()`` of a real socket has made, unbuffered.

    eventlet keeps a second copy of the module ``socket``, whose ``SocketIO`` is another class of the same kind.
    """
    kind = type(file)
    return kind is socket.SocketIO or (kind.__module__, kind.__qualname__) == ("socket", "SocketIO")
