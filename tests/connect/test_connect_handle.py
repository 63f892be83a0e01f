"""The names of 2010: handles, handlers, connections and chains, without a real proxy."""

from __future__ import annotations

import socket
from urllib.error import URLError

import pytest
from support.accounts import ALICE
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.relaying import CountingRelay

from coda_network import urllib2
from coda_network.connect import (
    HTTPSConnectConnection,
    build_connect_opener,
    create_connect_handle,
    do_connect_chain,
    socket_read_write,
)


def greet(wire: Wire) -> None:
    wire.send(b"hello")
    wire.read_to_end()


def test_a_handle_shows_the_response_of_the_proxy() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.0 201 Made\r\nX-Proxy: one\r\n\r\nhello")

    with ScriptedPeer(script) as proxy:
        handle = create_connect_handle("far.example:22", urllib2.ProxyHandler({"https": proxy.url}))
        with handle.connect_sock as sock:
            assert (handle.status, handle.reason, handle.headers["x-proxy"]) == (201, "Made", "one")
            assert (sock.recv(99), sock.gettimeout()) == (b"hello", None)
        assert proxy.heads[0].startswith(b"CONNECT far.example:22 HTTP/1.1\r\n")


def test_without_a_proxy_a_handle_is_a_direct_connection() -> None:
    with ScriptedPeer(greet) as peer:
        handle = create_connect_handle(f"https://{peer.netloc}")
        with handle.connect_sock as sock:
            assert (handle.status, sock.recv(99)) == (200, b"hello")
        assert peer.received == [b""], "nothing is sent"


def test_a_refusal_is_a_url_error_with_the_code(basic_proxy: Proxy) -> None:
    with pytest.raises(URLError, match="Tunnel connection failed: 407") as caught:
        create_connect_handle("far.example:22", urllib2.ProxyHandler({"https": basic_proxy.url}), timeout_sec=10)
    assert caught.value.code == 407
    caught.value.fp.close()


def test_the_login_may_come_from_the_environment(basic_proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", basic_proxy.url_with_login)
    with ScriptedPeer(greet) as peer, create_connect_handle(peer.netloc, timeout_sec=10).connect_sock as sock:
        assert sock.recv(99) == b"hello"
    assert [request.status for request in basic_proxy.requests] == [407, 200]


def test_the_time_is_for_all_of_it() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        while True:
            wire.send_slowly(b"HTTP/1.1 100 Continue\r\nX: ", pause=0.01)
            wire.send(b"\r\n\r\n")

    with ScriptedPeer(script) as proxy, pytest.raises(URLError, match="timed out"):
        create_connect_handle("far.example:22", urllib2.ProxyHandler({"https": proxy.url}), timeout_sec=0.3)


def test_another_scheme_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="https://host:port, http://host:port, or host:port"):
        create_connect_handle("ftp://far.example")


def test_an_opener_serves_several_times(proxy: Proxy) -> None:
    opener = build_connect_opener(urllib2.ProxyHandler({"https": proxy.url}))
    with ScriptedPeer(greet) as peer:
        for _ in range(2):
            with opener.open(f"https://{peer.netloc}").connect_sock as sock:
                assert sock.recv(99) == b"hello"
    assert proxy.connections == 2, "a socket that was handed over is nobody else's"


def test_a_connection_by_itself_hands_over_its_socket(proxy: Proxy) -> None:
    with ScriptedPeer(greet) as peer:
        connection = HTTPSConnectConnection(*proxy.address, timeout=10)
        connection.set_tunnel(*peer.address)
        connection.request("CONNECT", "ignored")
        response = connection.getresponse()
        connection.close()
        with response.connect_sock as sock:
            assert (response.status, sock.recv(99)) == (200, b"hello")


