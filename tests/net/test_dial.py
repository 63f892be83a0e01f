"""Opening a socket and its options."""

from __future__ import annotations

import errno
import logging
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from coda_network._net.dial import SocketKeepalive, apply_keepalive, open_socket

FULL = SocketKeepalive(idle=30, interval=7, count=4)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def tcp() -> Iterator[socket.socket]:
    with socket.socket() as sock:
        yield sock


class Recorder:
    """Notes the options that are set on it; refuses those that it is told to."""

    def __init__(self, refused: tuple[int, ...] = (), error: int = errno.ENOPROTOOPT) -> None:
        self.set: list[tuple[int, int]] = []
        self.controls: list[object] = []
        self.closed = False
        self._refused = refused
        self._error = error

    def setsockopt(self, level: int, option: int, value: int) -> None:
        if option in self._refused:
            raise OSError(self._error, "refused")
        self.set.append((option, value))

    def ioctl(self, control: int, value: object) -> None:
        self.controls.append((control, value))

    def close(self) -> None:
        self.closed = True


class Bare:
    """What CPython's tests take for a socket."""

    def __init__(self) -> None:
        self.closed = False

    def sendall(self, data: bytes) -> None:
        raise AssertionError("nothing is to be sent")

    def close(self) -> None:
        self.closed = True


# SocketKeepalive


@pytest.mark.parametrize("name", ["idle", "interval", "count"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "1", True, b"", 32768])
def test_a_value_that_is_not_a_positive_whole_number_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        SocketKeepalive(**{name: value})


@pytest.mark.parametrize(("name", "most"), [("idle", 32767), ("interval", 32767), ("count", 127)])
def test_the_system_accepts_the_greatest_values(tcp: socket.socket, name: str, most: int) -> None:
    apply_keepalive(tcp, SocketKeepalive(**{name: most}))
    option = {"idle": "TCP_KEEPIDLE", "interval": "TCP_KEEPINTVL", "count": "TCP_KEEPCNT"}[name]
    if hasattr(socket, option):
        assert tcp.getsockopt(socket.IPPROTO_TCP, getattr(socket, option)) == most
    with pytest.raises(ValueError, match=name):
        SocketKeepalive(**{name: most + 1})


def test_equal_settings_are_interchangeable() -> None:
    same = SocketKeepalive(30, 7, 4)
    assert same == FULL
    assert hash(same) == hash(FULL)
    assert repr(FULL) == "SocketKeepalive(idle=30, interval=7, count=4)"
    with pytest.raises(AttributeError):
        same.idle = 5


# apply_keepalive


def test_false_leaves_the_socket_alone(tcp: socket.socket) -> None:
    apply_keepalive(tcp, False)
    assert not tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_a_log_that_raises_costs_no_socket(listener: socket.socket, caplog: pytest.LogCaptureFixture) -> None:
    opened = []

    def connect(*arguments: Any) -> socket.socket:
        opened.append(socket.create_connection(*arguments))
        return opened[0]

    def broken(record: object) -> bool:
        raise RuntimeError("a filter of the program's")

    caplog.set_level(logging.DEBUG, "coda_network")
    caplog.handler.addFilter(broken)
    try:
        with pytest.raises(RuntimeError, match="filter"):
            open_socket(listener.getsockname(), 5, create_connection=connect)
    finally:
        caplog.handler.removeFilter(broken)
    assert opened[0].fileno() == -1


def test_true_keeps_the_default_times_of_the_system(tcp: socket.socket) -> None:
    apply_keepalive(tcp, True)
    assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    recorder = Recorder()
    apply_keepalive(recorder, True)
    assert recorder.set == [(socket.SO_KEEPALIVE, 1)]


def test_all_times_are_set_on_the_socket(tcp: socket.socket) -> None:
    apply_keepalive(tcp, FULL)
    assert tcp.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 7), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            assert tcp.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) == value


LINUX = {"TCP_KEEPIDLE": 4, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 6}
MACOS = {"TCP_KEEPALIVE": 16, "TCP_KEEPINTVL": 257, "TCP_KEEPCNT": 258}
OLD_WINDOWS = {"SIO_KEEPALIVE_VALS": 2550136836}


