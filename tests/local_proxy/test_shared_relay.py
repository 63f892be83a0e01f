"""Many relays in one thread: none waits for another, and what becomes of one is its own affair."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from coda_network._local_proxy.shared_relay import SharedRelay
from coda_network._net.relay import Relayed

SIZE = 8 << 20


class Tunnels:
    """Pairs of connected ends with one relay between all of them."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self.shared = SharedRelay()
        self._pool = stack.enter_context(ThreadPoolExecutor(64))
        stack.callback(self.shared.close)
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

    def pair(self) -> tuple[socket.socket, socket.socket]:
        one = self._stack.enter_context(socket.create_connection(self._listener.getsockname(), 10))
        other = self._stack.enter_context(self._listener.accept()[0])
        other.settimeout(10)
        return one, other

    def open(self, idle_sec: float | None = 10) -> tuple[socket.socket, socket.socket, Future[Relayed]]:
        (left, a), (b, right) = self.pair(), self.pair()
        return left, right, self._pool.submit(self.shared.relay, a, b, idle_sec)


@pytest.fixture
def tunnels() -> Iterator[Tunnels]:
    with ExitStack() as stack:
        yield Tunnels(stack)


def test_all_tunnels_are_one_thread(tunnels: Tunnels) -> None:
    opened = [tunnels.open() for _ in range(50)]
    for number, (left, right, _) in enumerate(opened):
        left.sendall(b"%03d" % number)
        assert right.recv(3) == b"%03d" % number
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("coda-network relay") == 1
    for left, right, _ in opened:
        left.close()
        right.close()
    assert {future.result(20) for _, _, future in opened} == {(3, 0)}


def test_a_reader_that_stops_holds_up_its_own_tunnel_only(tunnels: Tunnels) -> None:
    left, right, slow = tunnels.open()
    sender = threading.Thread(target=left.sendall, args=(bytes(SIZE),))
    sender.start()
    other, there, _ = tunnels.open()
    for _ in range(100):
        other.sendall(b"question")
        assert there.recv(8) == b"question"
    received = 0
    while received < SIZE:
        received += len(right.recv(65536))
    sender.join(20)
    left.close()
    right.close()
    assert slow.result(20) == (SIZE, 0)


def test_a_silent_tunnel_ends_and_the_others_go_on(tunnels: Tunnels) -> None:
    left, right, alive = tunnels.open(idle_sec=60)
    _, _, silent = tunnels.open(idle_sec=0.05)
    with pytest.raises(TimeoutError, match=r"nothing to relay for 0\.05 s"):
        silent.result(20)
    left.sendall(b"still there")
    assert right.recv(11) == b"still there"
    assert not alive.done()


def test_a_socket_that_somebody_closes_ends_its_tunnel_only(tunnels: Tunnels) -> None:
    left, right, alive = tunnels.open()
    (_, a), (b, _) = tunnels.pair(), tunnels.pair()
    b.close()
    with pytest.raises((OSError, ValueError)):
        tunnels.shared.relay(a, b, 10)
    left.sendall(b"still there")
    assert right.recv(11) == b"still there"
    assert not alive.done()


def test_its_end_is_the_end_of_all_tunnels(tunnels: Tunnels) -> None:
    left, right, future = tunnels.open(idle_sec=None)
    left.sendall(b"abc")
    assert right.recv(3) == b"abc"
    tunnels.shared.close()
    assert future.result(20) == (3, 0)
    (_, a), (b, _) = tunnels.pair(), tunnels.pair()
    with pytest.raises(ConnectionAbortedError):
        tunnels.shared.relay(a, b, 10)
