"""Timeout: what it takes, what it is to those who want a number, and the deadlines that it starts."""

from __future__ import annotations

import contextlib
import copy
import pickle
import socket
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.error import URLError

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import Timeout, connect, create_connection, do_download, httplib, patched, proxies, urllib2
from coda_network._net.timeout import for_opening
from coda_network.utilities import Retry


@pytest.mark.parametrize(
    ("values", "error", "words"),
    [
        ({"connect": -1}, ValueError, "connect .* not -1"),
        ({"read": 0}, ValueError, "read .* not 0"),
        ({"total": float("nan")}, ValueError, "total .* not nan"),
        ({"total": float("inf")}, ValueError, "total .* None for no limit, not inf"),
        ({"connect": "5"}, TypeError, "connect .* not str"),
        ({"read": True}, TypeError, "read .* not bool"),
        ({"total": [1]}, TypeError, "total .* not list"),
    ],
)
def test_what_is_no_number_of_seconds_is_named(values: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        Timeout(**values)


@pytest.mark.parametrize(
    ("values", "number"),
    [({"read": 2, "total": 9}, 2), ({"connect": 1, "total": 9}, 9), ({"connect": 1, "read": 3}, 3)],
)
def test_it_is_a_number_for_those_who_want_one(values: Any, number: float) -> None:
    assert Timeout(**values) == number
    assert Timeout(**values) + 1 == number + 1


def test_without_limits_a_socket_takes_it_too() -> None:
    with socket.socket() as sock:
        sock.settimeout(Timeout())


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_a_copy_has_all_three(again: Callable[[Timeout], Timeout]) -> None:
    timeout = Timeout(connect=1, read=2.5)
    assert repr(again(timeout)) == repr(timeout) == "Timeout(connect=1.0, read=2.5, total=None)"
    assert again(timeout) == timeout != Timeout(connect=9, read=2.5)
    assert repr(again(timeout.start())) == repr(timeout) or again is not copy.copy


def test_it_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="total"):
        Timeout(total=1).total = 5


def test_the_shorter_one_of_connect_and_total_is_for_connecting() -> None:
    assert Timeout(connect=1, total=5).start().connecting().seconds == 1
    assert Timeout(connect=5, total=1).start().connecting().seconds == 1
    assert Timeout(read=1).start().connecting().remaining() is None


def test_a_call_waits_for_no_more_than_read_nor_beyond_total() -> None:
    assert Timeout(read=1, total=5).start().reading().timeout_for_socket() == 1
    assert 0.9 < (Timeout(read=5, total=1).start().reading().timeout_for_socket() or 0) <= 1
    assert Timeout(read=1).start().reading().timeout_for_socket() == 1
    assert Timeout(connect=1).start().reading().timeout_for_socket() is None


def test_total_ends_what_read_allows() -> None:
    reading = Timeout(read=1, total=0.01).start().reading()
    time.sleep(0.02)
    with pytest.raises(TimeoutError, match=r"after 0\.01 s"):
        reading.timeout_for_socket()


def test_a_socket_that_is_handed_over_has_the_limit_of_each_call() -> None:
    deadline, afterwards = for_opening(Timeout(connect=1, read=2, total=3))
    assert (deadline.seconds, afterwards) == (1, 2)
    assert connect.Timeout is Timeout
    with ScriptedPeer(Wire.read_to_end) as peer:
        with create_connection(peer.address, Timeout(connect=1, read=0.5, total=3), proxy="") as sock:
            assert sock.gettimeout() == 0.5
            assert type(sock) is socket.socket


def by_connection(timeout: Timeout) -> None:
    connection = httplib.HTTPConnection("slow.example", timeout=timeout)
    with contextlib.closing(connection):
        connection.request("GET", "/")


def by_opener(timeout: Timeout) -> None:
    opener: Any = urllib2.build_opener(urllib2.ProxyHandler({}))
    with contextlib.closing(opener):
        opener.open("https://slow.example/", timeout=timeout)


def by_proxy(timeout: Timeout) -> None:
    opener: Any = urllib2.build_opener(urllib2.ProxyHandler({"https": "http://slow.example:3128"}))
    with contextlib.closing(opener):
        opener.open("https://site.example/", timeout=timeout)


def by_chain(timeout: Timeout) -> None:
    create_connection(("site.example", 80), timeout, proxy=["socks5h://slow.example", "http://b.example"])


def by_patched_opener(timeout: Timeout) -> None:
    with patched():
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open("http://slow.example/", timeout=timeout)


LOOK_UPS = [
    by_connection,
    by_opener,
    by_proxy,
    by_chain,
    by_patched_opener,
    lambda timeout: create_connection(("slow.example", 80), timeout, proxy=""),
    lambda timeout: proxies.connect(proxies.find("https://slow.example/"), ("slow.example", 443), timeout),
    lambda timeout: connect.create_connect_handle("https://slow.example", timeout_sec=timeout),
    lambda timeout: do_download("http://slow.example/", timeout_sec=timeout, retry=Retry(attempts=1)),
]


@pytest.mark.parametrize("limit", ["connect", "total"])
@pytest.mark.parametrize("look_up", LOOK_UPS)
def test_a_name_that_is_not_found_in_time(
    look_up: Callable[[Timeout], Any], limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()

    def wait(*arguments: Any) -> Any:
        done.wait(5)
        raise OSError("nothing found")

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    begin = time.monotonic()
    try:
        with pytest.raises((TimeoutError, URLError), match=r"slow\.example"):
            look_up(Timeout(read=60, **{limit: 0.2}))
    finally:
        done.set()
    assert 0.2 <= time.monotonic() - begin < 15


def test_routes_are_connected_to_within_it() -> None:
    with ScriptedPeer(Wire.read_to_end) as peer:
        routes = proxies.find(f"https://{peer.netloc}/", choose=lambda url: [f"socks5h://{peer.netloc}", "DIRECT"])
        begin = time.monotonic()
        with pytest.raises(TimeoutError):
            proxies.connect(routes, peer.address, Timeout(connect=0.2, read=60))
        assert 0.2 <= time.monotonic() - begin < 15
        with proxies.connect(routes[1:], peer.address, Timeout(connect=5, read=0.5)) as sock:
            assert sock.gettimeout() == 0.5
