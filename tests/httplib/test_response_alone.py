"""A response that was made without a connection, as libraries above do it, is what http.client makes of it."""

from __future__ import annotations

import http.client
import io
from typing import Any

import pytest

from coda_network import httplib

_Theirs = http.client.HTTPResponse

RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: max=1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 200 OK\nContent-Length: 2\nX: a\n b\n\nhi",
]
ATTRIBUTES = ("status", "code", "reason", "version", "length", "chunked", "will_close")


class Wire(io.RawIOBase):
    """What comes from a socket, at most *step* bytes at a time."""

    def __init__(self, data: bytes, step: int) -> None:
        self.data = io.BytesIO(data)
        self.step = step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self.data.readinto(memoryview(buffer)[: self.step])

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(self)


@pytest.mark.parametrize("step", [1, 10, 65536])
@pytest.mark.parametrize("debuglevel", [0, 1])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("raw", RESPONSES)
def test_it_is_what_http_client_makes_of_it(raw: bytes, method: str, debuglevel: int, step: int) -> None:
    ours = httplib.HTTPResponse(Wire(raw, step), debuglevel, method)
    theirs = _Theirs(Wire(raw, step), debuglevel, method)
    for response in (ours, theirs):
        response.begin()
    expected = {name: getattr(theirs, name) for name in ATTRIBUTES}
    expected["chunked"] &= method != "HEAD"  # there is nothing in chunks
    assert {name: getattr(ours, name) for name in ATTRIBUTES} == expected
    assert ours.headers.items() == theirs.headers.items()
    assert ours.msg is ours.headers
    assert ours.read() == theirs.read()
    assert ours.isclosed() and theirs.isclosed()


@pytest.mark.parametrize("step", [1, 10, 65536])
@pytest.mark.parametrize("size", [0, 5, 15, 17, 30, 50])
def test_a_head_that_is_cut_is_an_error_or_what_http_client_makes_of_it(size: int, step: int) -> None:
    outcomes = []
    for response_class in (httplib.HTTPResponse, _Theirs):
        response = response_class(Wire(RESPONSES[0][:size], step), method="GET")
        try:
            response.begin()
            outcomes.append((response.status, response.length))
        except http.client.HTTPException as error:
            outcomes.append(type(error))
        response.close()
    assert outcomes[0] == outcomes[1]
