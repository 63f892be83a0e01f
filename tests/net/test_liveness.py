"""Whether the peer has dropped an idle connection."""

from __future__ import annotations

import os
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.certs import Authority

from coda_network._net import liveness
from coda_network._net.liveness import Liveness, is_dropped


@pytest.fixture(params=["poll", "select"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Ask by poll() where the system has it, and as on Windows by select()."""
    if request.param == "select":
        monkeypatch.delattr(select, "poll", raising=False)
    return request.param


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


Pair = tuple[socket.socket, socket.socket]


@pytest.mark.usefixtures("way")
class TestAPlainSocket:
    @pytest.mark.parametrize("timeout", [None, 0, 30.0])
    def test_is_alive_while_nothing_is_said(self, pair: Pair, timeout: float | None) -> None:
        pair[0].settimeout(timeout)
        asked = Liveness(pair[0])
        assert not asked.dropped()
        assert not asked.dropped()
        assert pair[0].gettimeout() == timeout

    def test_is_dropped_when_the_peer_has_closed(self, pair: Pair) -> None:
        asked = Liveness(pair[0])
        assert not asked.dropped()
        pair[1].close()
        assert asked.dropped()
        assert is_dropped(pair[0])

    def test_is_dropped_when_the_peer_has_ended_its_side(self, pair: Pair) -> None:
        pair[1].shutdown(socket.SHUT_WR)
        assert is_dropped(pair[0])

    def test_is_dropped_when_bytes_came_unasked_which_are_not_read(self, pair: Pair) -> None:
        pair[1].sendall(b"HTTP/1.1 408 Request Timeout\r\n")
        assert is_dropped(pair[0])
        assert pair[0].recv(100) == b"HTTP/1.1 408 Request Timeout\r\n"
        assert not is_dropped(pair[0])

    def test_is_dropped_when_it_was_reset(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with socket.create_connection(listener.getsockname(), 10) as sock:
                peer = listener.accept()[0]
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                asked = Liveness(sock)
                peer.close()
                select.select([sock], [], [], 10)
                assert asked.dropped()

    def test_is_dropped_when_it_is_closed_here(self, pair: Pair) -> None:
        asked = Liveness(pair[0])
        pair[0].close()
        assert asked.dropped()
        assert is_dropped(pair[0])

    def test_is_dropped_even_when_another_file_has_its_descriptor(self, pair: Pair) -> None:
        asked = Liveness(pair[0])
        number = pair[0].fileno()
        left, right = socket.socketpair()
        with left, right:
            pair[0].close()
            os.dup2(left.fileno(), number)
            try:
                assert asked.dropped()
            finally:
                os.close(number)


class WithoutFile:
    def sendall(self, data: bytes) -> None:
        raise AssertionError("nothing is to be sent")


class WithStrangeFile:
    def fileno(self) -> str:
        return "7"


@pytest.mark.parametrize("stand_in", [WithoutFile(), WithStrangeFile()])
def test_an_object_without_a_descriptor_counts_as_dropped(stand_in: object) -> None:
    assert is_dropped(stand_in)


def test_select_is_looked_up_at_the_call(monkeypatch: pytest.MonkeyPatch, pair: Pair) -> None:
    asked: list[object] = []

    def replaced(reading: list[int], *_: object) -> tuple[list[int], list[int], list[int]]:
        asked.append(reading)
        return [], [], []

    monkeypatch.delattr(select, "poll", raising=False)
    monkeypatch.setattr(select, "select", replaced)
    assert not is_dropped(pair[0])
    assert asked == [[pair[0].fileno()]]


@contextmanager
def duplicate_from(sock: socket.socket, lowest: int) -> Iterator[socket.socket]:
    """The same socket under a descriptor of at least ``lowest``, where the system allows so many."""
    resource = pytest.importorskip("resource")
    fcntl = pytest.importorskip("fcntl")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, lowest + 8), hard))
    try:
        with socket.socket(fileno=fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, lowest)) as high:
            yield high
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_poll_accepts_descriptors_that_select_does_not(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    with duplicate_from(pair[0], 1500) as high:
        assert high.fileno() >= 1500
        assert not is_dropped(high)
        monkeypatch.delattr(select, "poll")
        # Not known to be alive.
        assert is_dropped(high)


# TLS

Talk = tuple[ssl.SSLSocket, ssl.SSLSocket]


def tls_pair(ca: Authority, version: ssl.TLSVersion) -> Talk:
    """A client's and a server's end. The server's tickets of TLS 1.3 wait in the client's socket."""
    server_context = ca.server_context()
    server_context.minimum_version = server_context.maximum_version = version
    left, right = socket.socketpair()
    ends: list[ssl.SSLSocket] = []
    server = threading.Thread(
        target=lambda: ends.append(server_context.wrap_socket(right, server_side=True)),
    )
    server.start()
    left.settimeout(10)
    client = ca.client_context().wrap_socket(left, server_hostname="localhost")
    server.join(10)
    return client, ends[0]


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def talk(request: pytest.FixtureRequest, ca: Authority) -> Iterator[Talk]:
    client, server = tls_pair(ca, request.param)
    with client, server:
        yield client, server


@pytest.mark.usefixtures("way")
class TestATLSSocket:
    def test_is_alive_when_only_session_tickets_came(self, ca: Authority) -> None:
        client, server = tls_pair(ca, ssl.TLSVersion.TLSv1_3)
        with client, server:
            # The tickets are there to be read.
            assert select.select([client], [], [], 10)[0]
            asked = Liveness(client)
            assert not asked.dropped()
            assert not select.select([client], [], [], 0)[0]
            assert not asked.dropped()
            assert client.gettimeout() == 10
            server.sendall(b"still good")
            assert client.recv(100) == b"still good"

    def test_is_alive_while_nothing_is_said(self, talk: Talk) -> None:
        asked = Liveness(talk[0])
        assert not asked.dropped()
        assert not asked.dropped()
        talk[0].sendall(b"request")
        assert talk[1].recv(100) == b"request"

    def test_is_dropped_when_data_came_unasked(self, talk: Talk) -> None:
        asked = Liveness(talk[0])
        talk[1].sendall(b"unasked")
        assert asked.dropped()

    def test_is_dropped_when_data_was_left_over(self, talk: Talk) -> None:
        talk[1].sendall(b"unread and more")
        assert talk[0].recv(6) == b"unread"
        assert is_dropped(talk[0])
        assert talk[0].recv(100) == b" and more"

    def test_is_dropped_when_the_peer_has_closed(self, talk: Talk) -> None:
        asked = Liveness(talk[0])
        talk[1].close()
        assert asked.dropped()

    def test_is_dropped_when_the_peer_has_ended_tls(self, talk: Talk) -> None:
        asked = Liveness(talk[0])
        talk[1].settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            talk[1].unwrap()
        assert asked.dropped()

    def test_is_dropped_when_what_came_is_not_tls(self, talk: Talk) -> None:
        asked = Liveness(talk[0])
        os.write(talk[1].fileno(), b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        assert asked.dropped()


def test_a_check_is_one_poll_that_does_not_wait(monkeypatch: pytest.MonkeyPatch, pair: Pair) -> None:
    waits: list[int] = []

    class Counting:
        def register(self, fd: int, events: int) -> None:
            assert fd == pair[0].fileno()

        def poll(self, timeout: int) -> list[tuple[int, int]]:
            waits.append(timeout)
            return []

    monkeypatch.setattr(liveness.select, "poll", Counting, raising=False)
    asked = Liveness(pair[0])
    assert not asked.dropped()
    assert not asked.dropped()
    assert waits == [0, 0]
