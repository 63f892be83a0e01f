"""Which sockets are real, and not stand-ins: also those of gevent and eventlet, which are no subclasses."""

from __future__ import annotations

import socket

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


def is_real(sock: Any) -> bool:
    """Return whether *sock* has all that a socket has; a stand-in may have ``makefile()`` alone.

    eventlet's plain sockets are of a class of their own. Its TLS sockets are subclasses of the original
    ``socket.socket``, which eventlet has replaced. All real sockets count their open files, and no stand-in does.
    """
    return isinstance(sock, socket.socket) or hasattr(type(sock), "_io_refs")


def is_file_of(file: Any) -> bool:
    """Return whether *file* is the unbuffered file of a real socket.

    eventlet keeps a second copy of the module ``socket``, whose ``SocketIO`` is another class of the same kind.
    """
    kind = type(file)
    return kind is socket.SocketIO or (kind.__module__, kind.__qualname__) == ("socket", "SocketIO")
