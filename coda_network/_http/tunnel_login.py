"""Opening a tunnel: CONNECT until the proxy lets us through, logging in on the way (RFC 9110 section 9.3.6)."""

from __future__ import annotations

import io
from http.client import HTTPException

from coda_network._trace import Trace

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from coda_network._auth.login import Login

    class Drainable(Protocol):
        """What is needed of a response whose body is only in the way."""

        def read(self, amt: int | None = None, /) -> bytes: ...

        def close(self) -> None: ...


log = Trace("net")

DRAIN_LIMIT = 1 << 20
"""Bytes of a refusal's body that are read: to keep its connection (beyond, a new one is cheaper), or to keep them."""


class TunnelError(OSError):
    """The proxy refused to open a tunnel.

    ``response`` is its response (status, headers, body, ``tunnel`` True). ``report`` says what became of a login, None
    where none was tried.
    """

    def __init__(self, response: Any, report: object = None) -> None:
        super().__init__(f"Tunnel connection failed: {response.status} {response.reason.strip()}")
        self.response = response
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.response, self.report), vars(self)


def open_tunnel(connect: Callable[[str | None], Any], target: str, login: Login | None) -> Any:
    """Send CONNECT, and again with what the proxy asks for, until the tunnel is open; return the 2xx response.

    :param connect: sends one CONNECT with the given Proxy-Authorization (or None) and returns the response to it; it
        opens the connection to the proxy again where the response before has ended it
    :param target: ``host:port``, as on the request line
    :param login: who we are to this proxy on this connection, None to take the first response as it is
    :raises TunnelError: the proxy responded otherwise
    :raises OSError: the connection to the proxy failed
    """
    from coda_network._auth.scheme import Outgoing

    outgoing = Outgoing("CONNECT", target, None)
    header = login.start(outgoing) if login else None
    while True:
        response = connect(header)
        log("CONNECT %s: the proxy responds %d %s", target, response.status, response.reason)
        if 200 <= response.status < 300:
            if login:
                login.on_response(response.headers)
            return response
        header = None
        if login and response.status == 407:
            header = login.on_challenge(response.headers, outgoing, response.will_close)
        if header is None:
            raise TunnelError(response, login.report if login else None)
        drain(response)


def drain(response: Drainable) -> None:
    """Read a response to its end, so that its connection can go on, and close it.

    Where its end is far, or does not come, the connection goes on no more; the response itself was all that mattered.

    :raises TimeoutError: nothing came within the timeout of the connection
    """
    left = DRAIN_LIMIT
    try:
        while left > 0 and (data := response.read(min(left, 65536))):
            left -= len(data)
    except (HTTPException, ConnectionError):
        pass
    response.close()


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
