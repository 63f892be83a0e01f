"""`timeout_sec` is for all of it: no step may wait longer, and many short waits are not more than a long one.

Each server here would keep its client for ever. That the call ends at all is what is tested.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from urllib.error import URLError

import pytest
from support.accounts import ALICE
from support.certs import Authority
from support.peer import ScriptedPeer, Wire

from coda_network import create_download_handle, do_download, urllib2

LIMIT = 0.4


def drip(wire: Wire, data: bytes) -> None:
    while True:
        wire.send_slowly(data, pause=0.01)


def silence(wire: Wire) -> None:
    wire.read_to_end()


def dripping_head(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    drip(wire, b"x")


def endless_interim_responses(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 100 Continue\r\nX: ")
    drip(wire, b"x" * 60 + b"\r\nX: ")


def dripping_body(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    drip(wire, b"x")


def dripping_body_without_length(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.0 200 OK\r\n\r\n")
    drip(wire, b"x")


def dripping_chunks(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    drip(wire, b"1\r\nx\r\n")


def dripping_chunk_size(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;")
    drip(wire, b"x")


def slow_login(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.send_slowly(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /next/", pause=0.01)
        wire.send(b"%d\r\n\r\n" % len(wire.heads))


SERVERS = [
    silence,
    dripping_head,
    endless_interim_responses,
    dripping_body,
    dripping_body_without_length,
    dripping_chunks,
    dripping_chunk_size,
    slow_login,
]


@pytest.mark.parametrize("script", SERVERS)
def test_a_server_that_takes_its_time(script: Callable[[Wire], None]) -> None:
    with ScriptedPeer(script) as peer, pytest.raises(URLError, match="timed out") as caught:
        do_download(peer.url, timeout_sec=LIMIT)
    assert isinstance(caught.value.reason, TimeoutError)


@pytest.mark.parametrize("script", [dripping_head, dripping_body, dripping_chunk_size])
def test_the_same_over_tls(script: Callable[[Wire], None], ca: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    with ScriptedPeer(script, tls=ca.server_context()) as peer, pytest.raises(URLError, match="timed out"):
        do_download(peer.url, timeout_sec=LIMIT)


def test_a_tls_handshake_without_a_reply() -> None:
    with ScriptedPeer(silence) as peer, pytest.raises(URLError, match="timed out"):
        do_download(f"https://{peer.netloc}/", timeout_sec=LIMIT)


@pytest.mark.parametrize("script", [silence, dripping_head, endless_interim_responses])
def test_a_proxy_that_takes_its_time_over_connect(script: Callable[[Wire], None]) -> None:
    with ScriptedPeer(script) as proxy:
        handler = urllib2.ProxyHandler({"https": proxy.url})
        with pytest.raises(URLError, match="timed out"):
            do_download("https://far.example/", proxy_handlers=handler, timeout_sec=LIMIT)


def test_a_login_at_a_proxy_that_takes_its_time() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "407 No", 'Proxy-Authenticate: Basic realm="x"')
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nX: ")
        drip(wire, b"x")

    with ScriptedPeer(script) as proxy:
        handler = urllib2.ProxyHandler({"https": f"http://{ALICE.userinfo}@{proxy.netloc}"})
        with pytest.raises(URLError, match="timed out"):
            do_download("https://far.example/", proxy_handlers=handler, timeout_sec=LIMIT)


def test_a_server_that_does_not_read_what_is_posted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://{}:{}/".format(*listener.getsockname())
        with pytest.raises(URLError, match="timed out"):
            do_download(url, bytes(32 << 20), timeout_sec=LIMIT)


def test_reading_a_handle_is_in_the_time_too() -> None:
    with ScriptedPeer(dripping_body) as peer:
        with create_download_handle(peer.url, timeout_sec=LIMIT) as handle:
            with pytest.raises(TimeoutError):
                list(iter(handle.read1, b""))


def test_a_download_in_time_is_not_disturbed() -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(bytes(300000))

    with ScriptedPeer(script) as peer:
        assert do_download(peer.url, timeout_sec=30) == (200, bytes(300000))


@pytest.mark.parametrize("timeout_sec", [-1, float("nan")])
def test_a_limit_that_makes_no_sense_is_a_value_error(timeout_sec: float) -> None:
    with pytest.raises(ValueError, match="a deadline is"):
        do_download("http://127.0.0.1:1/", timeout_sec=timeout_sec)


def test_no_time_at_all_is_a_time_out() -> None:
    with pytest.raises(URLError, match="timed out"):
        do_download("http://127.0.0.1:1/", timeout_sec=0)
