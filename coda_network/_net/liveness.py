"""Whether a connection that was left idle can still be used.

A server says nothing on an idle connection. A socket on which there is something to read has therefore been
closed by the peer, or carries bytes that nobody asked for, such as a 408 before the close; it must not be
used again. RFC 9112 section 9.5 tells clients to watch for this. The connection can still be closed in the
moment after.
"""

from __future__ import annotations

import select

# Type checkers know this name by itself; `typing` is not imported here because it would cost more than all
# the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket


class Liveness:
    """Tells again and again whether the peer has dropped one connection, each time in one system call.

    :param sock: the connected socket, plain or TLS. A socket that is wrapped for TLS later is another socket
        and needs a Liveness of its own. An object without a file descriptor cannot be asked and counts as
        dropped
    """

    __slots__ = ("_fd", "_pending", "_poll", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        # Only TLS sockets have it: the number of bytes that are decrypted and not yet read.
        self._pending = getattr(sock, "pending", None)
        self._poll = None
        try:
            self._fd = sock.fileno()
            # poll() takes any descriptor, select() outside Windows only those under 1024; asking a poll
            # object that is kept costs half of making a new one. Windows has no poll().
            if hasattr(select, "poll"):
                self._poll = select.poll()
                # The end of the stream counts as input; errors are reported unasked.
                self._poll.register(self._fd, select.POLLIN)
        except (AttributeError, OSError, TypeError, ValueError):
            self._fd = -1

    def dropped(self) -> bool:
        """Return True when the peer has closed the connection or has sent what nobody asked for.

        It never waits and never raises. On a plain socket nothing is read. What there is to read on a TLS
        socket may be session tickets alone (RFC 8446 section 4.6.1), which say nothing about the connection:
        they are read off, and the socket is as good as before.
        """
        # The number may belong to another file once the socket was closed.
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
            # Out of the range of select(), so not known to be alive.
            return True

    def _more_than_tickets(self) -> bool:
        import ssl

        timeout = self._sock.gettimeout()
        try:
            self._sock.settimeout(0)
            try:
                # The TLS library takes tickets in on the way. A byte of data means a drop, and so does the
                # end.
                self._sock.recv(1)
                return True
            except (ssl.SSLWantReadError, BlockingIOError):
                return False
            finally:
                self._sock.settimeout(timeout)
        except OSError:
            return True


def is_dropped(sock: socket.socket) -> bool:
    """Return whether the peer has dropped an idle connection: Liveness for a socket that is asked once."""
    return Liveness(sock).dropped()
