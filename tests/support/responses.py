"""Bytes of a response, delivered in several ways and read by our classes and by those of http.client."""

from __future__ import annotations

import contextlib
import http.client
import io
from collections.abc import Callable, Iterator
from typing import Any

from coda_network import httplib
from support.peer import ScriptedPeer, Wire


def whole(wire: Wire, data: bytes) -> None:
    wire.send(data)


def byte_by_byte(wire: Wire, data: bytes) -> None:
    wire.send_slowly(data, 0.0001)


DELIVERIES: dict[str, Callable[[Wire, bytes], None]] = {"whole": whole, "byte by byte": byte_by_byte}


@contextlib.contextmanager
def responding(
    data: bytes,
    method: str = "GET",
    *,
    deliver: Callable[[Wire, bytes], None] = whole,
    stay: bool = False,
    connection_class: type[http.client.HTTPConnection] = httplib.HTTPConnection,
) -> Iterator[Any]:
    """Give a connection whose request was sent and gets *data* as its response.

    :param stay: the peer waits for the client's end instead of closing behind the data
    """

    def script(wire: Wire) -> None:
        wire.read_head()
        deliver(wire, data)
        if stay:
            wire.read_to_end()

    with ScriptedPeer([script]) as peer:
        connection = connection_class(*peer.address)
        connection.request(method, "/")
        try:
            yield connection
        finally:
            connection.close()


class Stand:
    """What is known of a stand-in for a socket: it makes files, takes bytes and is closed."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.sent = b""
        self.closed = False

    def makefile(self, mode: str, *arguments: object) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self.data))

    def sendall(self, data: bytes) -> None:
        self.sent += data

    def close(self) -> None:
        self.closed = True


def parsed(data: bytes, method: str = "GET") -> httplib.HTTPResponse:
    """Return the response that *data* is, read from a stand-in."""
    response = httplib.HTTPResponse(Stand(data), method=method)
    response.begin()
    return response
