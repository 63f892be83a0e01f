"""What a response comes to, by three readers."""

from __future__ import annotations

import http.client
import socket
from typing import Any, NamedTuple

import h11

from coda_network import httplib


class Piecewise(socket.socket):
    """A socket from which no more than some bytes come at once."""

    most = 1 << 20

    def recv(self, count: int, flags: int = 0) -> bytes:
        return super().recv(min(count, self.most), flags)

    def recv_into(self, buffer: Any, nbytes: int = 0, flags: int = 0) -> int:
        return super().recv_into(memoryview(buffer)[: self.most], 0, flags)


class Result(NamedTuple):
    """Status and body; or the kind of the error, with None for the body."""

    status: object
    body: bytes | None

    @property
    def is_error(self) -> bool:
        return self.body is None


def read_by(module: Any, data: bytes, most: int = 1 << 20) -> Result:
    """Return what a response comes to with the connection class of *module*."""
    near, far = socket.socketpair()
    with far, Piecewise(fileno=near.detach()) as sock:
        sock.most = most
        far.sendall(data)
        far.shutdown(socket.SHUT_WR)
        connection = module.HTTPConnection("site")
        connection.sock = sock
        try:
            connection.request("GET", "/")
            response = connection.getresponse()
            return Result(response.status, response.read())
        except (http.client.HTTPException, OSError, ValueError, OverflowError) as error:
            return Result(type(error).__name__, None)
        finally:
            connection.close()


def read_by_h11(data: bytes) -> Result:
    """Return what h11 makes of a response."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "site")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    connection.receive_data(b"")
    status, body = 0, b""
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, (h11.EndOfMessage, h11.ConnectionClosed)):
                return Result(status, body) if status else Result("ConnectionClosed", None)
            elif event in (h11.NEED_DATA, h11.PAUSED):
                return Result("NeedData", None)
    except h11.RemoteProtocolError as error:
        return Result(str(error)[:60], None)


def ours(data: bytes, most: int = 1 << 20) -> Result:
    return read_by(httplib, data, most)


def stdlib(data: bytes) -> Result:
    return read_by(http.client, data)
