"""Opening a tunnel: CONNECT until the proxy lets us through, logging in on the way (RFC 9110 9.3.6)."""

from __future__ import annotations

import socket
from http.client import HTTPException, LineTooLong

from coda_network._wire import heads
from coda_network._wire.trace import Trace

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from coda_network._auth.login import Login

    class Answer(Protocol):
        """What is needed of an answer whose body is only in the way."""

        def read(self, amt: int | None = None, /) -> bytes: ...

        def close(self) -> None: ...


log = Trace("net")

DRAIN_LIMIT = 1 << 20
"""Bytes of a refusal's body that are read to keep its connection; beyond that a new connection is cheaper."""


class TunnelError(OSError):
    """The proxy refused to open a tunnel.

    ``response`` is its answer (status, headers, body, ``tunnel`` True). ``report`` says what became of a login, None
    where none was tried.
    """

    def __init__(self, response: Any, report: object = None) -> None:
        super().__init__(f"Tunnel connection failed: {response.status} {response.reason.strip()}")
        self.response = response
        self.report = report


def open_tunnel(connect: Callable[[str | None], Any], target: str, login: Login | None) -> Any:
    """Send CONNECT, and again with what the proxy asks for, until the tunnel is open; return the 2xx answer.

    :param connect: sends one CONNECT with the given Proxy-Authorization (or None) and returns the answer to it; it
        opens the connection to the proxy again where the answer before has ended it
    :param target: ``host:port``, as on the request line
    :param login: who we are to this proxy on this connection, None to take the first answer as it is
    :raises TunnelError: the proxy answered otherwise
    :raises OSError: the connection to the proxy failed
    """
    from coda_network._auth.scheme import Outgoing

    outgoing = Outgoing("CONNECT", target, None)
    header = login.header(outgoing) if login else None
    while True:
        answer = connect(header)
        log("CONNECT %s: the proxy answers %d %s", target, answer.status, answer.reason)
        fields = answer.headers.get_all
        challenges = fields("proxy-authenticate") or []
        if 200 <= answer.status < 300:
            if login:
                login.accepted([*(fields("proxy-authentication-info") or []), *challenges])
            return answer
        header = None
        if login and answer.status == 407:
            header = login.challenged(challenges, outgoing)
            if login.in_progress and answer.will_close:
                login.report.note("proxy", "the proxy closed the connection in the middle of the handshake")
                header = None
        if header is None:
            raise TunnelError(answer, login.report if login else None)
        drain(answer)


def drain(answer: Answer) -> None:
    """Read an answer to its end, so that its connection can go on, and close it.

    Where its end is far, or does not come, the connection goes on no more; the answer itself was all that mattered.

    :raises TimeoutError: nothing came within the timeout of the connection
    """
    left = DRAIN_LIMIT
    try:
        while left > 0 and (data := answer.read(min(left, 65536))):
            left -= len(data)
    except (HTTPException, ConnectionError):
        pass
    answer.close()


def read_head(sock: Any) -> tuple[list[bytes], Any]:
    """Read the head of a final answer and not one byte more; interim answers before it are skipped.

    What comes behind the head of a 2xx answer belongs to whoever uses the tunnel, which may be a plain socket of the
    caller: a server that speaks first must lose nothing (RFC 9110 9.3.6).

    :param sock: a connected socket, or a stand-in with ``makefile()``
    :returns: the status line and the header lines (empty when the connection ended before), and the file that the
        body is in, None where it is still in the socket
    :raises http.client.HTTPException: no head within the limits of http.client
    """
    file = None if isinstance(sock, socket.socket) else sock.makefile("rb")
    source = _SocketLines(sock) if file is None else file
    for _ in range(heads.MAX_INTERIM):
        status = source.readline(heads.MAX_LINE + 1)
        if len(status) > heads.MAX_LINE:
            raise LineTooLong("status line")
        if not status:
            return [], file
        lines = [status, *heads.read_field_lines(source)]
        if file is None:
            heads.refuse_cut(lines)
        if not heads.is_interim(heads.parse_status_line(status)[1]):
            return lines, file
    raise HTTPException(f"more than {heads.MAX_INTERIM} interim answers to CONNECT")


class _SocketLines:
    """Lines of a socket, taken from it exactly: peeked at where the socket can, byte by byte under TLS."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        # TLS decrypts whole records and keeps them: its single bytes cost no system call, and it cannot peek.
        self.can_peek = not hasattr(sock, "pending")

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
