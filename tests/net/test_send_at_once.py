"""Sending without a wait: what fits goes out, and the rest is the caller's."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from support.local import RawClient, local_proxy
from support.peer import ScriptedPeer, Wire

from coda_network._net import send_at_once as module
from coda_network._net.send_at_once import send_at_once

LARGE = bytes(range(256)) * 65536  # no buffer takes it at once


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    a, b = socket.socketpair()
    with a, b:
        a.settimeout(10)
        b.settimeout(10)
        yield a, b


def test_what_does_not_fit_is_left_and_comes_in_order(pair: tuple[socket.socket, socket.socket]) -> None:
    a, b = pair
    sent = send_at_once(a, LARGE)
    assert 0 < sent < len(LARGE)
    assert send_at_once(a, LARGE[sent:]) == 0
    received = bytearray()
    while len(received) < sent:
        received += b.recv(65536)
    assert received == LARGE[:sent]
    assert send_at_once(a, b"more") == 4
    assert b.recv(10) == b"more"


def test_a_broken_connection_is_an_error(pair: tuple[socket.socket, socket.socket]) -> None:
    a, b = pair
    b.close()
    with pytest.raises(BrokenPipeError):
        send_at_once(a, b"x")
    a.close()
    with pytest.raises(OSError):
        send_at_once(a, b"x")


@pytest.mark.parametrize("has_descriptors", [True, False])
def test_a_client_of_the_local_proxy_gets_all_of_it(has_descriptors: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HAS_DESCRIPTORS", has_descriptors and module._HAS_DESCRIPTORS)

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(LARGE)

    with ScriptedPeer(script) as peer, local_proxy(peer.url) as proxy, RawClient(proxy) as client:
        for _ in range(2):
            assert client.get("http://site.example/")[::2] == (200, LARGE)
