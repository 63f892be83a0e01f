"""Whether an idle connection can still be used.

A server sends nothing on an idle connection. If there is something to read, the peer has closed the connection, or has
sent a response that nobody asked for, such as a 408 before the close: it must not be used again (RFC 9112 section 9.5).
The peer can still close it a moment later.
"""

from __future__ import annotations

import select

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    import socket


class Liveness:
    """Checks whether the peer has dropped one connection, with one system call a check.

    :param sock: the connected socket, plain or TLS. Wrapping it for TLS makes another socket, which needs a
        ``Liveness`` of its own. An object without a file descriptor counts as dropped
    """

    __slots__ = ("_fd", "_pending", "_poll", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        # Only TLS sockets have this method: the number of bytes that are decrypted and not yet read.
        self._pending = getattr(sock, "pending", None)
        self._poll = None
        try:
            self._fd = sock.fileno()
            # Outside Windows select() accepts descriptors below 1024 only, poll() any. To keep the poll object halves
            # the cost of a check. Windows has no poll().
            if hasattr(select, "poll"):
                self._poll = select.poll()
                # The end of the stream counts as input, and errors are always reported.
                self._poll.register(self._fd, select.POLLIN)
        except (AttributeError, OSError, TypeError, ValueError):
            self._fd = -1

    def dropped(self) -> bool:
        """Return whether the peer has closed the connection, or has sent something that nobody asked for.

        It never waits or raises, and reads nothing from a plain socket. On a TLS socket the input may be session
        tickets only (RFC 8446 section 4.6.1), which do not end the connection: they are read, and it goes on.
        """
        # Once the socket is closed, the number of its descriptor may belong to another file.
        if self._fd < 0 or self._sock.fileno() != self._fd:
            return True
        if self._pending is not None and self._pending():
            return True
        if not (self._readable_by_select() if self._poll is None else self._poll.poll(0)):
            return False
        return self._pending is None or self._more_than_tickets()

    def _readable_by_select(self) -> bool:
        try:
            return bool(select.select([self._fd], [], [], 0)[0])
        except (OSError, ValueError):
            # select() does not accept this descriptor: count the connection as dropped.
            return True

    def _more_than_tickets(self) -> bool:
        import ssl

        timeout = self._sock.gettimeout()
        try:
            self._sock.settimeout(0)
            try:
                # On the way recv() handles session tickets. A byte of data, and the end, mean that it is dropped.
                self._sock.recv(1)
                return True
            except (ssl.SSLWantReadError, BlockingIOError):
                return False
            finally:
                self._sock.settimeout(timeout)
        except OSError:
            return True


def is_dropped(sock: socket.socket) -> bool:
    """Return whether the peer has dropped an idle connection; for more than one check, keep a ``Liveness``."""
    return Liveness(sock).dropped()
