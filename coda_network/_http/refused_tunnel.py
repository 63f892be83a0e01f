"""The socket to a proxy that refused a tunnel, kept until somebody tries again."""

from __future__ import annotations

import socket
import weakref

from coda_network._net.liveness import is_dropped

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    from coda_network._http.reader import ConnectionReader

_Socket = socket.socket


class _Unwatched(_Socket):
    """A socket that nobody need close.

    A refusal that is raised is part of a cycle wherever somebody keeps the error. The collector may come to the socket
    first, and that would warn.
    """

    __slots__ = ()

    def __del__(self) -> None:
        self.close()


class RefusedTunnel:
    """A socket whose last response was a refusal; it can be detached once that response has been read.

    Where the connection ends with the refusal the socket is closed here, and the refusal reads on alone.
    """

    sock: Any = None  # an interrupt may come before ``__init__()``, and ``__del__()`` behind it

    def __init__(self, sock: Any, refusal: Any) -> None:
        self.sock = sock
        self._reader: ConnectionReader | None = refusal._reader
        self._refusal = weakref.ref(refusal)
        if type(sock) is _Socket:
            sock.__class__ = _Unwatched
        if refusal.will_close:
            self.close()

    def detach(self) -> Any:
        """Return the socket to go on with; None, and it is closed, where the refusal was not read or the peer left."""
        sock, reader, refusal = self.sock, self._reader, self._refusal()
        if (
            sock is not None
            and reader is not None  # which real sockets have
            and (refusal is None or refusal.isclosed())
            and reader.can_go_on()
            and not is_dropped(sock)
        ):
            self.sock = None
            if type(sock) is _Unwatched:
                sock.__class__ = _Socket  # type: ignore[assignment]  # which is what it was made as
            return sock
        self.close()
        return None

    def close(self) -> None:
        """Close the socket; a refusal that is still being read reads on."""
        # An interrupt may come in between, and this is called once more.
        sock, self.sock = self.sock, None
        if sock is not None:
            sock.close()

    # Nobody knows that a socket was kept, so nobody closes it.
    __del__ = close
