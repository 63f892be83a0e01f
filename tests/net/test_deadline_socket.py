"""Sockets with a deadline: no call waits longer than the time that is left."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable

import pytest
from support.certs import Authority
from support.peer import ScriptedPeer, Wire

from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import connect_within, lift_deadline, put_under, tls_within


def drip(wire: Wire) -> None:
    """Send a byte now and then, until the client goes."""
    while True:
        wire.send_slowly(b"." * 20, pause=0.01)


def read_forever(sock: socket.socket) -> None:
    while sock.recv(1):
        pass


def read_forever_into(sock: socket.socket) -> None:
    buffer = bytearray(10)
    while sock.recv_into(buffer):
        pass


def read_a_file_forever(sock: socket.socket) -> None:
    with sock.makefile("rb") as file:
        file.read()


def send_forever(sock: socket.socket) -> None:
    while True:
        sock.send(bytes(65536))


def send_all_forever(sock: socket.socket) -> None:
    while True:
        sock.sendall(bytes(1 << 20))


READERS = [read_forever, read_forever_into, read_a_file_forever]


@pytest.mark.parametrize("read", READERS)
def test_a_peer_that_sends_slowly_is_not_waited_for_beyond_the_deadline(read: Callable[[socket.socket], None]) -> None:
    with ScriptedPeer(drip) as peer, connect_within(Deadline(0.3), peer.address) as sock:
        with pytest.raises(TimeoutError):
            read(sock)


@pytest.mark.parametrize("send", [send_forever, send_all_forever])
def test_a_peer_that_does_not_read_is_not_waited_for_beyond_the_deadline(send: Callable[[socket.socket], None]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with connect_within(Deadline(0.3), listener.getsockname()) as sock, listener.accept()[0]:
            with pytest.raises(TimeoutError):
                send(sock)


@pytest.mark.parametrize("read", READERS)
def test_the_deadline_holds_inside_tls(
    ca: Authority, client_context: ssl.SSLContext, read: Callable[[socket.socket], None]
) -> None:
    deadline = Deadline(0.5)
    with ScriptedPeer(drip, tls=ca.server_context()) as peer:
        with tls_within(deadline, client_context, connect_within(deadline, peer.address), "localhost") as sock:
            assert sock.version() is not None
            with pytest.raises(TimeoutError):
                read(sock)


def test_a_handshake_without_a_reply_ends_at_the_deadline_and_closes_the_socket(client_context: ssl.SSLContext) -> None:
    deadline = Deadline(0.2)
    with ScriptedPeer(Wire.read_to_end) as peer:
        sock = connect_within(deadline, peer.address)
        with pytest.raises(TimeoutError):
            tls_within(deadline, client_context, sock, "localhost")
        assert sock.fileno() == -1


def test_no_socket_is_opened_after_the_deadline() -> None:
    with ScriptedPeer([]) as peer, pytest.raises(TimeoutError):
        connect_within(Deadline(0), peer.address)


def test_a_socket_without_its_deadline_has_the_given_timeout(client_context: ssl.SSLContext, ca: Authority) -> None:
    def script(wire: Wire) -> None:
        assert wire.read_exactly(2) == b"go"
        wire.send(b"on")

    deadline = Deadline(5)
    with ScriptedPeer(script, tls=ca.server_context()) as peer:
        with tls_within(deadline, client_context, connect_within(deadline, peer.address), "localhost") as sock:
            with lift_deadline(sock, 7) as lifted:
                lifted.sendall(b"go")
                assert (lifted.recv(2), lifted.gettimeout()) == (b"on", 7)
                assert type(lifted) is client_context.sslsocket_class


def test_a_plain_socket_without_its_deadline_is_a_plain_one() -> None:
    with ScriptedPeer(lambda wire: wire.send(b"on")) as peer:
        sock = connect_within(Deadline(5), peer.address)
        with lift_deadline(sock, 7) as lifted:
            assert (type(lifted), lifted.gettimeout(), sock.fileno()) == (socket.socket, 7, -1)
            assert lifted.recv(2) == b"on"


def test_a_file_that_is_open_goes_on_reading_when_the_deadline_is_lifted() -> None:
    with ScriptedPeer(lambda wire: wire.send(b"on")) as peer, connect_within(Deadline(5), peer.address) as sock:
        with sock.makefile("rb") as file:
            assert lift_deadline(sock, 7) is sock
            assert file.read(2) == b"on"


def test_the_next_address_is_tried_when_one_does_not_accept(monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.ExitStack() as stack:
        closed = stack.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        peer = stack.enter_context(ScriptedPeer(Wire.read_to_end))
        places = [closed.getsockname(), peer.address]
        found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", place) for place in places]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args: found)
        connect_within(Deadline(5), ("several.example", 1)).close()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args: found[:1])
        with pytest.raises(ConnectionRefusedError):
            connect_within(Deadline(5), ("several.example", 1))
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args: [])
        with pytest.raises(OSError, match=r"no address found for several\.example"):
            connect_within(Deadline(5), ("several.example", 1))


def test_it_connects_from_the_source_address() -> None:
    with ScriptedPeer(Wire.read_to_end) as peer:
        with connect_within(Deadline(5), peer.address, source_address=("127.0.0.2", 0)) as sock:
            assert sock.getsockname()[0] == "127.0.0.2"


def test_a_socket_that_comes_too_late_is_closed() -> None:
    one, other = socket.socketpair()
    with other, pytest.raises(TimeoutError):
        put_under(Deadline(0), one)
    assert one.fileno() == -1
