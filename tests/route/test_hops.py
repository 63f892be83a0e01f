"""Hops byte by byte: SOCKS, TLS to a proxy and within it, chains; and proxies that cut, stall or refuse."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest
from support.certs import Authority
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.servers import free_port

from coda_network import create_connection, urllib2
from coda_network._route.hops import connect_through
from coda_network.connect import start_tls

TARGET = ("far.example", 4711)
FAR = b"\x03\x0bfar.example\x12\x67"


def socks5_without_login(wire: Wire) -> None:
    assert wire.read_exactly(3) == b"\x05\x01\x00"
    wire.send(b"\x05\x00")


def test_socks5h_sends_the_name_and_loses_no_byte_behind_the_reply() -> None:
    def script(wire: Wire) -> None:
        socks5_without_login(wire)
        assert wire.read_exactly(3 + len(FAR)) == b"\x05\x01\x00" + FAR
        wire.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50" + b"220 hello")

    with ScriptedPeer(script) as peer:
        with create_connection(TARGET, 10, proxy=f"socks5h://{peer.netloc}") as sock:
            assert sock.recv(99) == b"220 hello"


@pytest.mark.parametrize("reply", [b"\x01\x7f\x00\x00\x01", b"\x03\x03abc", b"\x04" + bytes(16)])
def test_a_reply_of_any_kind_of_address_is_read_to_its_end(reply: bytes) -> None:
    def script(wire: Wire) -> None:
        socks5_without_login(wire)
        wire.read_exactly(3 + len(FAR))
        wire.send_slowly(b"\x05\x00\x00" + reply + b"\x00\x50" + b"next")

    with ScriptedPeer(script) as peer:
        with create_connection(TARGET, 10, proxy=f"socks5h://{peer.netloc}") as sock:
            with sock.makefile("rb") as file:
                assert file.read(4) == b"next"


def test_user_and_password_go_out_as_utf_8() -> None:
    def script(wire: Wire) -> None:
        assert wire.read_exactly(4) == b"\x05\x02\x00\x02"
        wire.send(b"\x05\x02")
        user, password = "jürgen".encode(), "p@ß".encode()
        expected = b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password
        assert wire.read_exactly(len(expected)) == expected
        wire.send(b"\x01\x00")
        wire.read_exactly(3 + len(FAR))
        wire.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")

    with ScriptedPeer(script) as peer:
        create_connection(TARGET, 10, proxy=f"socks5h://j%C3%BCrgen:p%40%C3%9F@{peer.netloc}").close()


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("socks4", "127.0.0.9", b"\x04\x01\x12\x67\x7f\x00\x00\x09alice\x00"),
        ("socks4", "localhost", b"\x04\x01\x12\x67\x7f\x00\x00\x01alice\x00"),
        ("socks4a", "far.example", b"\x04\x01\x12\x67\x00\x00\x00\x01alice\x00far.example\x00"),
    ],
)
def test_socks4_resolves_here_and_socks4a_there(scheme: str, host: str, expected: bytes) -> None:
    def script(wire: Wire) -> None:
        assert wire.read_exactly(len(expected)) == expected
        wire.send(b"\x00\x5a" + bytes(6) + b"hello")

    with ScriptedPeer(script) as peer:
        with create_connection((host, 4711), 10, proxy=f"{scheme}://alice@{peer.netloc}") as sock:
            assert sock.recv(99) == b"hello"


def test_socks5_resolves_here(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def look_up(host: Any, *rest: Any) -> Any:
        return real("127.0.0.7" if host == "far.example" else host, *rest)

    def script(wire: Wire) -> None:
        socks5_without_login(wire)
        assert wire.read_exactly(10) == b"\x05\x01\x00\x01\x7f\x00\x00\x07\x12\x67"
        wire.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with ScriptedPeer(script) as peer:
        create_connection(TARGET, 10, proxy=f"socks5://{peer.netloc}").close()


def test_the_source_address_and_the_timeout_are_those_of_our_own_socket() -> None:
    def script(wire: Wire) -> None:
        socks5_without_login(wire)
        wire.read_exactly(3 + len(FAR))
        wire.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")

    with ScriptedPeer(script) as peer:
        with create_connection(TARGET, 7, ("127.0.0.5", 0), proxy=f"socks5h://{peer.netloc}") as sock:
            assert (sock.getsockname()[0], sock.gettimeout()) == ("127.0.0.5", 7)


# What goes wrong


def cut(wire: Wire) -> None:
    wire.read_exactly(1)
    wire.close()


def reset(wire: Wire) -> None:
    wire.read_exactly(1)
    wire.reset()


def stall(wire: Wire) -> None:
    wire.read_to_end()


def drip(wire: Wire) -> None:
    wire.read_exactly(1)
    wire.send_slowly(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, pause=0.02)


def speak_http(wire: Wire) -> None:
    wire.read_exactly(1)
    wire.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def refuse_socks5(wire: Wire) -> None:
    socks5_without_login(wire)
    wire.read_exactly(3 + len(FAR))
    wire.send(b"\x05\x05\x00")


def demand_a_login(wire: Wire) -> None:
    wire.read_exactly(3)
    wire.send(b"\x05\xff")


def refuse_socks4(wire: Wire) -> None:
    wire.read_exactly(9)
    wire.send(b"\x00\x5b" + bytes(6))


@pytest.mark.parametrize("by_opener", [False, True], ids=["socket", "opener"])
@pytest.mark.parametrize(
    ("scheme", "script", "kind", "message"),
    [
        ("socks5h", cut, ConnectionError, "did not connect"),
        ("socks5h", reset, OSError, None),
        ("socks5h", stall, TimeoutError, None),
        ("socks5h", speak_http, ConnectionError, "did not connect"),
        ("socks5h", refuse_socks5, ConnectionError, "Connection refused by destination host"),
        ("socks5h", demand_a_login, ConnectionError, "No acceptable authentication methods"),
        ("socks4a", cut, ConnectionError, "did not connect"),
        ("socks4a", stall, TimeoutError, None),
        ("socks4a", refuse_socks4, ConnectionError, "Request rejected or failed"),
        ("https", cut, OSError, "ended the connection when TLS began"),
        ("https", reset, OSError, None),
        ("https", stall, TimeoutError, None),
        ("https", drip, OSError, "speaks plain text, not TLS"),
        ("https", speak_http, OSError, "speaks plain text, not TLS"),
    ],
)
def test_a_proxy_that_fails_is_an_error_within_the_time(
    scheme: str, script: Callable[[Wire], None], kind: type[OSError], message: str | None, by_opener: bool
) -> None:
    def connect(proxy: str) -> None:
        if not by_opener:
            create_connection(TARGET, 0.5, proxy=proxy)
        opener: Any = urllib2.build_opener(urllib2.ProxyHandler({"https": proxy}))
        with contextlib.closing(opener):
            opener.open("https://far.example:4711/", timeout=0.5)

    begin = time.monotonic()
    with ScriptedPeer(script) as peer, pytest.raises(OSError, match=message) as caught:
        connect(f"{scheme}://{peer.netloc}")
    error: Any = caught.value
    assert isinstance(error.reason if by_opener else error, kind)
    assert time.monotonic() - begin < 15


@pytest.mark.parametrize("scheme", ["http", "https", "socks4a", "socks5h"])
def test_nothing_goes_around_a_proxy_that_is_not_there(scheme: str, origin: Any) -> None:
    proxy = f"{scheme}://127.0.0.1:{free_port()}"
    for given in (proxy, [proxy], [proxy, proxy]):
        opener: Any = urllib2.build_opener(urllib2.ProxyHandler({"http": given}))
        with contextlib.closing(opener), pytest.raises(urllib2.URLError, match="refused"):
            opener.open(origin.url, timeout=5)
    assert origin.requests == []


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, origin: Any) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "python_socks", None)
    monkeypatch.setitem(sys.modules, "python_socks.sync", None)
    opener: Any = urllib2.build_opener(urllib2.ProxyHandler({"http": "socks5://127.0.0.1:1"}))
    with contextlib.closing(opener), pytest.raises(urllib2.URLError, match=r"pip install 'coda_network\[socks\]'"):
        opener.open(origin.url, timeout=5)
    with pytest.raises(ValueError, match=r"pip install 'coda_network\[socks\]'"):
        create_connection(origin.address, 5, proxy="socks5://127.0.0.1:1")
    assert origin.requests == []


def test_a_hop_in_the_middle_that_refuses_is_the_error(origin: Any) -> None:
    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(b"CONNECT 127.0.0.1:1 ")
        wire.respond(b"no tunnels here", "405 Method Not Allowed")

    with ScriptedPeer(script) as peer:
        opener: Any = urllib2.build_opener(urllib2.ProxyHandler({"http": [peer.url, "http://127.0.0.1:1"]}))
        with contextlib.closing(opener), pytest.raises(urllib2.URLError, match="405 Method Not Allowed"):
            opener.open(origin.url, timeout=5)
    assert origin.requests == []


# TLS to the proxy


@pytest.fixture
def tls_proxy(ca: Authority) -> Any:
    with Proxy(tls=ca.server_context()) as server:
        yield server


def test_tls_within_tls_within_tls(ca: Authority, tls_proxy: Proxy, tls_origin: Any) -> None:
    context = ca.client_context()
    hops = [tls_proxy.url.replace("http:", "https:")] * 2
    sock = connect_through(hops, tls_origin.address, 10, context=context)
    with start_tls(sock, context, "localhost") as tls:
        assert ("DNS", "localhost") in tls.getpeercert()["subjectAltName"]
        tls.sendall(b"GET /bytes/300000 HTTP/1.0\r\n\r\n")
        response = b"".join(iter(lambda: tls.recv(65536), b""))
    assert len(response) > 300000
    assert tls_proxy.connections == 2


def test_a_tls_socket_in_tls_obeys_its_timeout(ca: Authority, tls_proxy: Proxy) -> None:
    context = ca.client_context()

    def script(wire: Wire) -> None:
        wire.start_tls(ca.server_context())
        wire.send(b"one")
        wire.read_to_end()

    with ScriptedPeer(script) as peer:
        sock = connect_through([tls_proxy.url.replace("http:", "https:")], peer.address, 10, context=context)
        with start_tls(sock, context, "localhost") as tls:
            assert tls.recv(10) == b"one"
            tls.settimeout(0.2)
            with pytest.raises(TimeoutError):
                tls.recv(10)
            tls.setblocking(False)
            with pytest.raises(ssl.SSLWantReadError):
                tls.recv(10)


def test_a_tls_socket_in_tls_has_ended_for_good_when_the_peer_says_so(ca: Authority, tls_proxy: Proxy) -> None:
    def script(wire: Wire) -> None:
        wire.start_tls(ca.server_context())
        wire.send(b"one")
        with contextlib.suppress(OSError):  # it waits for the end of the other side, which closes the connection
            wire.sock.unwrap()  # type: ignore[attr-defined]  # it is a TLS socket now

    with ScriptedPeer(script) as peer:
        context = ca.client_context()
        sock = connect_through([tls_proxy.url.replace("http:", "https:")], peer.address, 10, context=context)
        with start_tls(sock, context, "localhost") as tls:
            # The connection below stays open: whoever looked for more there would wait, the peer longer than this.
            tls.settimeout(5)
            assert [tls.recv(10) for _ in range(3)] == [b"one", b"", b""]
            assert tls.recv_into(bytearray(5)) == 0


def test_a_proxy_can_have_trust_and_a_client_certificate_of_its_own(
    ca: Authority, tls_origin: Any, client_context: ssl.SSLContext
) -> None:
    with Proxy(tls=ca.server_context(require_client=True)) as server:
        url = server.url.replace("http:", "https:")
        handler = urllib2.ProxyHandler(
            {"http": url, "https": url},
            context=ca.client_context(),
            cert=(ca.client_certificate, ca.client_key),
        )
        opener: Any = urllib2.build_opener(handler, urllib2.HTTPSHandler(context=client_context))
        with contextlib.closing(opener):
            for _ in range(2):
                assert opener.open(tls_origin.url, timeout=10).read()
        assert [request.method for request in server.requests] == ["CONNECT"]
