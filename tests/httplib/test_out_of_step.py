"""Requests and responses that do not end where they said: the connection ends with them."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib

BODY = b"text"
SURPLUS = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"


def by_hand(connection: httplib.HTTPConnection, body: bytes) -> None:
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(len(BODY)))
    connection.endheaders()
    connection.send(body[:2])
    connection.send(io.BytesIO(body[2:]))


def announced(body: Any) -> Callable[[httplib.HTTPConnection], None]:
    return lambda connection: connection.request("POST", "/", body, {"Content-Length": str(len(BODY))})


SENDERS = {
    "bytes": lambda body: announced(body),
    "bytearray": lambda body: announced(bytearray(body)),
    "file": lambda body: announced(io.BytesIO(body)),
    "iterable": lambda body: announced([body[:3], body[3:]]),
    "by hand": lambda body: lambda connection: by_hand(connection, body),
}


def send_the_announced_length(wire: Wire) -> None:
    for head in wire.read_heads():
        if b"Content-Length: 4" in head:
            wire.read_exactly(len(BODY))
        wire.respond(head.split()[1])


@pytest.mark.parametrize("sender", SENDERS)
def test_a_surplus_behind_the_announced_body_never_becomes_a_request(sender: str) -> None:
    with ScriptedPeer(send_the_announced_length) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=5)
        SENDERS[sender](BODY + SURPLUS)(connection)
        assert connection.getresponse().read() == b"/"
        connection.request("GET", "/next")
        assert connection.getresponse().read() == b"/next"
        connection.close()
    assert peer.connections == 2


@pytest.mark.parametrize("sender", SENDERS)
def test_a_body_of_the_announced_length_keeps_the_connection(sender: str) -> None:
    with ScriptedPeer(send_the_announced_length) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=5)
        for _ in range(2):
            SENDERS[sender](BODY)(connection)
            assert connection.getresponse().read() == b"/"
        connection.close()
    assert peer.connections == 1


def test_a_response_before_the_announced_body_has_come_ends_the_connection() -> None:
    def script(wire: Wire) -> None:
        wire.respond(wire.read_head().split()[1])
        wire.read_to_end()

    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=5)
        connection.request("POST", "/", b"ab", {"Content-Length": "4"})
        assert connection.getresponse().read() == b"/"
        connection.request("GET", "/next")
        assert connection.getresponse().read() == b"/next"
        connection.close()
    assert peer.connections == 2


def test_bytes_that_come_late_behind_a_response_are_not_the_next_one() -> None:
    sent = threading.Event()

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"first")
        if wire.number == 1:
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            sent.set()
            wire.read_to_end()

    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=5)
        for _ in range(2):
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"first"
            assert sent.wait(5)
        connection.close()


def test_a_101_that_nobody_asked_for_is_the_last_response_of_its_connection() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        if wire.number == 1:
            wire.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")
            wire.read_to_end()
        else:
            wire.respond(b"fine")

    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=5)
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.read()) == (101, b"")
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"fine"
        connection.close()
