"""Bodies in every framing, as responses of a scripted peer."""

from __future__ import annotations

import contextlib
import random
import ssl
from collections.abc import Callable, Iterator
from typing import Any

from coda_network import httplib
from support.peer import ScriptedPeer, Wire

BODY = random.Random(4).randbytes(700_000).replace(b"\r", b"\n")
LINES = b"".join(b"line %d\n" % number * (number % 3 + 1) for number in range(3000)) + b"the last"


def in_chunks(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


FRAMINGS: dict[str, Callable[[bytes], bytes]] = {
    "length": lambda body: b"Content-Length: %d\r\n\r\n%b" % (len(body), body),
    "large chunks": lambda body: b"Transfer-Encoding: chunked\r\n\r\n" + in_chunks(body, 50_000),
    "chunks": lambda body: b"Transfer-Encoding: chunked\r\n\r\n" + in_chunks(body, 3000),
    "small chunks": lambda body: b"Transfer-Encoding: chunked\r\n\r\n" + in_chunks(body, 37),
    "to the end": lambda body: b"\r\n" + body,
}


@contextlib.contextmanager
def responding(
    rest: bytes, *, stay: bool = False, context: ssl.SSLContext | None = None, client: Any = None, timeout: float = 20
) -> Iterator[Any]:
    """Give a connection to whose request the peer responds with a status line and *rest*."""

    def script(wire: Wire) -> None:
        wire.read_head()
        with contextlib.suppress(OSError):  # not every test reads all of it
            wire.send(b"HTTP/1.1 200 OK\r\n" + rest)
            if stay:
                wire.read_to_end()

    with ScriptedPeer([script], tls=context) as peer:
        if context is None:
            connection: Any = httplib.HTTPConnection(*peer.address, timeout=timeout)
        else:
            connection = httplib.HTTPSConnection(*peer.address, context=client, timeout=timeout)
        connection.request("GET", "/")
        try:
            yield connection
        finally:
            connection.close()