@pytest.mark.parametrize(
    ("system", "setting", "options", "controls"),
    [
        (LINUX, FULL, [(4, 30), (5, 7), (6, 4)], []),
        (LINUX, SocketKeepalive(interval=7), [(5, 7)], []),
        (MACOS, FULL, [(16, 30), (257, 7), (258, 4)], []),
        (OLD_WINDOWS, FULL, [], [(2550136836, (1, 30000, 7000))]),
        (OLD_WINDOWS, SocketKeepalive(idle=30), [], [(2550136836, (1, 30000, 1000))]),
        (OLD_WINDOWS, SocketKeepalive(interval=7), [], [(2550136836, (1, 7200000, 7000))]),
        (OLD_WINDOWS, SocketKeepalive(count=4), [], []),
        ({**LINUX, **OLD_WINDOWS}, FULL, [(4, 30), (5, 7), (6, 4)], []),
        ({}, FULL, [], []),
    ],
)
def test_on_each_system_the_options_that_it_has_are_set(
    monkeypatch: pytest.MonkeyPatch,
    system: dict[str, int],
    setting: SocketKeepalive,
    options: list[tuple[int, int]],
    controls: list[object],
) -> None:
    for name in (*LINUX, *MACOS, *OLD_WINDOWS):
        monkeypatch.delattr(socket, name, raising=False)
    for name, number in system.items():
        monkeypatch.setattr(socket, name, number, raising=False)
    recorder = Recorder()
    apply_keepalive(recorder, setting)
    assert recorder.set == [(socket.SO_KEEPALIVE, 1), *options]
    assert recorder.controls == controls


def test_an_option_that_is_refused_does_not_prevent_the_others() -> None:
    recorder = Recorder(refused=(getattr(socket, "TCP_KEEPINTVL", -1), socket.SO_KEEPALIVE))
    apply_keepalive(recorder, FULL)
    assert [value for _, value in recorder.set] == [30, 4]


def test_windows_may_refuse_its_older_interface(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in LINUX | MACOS:
        monkeypatch.delattr(socket, name, raising=False)
    monkeypatch.setattr(socket, "SIO_KEEPALIVE_VALS", 1, raising=False)

    class Refusing(Recorder):
        def ioctl(self, control: int, value: object) -> None:
            raise OSError(errno.EINVAL, "refused")

    recorder = Refusing()
    apply_keepalive(recorder, FULL)
    assert recorder.set == [(socket.SO_KEEPALIVE, 1)]


def test_sockets_of_other_kinds_are_left_as_they_are() -> None:
    left, right = socket.socketpair()
    with left, right:
        apply_keepalive(left, FULL)
    apply_keepalive(Bare(), FULL)


# open_socket


def test_the_socket_sends_at_once_and_has_the_timeout(listener: socket.socket) -> None:
    with open_socket(listener.getsockname(), 3.5) as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.gettimeout() == 3.5


def test_keepalive_is_set_on_the_new_socket(listener: socket.socket) -> None:
    with open_socket(listener.getsockname(), None, socket_keepalive=FULL) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert sock.gettimeout() is None


def test_it_connects_from_the_source_address(listener: socket.socket) -> None:
    with open_socket(listener.getsockname(), 5, ("127.0.0.2", 0)) as sock:
        assert sock.getsockname()[0] == "127.0.0.2"


def test_socket_create_connection_is_looked_up_at_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    recorder = Recorder()

    def replaced(*arguments: object) -> Recorder:
        calls.append(arguments)
        return recorder

    monkeypatch.setattr(socket, "create_connection", replaced)
    assert open_socket(("example", 80), 2.0, None) is recorder
    assert calls == [(("example", 80), 2.0, None)]


def test_options_are_set_on_the_socket_of_the_callers_own_function() -> None:
    calls: list[object] = []
    recorder = Recorder()

    def connect(*arguments: object) -> Recorder:
        calls.append(arguments)
        return recorder

    source = ("127.0.0.1", 0)
    sock = open_socket(
        ("example", 80),
        None,
        source,
        socket_keepalive=True,
        create_connection=connect,
    )
    assert sock is recorder
    assert calls == [(("example", 80), None, source)]
    assert recorder.set == [(socket.TCP_NODELAY, 1), (socket.SO_KEEPALIVE, 1)]


def test_a_unix_socket_is_accepted_in_place_of_a_tcp_socket() -> None:
    left, right = socket.socketpair()
    with left, right:
        returned = open_socket(("x", 1), 5, socket_keepalive=FULL, create_connection=lambda *_: left)
        assert returned is left


def test_an_object_without_options_is_accepted() -> None:
    bare = Bare()
    returned = open_socket(
        ("x", 1),
        5,
        socket_keepalive=FULL,
        create_connection=lambda *_: bare,
    )
    assert returned is bare
    assert not bare.closed


@pytest.mark.parametrize("error", [errno.ENOPROTOOPT, errno.EOPNOTSUPP])
def test_a_socket_without_the_option_is_accepted(error: int) -> None:
    recorder = Recorder(refused=(socket.TCP_NODELAY,), error=error)
    open_socket(("x", 1), 5, create_connection=lambda *_: recorder)
    assert not recorder.closed


def test_a_socket_whose_options_cannot_be_set_is_closed() -> None:
    recorder = Recorder(refused=(socket.TCP_NODELAY,), error=errno.EBADF)
    with pytest.raises(OSError, match="refused") as raised:
        open_socket(("x", 1), 5, create_connection=lambda *_: recorder)
        # a stand-in
    assert raised.value.errno == errno.EBADF
    assert recorder.closed


def test_a_refused_connection_is_an_oserror() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as gone:
        address = gone.getsockname()
    with pytest.raises(ConnectionRefusedError):
        open_socket(address, 5)
