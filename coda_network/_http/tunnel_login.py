"""Opening a tunnel: CONNECT until the proxy lets us through, logging in on the way (RFC 9110 9.3.6)."""

from __future__ import annotations

import io
from http.client import HTTPException

from coda_network._trace import Trace

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
"""Bytes of a refusal's body that are read: to keep its connection (beyond, a new one is cheaper), or to keep them."""


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
    header = login.start(outgoing) if login else None
    while True:
        answer = connect(header)
        log("CONNECT %s: the proxy responds %d %s", target, answer.status, answer.reason)
        if 200 <= answer.status < 300:
            if login:
                login.on_response(answer.headers)
            return answer
        header = None
        if login and answer.status == 407:
            header = login.on_challenge(answer.headers, outgoing, answer.will_close)
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


def keep_body(refusal: Any) -> bytes:
    """Read the body of a refusal into memory, so that it outlives the connection, and part from that.

    :param refusal: a response; its body, or what came of it, can still be read from it
    :returns: the body
    """
    try:
        body: bytes = refusal.read(DRAIN_LIMIT)
    except (OSError, HTTPException):
        body = b""
    if refusal.fp is not None:
        refusal._close_conn()
    refusal.fp, refusal.length, refusal.chunked = io.BytesIO(body), len(body), False
    return body
