"""Racing the addresses of a host: who wins, how long it takes, and what is left behind."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire
from support.servers import free_port

from coda_network import create_connection, httplib, patched, urllib2
from coda_network._net import happy_eyeballs
from coda_network._net.deadline import Deadline
from coda_network._net.happy_eyeballs import DELAY, in_turns, race

HOST = "several.example"


@pytest.fixture
def resolves_to(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets HOST have the given addresses, whatever its port."""
    real = socket.getaddrinfo

    def use(*addresses: tuple[str, int]) -> None:
        def look_up(host: Any, port: Any, family: int = 0, kind: int = 0, *rest: Any) -> Any:
            if host != HOST:
                return real(host, port, family, kind, *rest)
            infos = [real(*address, 0, socket.SOCK_STREAM)[0] for address in addresses]
            return [info for info in infos if family in (0, info[0])]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return use


def info(family: int, name: str) -> tuple[Any, ...]:
    return family, 0, 0, "", name


def test_the_families_come_in_turns_and_the_systems_first_one_first() -> None:
    six, four = socket.AF_INET6, socket.AF_INET
    infos = [info(six, "a"), info(six, "b"), info(six, "c"), info(four, "x"), info(four, "y")]
    assert "".join(each[4] for each in in_turns(infos)) == "axbyc"
    assert "".join(each[4] for each in in_turns(infos[::-1])) == "ycxba"


def test_an_address_that_never_accepts_costs_a_quarter_of_a_second(
    black_hole: tuple[str, int], resolves_to: Callable[..., None]
) -> None:
    with ScriptedPeer(Wire.read_to_end) as peer:
        resolves_to(black_hole, peer.address)
        begin = time.monotonic()
        with create_connection((HOST, 1), 10, proxy=False) as sock:
            taken = time.monotonic() - begin
            assert sock.getpeername() == peer.address
    assert taken > DELAY * 0.9


def test_an_address_that_refuses_costs_no_time(
    resolves_to: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(happy_eyeballs, "DELAY", 60.0)
    with ScriptedPeer(Wire.read_to_end) as peer:
        resolves_to(("::1", free_port()), ("127.0.0.1", free_port()), peer.address)
        create_connection((HOST, 1), 10, proxy=False).close()


def test_the_first_that_accepts_wins_and_the_others_are_closed(black_hole: tuple[str, int]) -> None:
    made = []

    def new_socket(*arguments: Any) -> socket.socket:
        made.append(socket.socket(*arguments))
        return made[-1]

    with ScriptedPeer(Wire.read_to_end) as peer:
        addresses = [socket.getaddrinfo(*address, 0, socket.SOCK_STREAM)[0] for address in (black_hole, peer.address)]
        with race(addresses, new_socket, Deadline(10), None) as sock:
            assert [each.fileno() == -1 for each in made] == [True, False]
            assert sock is made[1]


@pytest.mark.parametrize("count", [1, 2])
def test_the_time_is_for_all_addresses_together(
    black_hole: tuple[str, int], resolves_to: Callable[..., None], count: int
) -> None:
    resolves_to(*[black_hole] * count)
    begin = time.monotonic()
    with pytest.raises(TimeoutError):
        create_connection((HOST, 1), 0.5, proxy=False)
    assert 0.4 < time.monotonic() - begin < 10


def test_where_nobody_accepts_the_error_is_the_last_ones(resolves_to: Callable[..., None]) -> None:
    resolves_to(("127.0.0.1", free_port()), ("127.0.0.1", free_port()))
    with pytest.raises(ConnectionRefusedError):
        create_connection((HOST, 1), 10, proxy=False)


def test_the_source_address_is_that_of_each_attempt(resolves_to: Callable[..., None]) -> None:
    with ScriptedPeer(Wire.read_to_end) as peer:
        resolves_to(("127.0.0.1", free_port()), peer.address)
        with create_connection((HOST, 1), 10, ("127.0.0.3", 0), proxy=False) as sock:
            assert sock.getsockname()[0] == "127.0.0.3"


def respond(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")


def by_opener() -> None:
    opener: Any = urllib2.build_opener(urllib2.ProxyHandler({}))
    with contextlib.closing(opener), opener.open(f"http://{HOST}/", timeout=10) as response:
        assert response.read() == b"hello"


def by_patched_urllib(**settings: Any) -> None:
    import urllib.request

    with patched(**settings):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with contextlib.closing(opener), opener.open(f"http://{HOST}/", timeout=1) as response:
            assert response.read() == b"hello"


def test_openers_race_and_the_patch_only_where_it_is_asked_to(
    black_hole: tuple[str, int], resolves_to: Callable[..., None]
) -> None:
    with ScriptedPeer(respond) as peer:
        resolves_to(black_hole, peer.address)
        by_opener()
        by_patched_urllib(happy_eyeballs=True)
        begin = time.monotonic()
        by_patched_urllib()  # the second address, when the time for the first one is up
        assert time.monotonic() - begin > 0.9
    assert not happy_eyeballs.is_switched_on()


def test_a_create_connection_of_the_program_is_left_to_connect(
    monkeypatch: pytest.MonkeyPatch, resolves_to: Callable[..., None]
) -> None:
    called = []

    def connect(address: Any, *arguments: Any) -> socket.socket:
        called.append(address)
        sock = socket.socket()
        sock.connect(peer.address)
        return sock

    with ScriptedPeer(respond) as peer:
        monkeypatch.setattr(socket, "create_connection", connect)
        by_opener()
        httplib.HTTPConnection(HOST).close()
    assert called == [(HOST, 80)]
