"""Reading the head of a response from a socket, and not one byte more."""

from __future__ import annotations

import socket
from http.client import HTTPException, LineTooLong

from coda_network._net.tls import is_tls
from coda_network._wire import heads

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any


def read_head(sock: Any, max_headers: int | None = None) -> tuple[list[bytes], Any]:
    """Read the head of a final answer and not one byte more; interim answers before it are skipped.

    What comes behind the head of a 2xx answer belongs to whoever uses the tunnel, which may be a plain socket of the
    caller: a server that speaks first must lose nothing (RFC 9110 9.3.6).

    :param sock: a connected socket, or a stand-in with ``makefile()``
    :param max_headers: header lines that are allowed; None for as many as http.client allows
    :returns: the status line and the header lines (empty when the connection ended before), and the file that the
        body is in, None where it is still in the socket
    :raises http.client.HTTPException: no head within the limits of http.client
    """
    file = None if isinstance(sock, socket.socket) else sock.makefile("rb")
    source = _SocketLines(sock) if file is None else file
    most_interim = heads.most_interim()
    for _ in range(most_interim):
        status = source.readline(heads.MAX_LINE + 1)
        if len(status) > heads.MAX_LINE:
            raise LineTooLong("status line")
        if not status:
            return [], file
        lines = [status, *heads.read_field_lines(source, max_headers)]
        if file is None:
            heads.refuse_cut(lines)
        if not heads.is_interim(heads.parse_status_line(status)[1]):
            return lines, file
    raise HTTPException(f"got more than {most_interim} interim responses to CONNECT")


class _SocketLines:
    """Lines of a socket, taken from it exactly: peeked at where the socket can, byte by byte under TLS."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # TLS decrypts whole records and keeps them: its single bytes cost no system call, and it cannot peek.
        self.can_peek = not is_tls(sock)

    def readline(self, limit: int, /) -> bytes:
        line = b""
        while len(line) < limit and not line.endswith(b"\n"):
            if self.can_peek:
                seen = self.sock.recv(min(limit - len(line), 4096), socket.MSG_PEEK)
                piece = self.sock.recv(seen.find(b"\n") + 1 or len(seen)) if seen else b""
            else:
                piece = self.sock.recv(1)
            if not piece:
                break
            line += piece
        return line
