"""Connecting again in the middle of a CONNECT, for callers that keep the socket which they had opened."""

from __future__ import annotations

import socket

from coda_network._net.tls import is_tls

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_Socket = socket.socket  # test doubles put what is no class in the place of the name


def redial(dial: Callable[[], Any], before: Any) -> Any:
    """Connect again to the peer that has closed the connection of *before*; return the socket to go on with.

    A plain socket *before* is given the new connection and returned itself: urllib3's ``connect()`` keeps the socket in
    a variable while the tunnel is opened, and begins TLS over it afterwards.

    :param dial: opens a connection and returns its socket
    :param before: the socket whose connection was closed; None where there was none
    :raises OSError: the connection failed, or *before* spoke TLS and the new socket does not
    """
    sock = dial()
    if is_tls(before) and not is_tls(sock):
        sock.close()
        raise OSError("the proxy asked for a login and closed its TLS connection, which cannot be opened again here")
    if not isinstance(before, _Socket) or not isinstance(sock, _Socket) or is_tls(sock):
        return sock
    _take_over(before, sock)
    return before


def _take_over(old: socket.socket, new: socket.socket) -> None:
    """Move the connection of the socket *new* to the object *old*; *new* is then closed."""
    timeout = new.gettimeout()
    old.close()
    if old.fileno() != -1:
        # A file made of the socket is still open: end it, or it would read from the new connection.
        socket.close(old.detach())
    socket.socket.__init__(old, new.family, new.type, new.proto, fileno=new.detach())
    old.settimeout(timeout)