def test_a_connection_that_is_refused_returns_the_response(basic_proxy: Proxy) -> None:
    connection = HTTPSConnectConnection(*basic_proxy.address, timeout=10)
    connection.set_tunnel("far.example", 22)
    connection.request("CONNECT", "ignored")
    response = connection.getresponse()
    assert (response.status, response.tunnel, hasattr(response, "connect_sock")) == (407, True, False)
    assert response.read() == b"407 Proxy Authentication Required\n"
    connection.close()


def test_a_chain_asks_each_proxy_for_the_next(proxy: Proxy, basic_proxy: Proxy) -> None:
    with ScriptedPeer(greet) as peer:
        with do_connect_chain([proxy.url, basic_proxy.url_with_login], peer.address, timeout_sec=10) as sock:
            assert (sock.recv(99), sock.gettimeout()) == (b"hello", 10)
        assert [request.target for request in proxy.requests] == [basic_proxy.netloc]
        assert {request.target for request in basic_proxy.requests} == {peer.netloc}


def test_a_chain_without_proxies_is_a_direct_connection() -> None:
    with ScriptedPeer(greet) as peer, do_connect_chain([], peer.netloc, 10) as sock:
        assert sock.recv(99) == b"hello"


def test_a_proxy_that_closes_in_the_middle_of_a_chain_is_reached_again(proxy: Proxy) -> None:
    def refuse(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "407 No", 'Proxy-Authenticate: Basic realm="x"', "Connection: close")

    def accept(wire: Wire) -> None:
        assert b"\r\nProxy-Authorization: Basic " in wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nhello")

    with ScriptedPeer([refuse, accept]) as second:
        proxies = [proxy.url, f"http://{ALICE.userinfo}@{second.netloc}"]
        with do_connect_chain(proxies, "far.example:22", 10) as sock:
            assert sock.recv(99) == b"hello"
    assert proxy.connections == 2


@pytest.mark.parametrize(
    ("proxies", "target", "message"),
    [
        (["http://127.0.0.1:1", "gopher://127.0.0.1:2"], "far.example:22", "hop 2 of the chain: the scheme of a proxy"),
        ([], "far.example", "needs a port"),
        (["socks4://alice:secret@127.0.0.1"], "far.example:22", "no passwords"),
        (["socks4://127.0.0.1"], "[::1]:22", "no room for an IPv6 address"),
    ],
)
def test_a_chain_that_cannot_be_is_a_value_error(proxies: list[str], target: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        do_connect_chain(proxies, target)


def test_two_sockets_can_be_joined() -> None:
    with ScriptedPeer(greet) as peer, CountingRelay(peer.address) as counted:
        near, far = socket.socketpair()
        with near, far, create_connect_handle(counted.netloc).connect_sock as sock:
            near.sendall(b"and goodbye")
            near.shutdown(socket.SHUT_WR)
            assert socket_read_write(far, sock, idle_sec=10) == (11, 5)
            assert near.recv(99) == b"hello"
        assert peer.received == [b"and goodbye"]


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://far.example:8080/", "far.example:8080"),
        ("http://far.example/path?query", "far.example:80"),
        ("HTTP://far.example", "far.example:80"),
        ("http://user:password@far.example/", "far.example:80"),
        ("http://[::1]:22/", "[::1]:22"),
        ("https://far.example/", "far.example:443"),
        ("far.example:22", "far.example:22"),
    ],
)
def test_a_url_names_host_and_port(url: str, target: str) -> None:
    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(f"CONNECT {target} ".encode())
        wire.send(b"HTTP/1.1 200 OK\r\n\r\nhello")

    with ScriptedPeer([script]) as peer:
        response = create_connect_handle(url, urllib2.ProxyHandler({"https": peer.url}), timeout_sec=10)
        with response.connect_sock as sock:
            assert sock.recv(99) == b"hello"


def test_an_http_url_is_reached_without_a_proxy() -> None:
    with ScriptedPeer(greet) as peer:
        response = create_connect_handle(f"http://{peer.netloc}/", urllib2.ProxyHandler({}), timeout_sec=10)
        with response.connect_sock as sock:
            assert sock.recv(99) == b"hello"
