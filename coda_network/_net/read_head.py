"""Reading the head of a response from a socket, and not a byte beyond it."""

from __future__ import annotations

import socket
from http.client import HTTPException, LineTooLong

from coda_network._net.real_socket import is_real
from coda_network._net.tls import is_tls
from coda_network._wire import heads

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


def read_head(sock: Any, max_headers: int | None = None) -> tuple[list[bytes], Any]:
    """Read the head of a final response, and not a byte beyond it; interim responses are skipped.

    The bytes behind the head of a 2xx response belong to the user of the tunnel, who may read them from the plain
    socket: where the server speaks first, none may be lost (RFC 9110 section 9.3.6).

    :param sock: a connected socket, or a stand-in with ``makefile()``
    :param max_headers: the most header lines; None for http.client's limit
    :returns: the status line and the header lines, empty if the connection ended before them; and the file from which
        the body can be read, None if it is still in the socket
    :raises http.client.HTTPException: the head is malformed, or beyond the limits of http.client
    """
    file = None if is_real(sock) else sock.makefile("rb")
    source = _SocketLines(sock) if file is None else file
    most_interim = heads.most_interim()
    for _ in range(most_interim):
        status = source.readline(heads.MAX_LINE + 1)
        if len(status) > heads.MAX_LINE:
            raise LineTooLong("status line")
        if not status:
            return [], file
        if file is None:
            heads.refuse_cut_status(status)
        code = heads.parse_status_line(status)[1]
        lines = heads.read_field_lines(source, max_headers)
        if file is None:
            heads.refuse_cut(lines)
        if not heads.is_interim(code):
            return [status, *lines], file
        heads.is_odd(b"".join(lines))  # what nobody reads is refused here, too
    raise HTTPException(f"got more than {most_interim} interim responses to CONNECT")


class _SocketLines:
    """Reads lines from a socket and leaves what is behind them: by peeking, or under TLS byte by byte."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # A TLS socket cannot peek. It buffers decrypted records, so that single bytes cost no system call.
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
