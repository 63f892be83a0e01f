"""Dialling again in the middle of something, for code that holds on to the socket it had opened."""

from __future__ import annotations

import socket

from coda_network._net.tls import is_tls

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def redial(dial: Callable[[], Any], before: Any) -> Any:
    """Open another connection to the peer that has closed the one of *before*; return the socket to go on with.

    That is *before* itself where it is a plain socket: a foreign ``connect()`` (that of urllib3) keeps the socket in
    a variable while the tunnel is opened, and begins TLS over it afterwards.

    :param dial: opens the connection
    :param before: the socket that was closed; None where there was none
    :raises OSError: no connection could be made, or *before* spoke TLS and *dial* makes a plain connection
    """
    sock = dial()
    if is_tls(before) and not is_tls(sock):
        sock.close()
        raise OSError("the proxy asked for a login and closed its TLS connection, which cannot be opened again here")
    if not isinstance(before, socket.socket) or not isinstance(sock, socket.socket) or is_tls(sock):
        return sock
    _take_over(before, sock)
    return before


def _take_over(old: socket.socket, new: socket.socket) -> None:
    """Give the connection of *new* to the object *old*; *new* is left empty."""
    timeout = new.gettimeout()
    old.close()
    if old.fileno() != -1:
        # Somebody still has a file of it. That file ends here, or it would read from the new connection.
        socket.close(old.detach())
    socket.socket.__init__(old, new.family, new.type, new.proto, fileno=new.detach())
    old.settimeout(timeout)
