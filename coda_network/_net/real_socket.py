"""Which sockets are real, and not stand-ins: also those of gevent and eventlet, which are no subclasses."""

from __future__ import annotations

import socket

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


# Whose makefile() gives an io.BufferedReader over a SocketIO; anybody else's gives what it likes.
_MAKERS = frozenset({"socket", "gevent", "eventlet", "coda_network"})

# Where the methods of a socket's file are written. Their names tell nothing: functools.wraps() copies them.
_SOURCE = socket.SocketIO.readable.__code__.co_filename


def is_real(sock: Any) -> bool:
    """Return whether *sock* has all that a socket has; a stand-in may have ``makefile()`` alone.

    Nothing is asked of the name ``socket.socket``: eventlet has replaced it, its plain sockets are of a class of their
    own and its TLS sockets subclasses of the original, and test doubles put what is no class there. All real sockets
    count their open files, and no stand-in does but the subclasses that give files of their own.
    """
    kind = type(sock)
    maker = getattr(kind, "makefile", None)
    is_a_socket = maker is not None and hasattr(kind, "_io_refs") and "makefile" not in getattr(sock, "__dict__", ())
    return is_a_socket and getattr(maker, "__module__", "").partition(".")[0] in _MAKERS


def is_file_of(file: Any) -> bool:
    """Return whether *file* is the unbuffered file of a real socket.

    eventlet keeps a second copy of the module ``socket``, whose ``SocketIO`` is another class of the same kind.
    """
    kind = type(file)
    return kind is socket.SocketIO or (kind.__module__, kind.__qualname__) == ("socket", "SocketIO")


def has_own_reads(file: Any) -> bool:
    """Return whether somebody has put a ``readinto()`` of theirs on the class of a socket's file: a tracer, a mock."""
    code = getattr(type(file).readinto, "__code__", None)
    return code is None or code.co_filename != _SOURCE
