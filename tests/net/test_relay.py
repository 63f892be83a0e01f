"""The relay: both directions at once, ends passed on, nothing lost."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from support.certs import Authority

from coda_network._local_proxy.shared_relay import SharedRelay
from coda_network._net.relay import Relayed
from coda_network._net.relay import relay as relay_alone

Ends = tuple[socket.socket, socket.socket]
Relay = Callable[[socket.socket, socket.socket, float | None], Relayed]


@pytest.fixture(params=["in its own thread", "in a shared one"])
def relay(request: pytest.FixtureRequest) -> Iterator[Relay]:
    if request.param == "in its own thread":
        yield relay_alone
        return
    shared = SharedRelay()
    yield shared.relay
    shared.close()


@contextmanager
def relayed(
    relay: Relay, idle_sec: float | None = 10
) -> Iterator[tuple[socket.socket, socket.socket, Callable[[], Relayed]]]:
    """Two ends with a relay between them in a thread, and what waits for its result."""
    with ExitStack() as stack:
        left_end, a = stack.enter_context(pair())
        b, right_end = stack.enter_context(pair())
        results: list[Relayed] = []
        thread = threading.Thread(target=lambda: results.append(relay(a, b, idle_sec)))
        thread.start()

        def result() -> Relayed:
            thread.join(20)
            return results[0]

        yield left_end, right_end, result
        left_end.close()
        right_end.close()
        thread.join(20)


@contextmanager
def pair() -> Iterator[Ends]:
    """Two connected TCP sockets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname(), 10) as one, listener.accept()[0] as other:
            other.settimeout(10)
            yield one, other


def read_to_end(sock: socket.socket) -> bytes:
    return b"".join(iter(lambda: sock.recv(65536), b""))


def test_bytes_are_passed_in_both_directions_and_counted(relay: Relay) -> None:
    with relayed(relay) as (left, right, result):
        left.sendall(b"question")
        assert right.recv(8) == b"question"
        right.sendall(b"a reply")
        assert left.recv(7) == b"a reply"
        left.close()
        right.close()
        assert result() == (8, 7)


def test_the_end_of_one_side_is_passed_on_and_the_other_may_still_send(relay: Relay) -> None:
    with relayed(relay) as (left, right, result):
        left.sendall(b"all of it")
        left.shutdown(socket.SHUT_WR)
        assert read_to_end(right) == b"all of it"
        right.sendall(b"late reply")
        right.shutdown(socket.SHUT_WR)
        assert read_to_end(left) == b"late reply"
        assert result() == Relayed(a_to_b=9, b_to_a=10)


def test_two_sides_that_send_before_they_read_do_not_block_each_other(relay: Relay) -> None:
    size = 8 << 20
    with relayed(relay) as (left, right, result):
        senders = [threading.Thread(target=sock.sendall, args=(bytes(size),)) for sock in (left, right)]
        for sender in senders:
            sender.start()
        # Each reads only once the other has had time to fill every buffer on the way.
        for sock in (left, right):
            received = 0
            while received < size:
                received += len(sock.recv(65536))
        for sender in senders:
            sender.join(20)
        left.close()
        right.close()
        assert result() == (size, size)


def test_silence_longer_than_idle_sec_ends_the_relay(relay: Relay) -> None:
    with pair() as (left, a), pair() as (b, _right):
        a.settimeout(3)
        left.sendall(b"x")
        with pytest.raises(TimeoutError, match=r"nothing to relay for 0\.05 s"):
            relay(a, b, 0.05)
        assert (a.gettimeout(), b.gettimeout()) == (3, 10), "the sockets have their own timeouts again"


def test_a_reset_ends_the_relay(relay: Relay) -> None:
    with relayed(relay) as (left, right, result):
        left.sendall(b"abc")
        assert right.recv(3) == b"abc"
        left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        left.close()
        assert result() == (3, 0)


def test_tls_on_one_side_is_relayed_to_the_last_byte(
    relay: Relay, ca: Authority, client_context: ssl.SSLContext
) -> None:
    # More than the relay reads at once, so that decrypted bytes wait inside the TLS library.
    content = bytes(range(256)) * 1024
    with pair() as (client, server), pair() as (b, right):
        results: list[Relayed] = []

        def serve() -> None:
            with ca.server_context().wrap_socket(server, server_side=True) as tls:
                results.append(relay(tls, b, 10))

        thread = threading.Thread(target=serve)
        thread.start()
        with client_context.wrap_socket(client, server_hostname="localhost") as tls:
            sender = threading.Thread(target=tls.sendall, args=(content,))
            sender.start()
            received = b""
            while len(received) < len(content):
                received += right.recv(65536)
            sender.join(20)
            right.sendall(b"thanks")
            assert tls.recv(6) == b"thanks"
        thread.join(20)
        assert received == content
        assert results == [(len(content), 6)]
