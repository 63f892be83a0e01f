"""CONNECT, SOCKS5 and upgrades through the local proxy."""

from __future__ import annotations

import socket
import struct

import pytest
from support.local import RawClient, local_proxy
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network._local_proxy.settings import Limits


def shouting(wire: Wire) -> None:
    """Speak first, then return what comes in capitals until the end, and say goodbye."""
    wire.send(b"hello\n")
    wire.send(wire.read_to_end().upper() + b"bye\n")


def connect_bytes(peer: ScriptedPeer) -> bytes:
    return f"CONNECT {peer.netloc} HTTP/1.1\r\nHost: {peer.netloc}\r\n\r\n".encode()


def converse(client: RawClient) -> None:
    assert client.file.readline() == b"hello\n"
    client.send(b"and more")
    client.sock.shutdown(socket.SHUT_WR)
    assert client.file.read() == b"EARLY AND MOREbye\n"


def test_a_tunnel_carries_early_bytes_and_half_closes() -> None:
    with ScriptedPeer(shouting) as peer, local_proxy() as proxy, RawClient(proxy) as client:
        client.send(connect_bytes(peer) + b"early ")
        assert client.head() == b"HTTP/1.1 200 Connection established\r\n"
        converse(client)


def test_a_tunnel_goes_through_the_login_of_an_upstream(basic_proxy: Proxy) -> None:
    with ScriptedPeer(shouting) as peer, local_proxy(basic_proxy.url_with_login) as proxy, RawClient(proxy) as client:
        client.send(connect_bytes(peer) + b"early ")
        assert client.head().startswith(b"HTTP/1.1 200")
        converse(client)
    assert {request.method for request in basic_proxy.requests} == {"CONNECT"}
    assert basic_proxy.requests[-1].header("Via") == f"1.1 {proxy.pseudonym}"


def test_a_refused_tunnel_is_the_upstreams_own_page_but_for_its_login(basic_proxy: Proxy) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"not this site", "403 Forbidden", "X-Why: policy")

    with ScriptedPeer(script) as upstream, local_proxy(upstream.url) as proxy, RawClient(proxy) as client:
        client.send(b"CONNECT site:443 HTTP/1.1\r\nHost: site:443\r\n\r\n")
        status, head, body = client.response()
        assert (status, body) == (403, b"not this site")
        assert b"X-Why: policy" in head
    with local_proxy(f"http://alice:wrong@{basic_proxy.netloc}") as proxy, RawClient(proxy) as client:
        client.send(b"CONNECT site:443 HTTP/1.1\r\nHost: site:443\r\n\r\n")
        status, head, body = client.response()
        assert status == 502
        assert b"Proxy-Authenticate" not in head


@pytest.mark.parametrize("target", ["site", "site:0", "site:99999", "user@site:443", "/path", "a b:1"])
def test_connect_to_what_is_no_address_is_refused(target: str) -> None:
    with local_proxy() as proxy, RawClient(proxy) as client:
        client.send(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.response()[0] == 400


def test_a_tunnel_in_which_nothing_moves_ends() -> None:
    limits = Limits(tunnel_idle=0.2, drain=0.2)
    with ScriptedPeer(lambda wire: wire.read_to_end()) as peer, local_proxy(limits=limits) as proxy:
        with RawClient(proxy) as client:
            client.send(connect_bytes(peer))
            client.head()
            assert client.file.read() == b""


def test_a_websocket_in_the_clear_gets_its_connection(basic_proxy: Proxy) -> None:
    def script(wire: Wire) -> None:
        head = wire.read_head()
        assert head.startswith(b"GET /chat HTTP/1.1\r\n")
        assert b"\r\nUpgrade: websocket\r\n" in head
        assert b"\r\nSec-WebSocket-Key: abc\r\n" in head
        wire.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: xyz\r\n\r\nfirst"
        )
        wire.send(wire.read_exactly(4).upper())

    with ScriptedPeer([script, script]) as peer:
        for ways in ((), (basic_proxy.url_with_login,)):
            with local_proxy(*ways) as proxy, RawClient(proxy) as client:
                client.send(
                    f"GET {peer.url}/chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n"
                    "Upgrade: websocket\r\nSec-WebSocket-Key: abc\r\n\r\n".encode()
                )
                head = client.head()
                assert head.startswith(b"HTTP/1.1 101 ")
                assert b"Upgrade: websocket" in head
                assert b"Sec-WebSocket-Accept: xyz" in head
                client.send(b"ping")
                assert client.file.read() == b"firstPING"


def test_a_refused_upgrade_is_an_ordinary_response() -> None:
    with ScriptedPeer(lambda wire: (wire.read_head(), wire.respond(b"no", "426 Other"))) as peer:
        with local_proxy() as proxy, RawClient(proxy) as client:
            status, _, body = client.get(peer.url, "Connection: Upgrade", "Upgrade: websocket")
            assert (status, body) == (426, b"no")


# -- SOCKS5


def socks_request(host: str, port: int, command: int = 1) -> bytes:
    name = host.encode()
    return b"\x05" + bytes((command,)) + b"\x00\x03" + bytes((len(name),)) + name + struct.pack(">H", port)


@pytest.mark.parametrize("kind", ["name", "ipv4"])
def test_socks_clients_get_a_tunnel(kind: str, basic_proxy: Proxy) -> None:
    with ScriptedPeer(shouting) as peer, local_proxy(basic_proxy.url_with_login) as proxy, RawClient(proxy) as client:
        client.send(b"\x05\x01\x00")
        assert client.file.read(2) == b"\x05\x00"
        if kind == "name":
            client.send(socks_request("localhost", peer.port))
        else:
            client.send(b"\x05\x01\x00\x01" + socket.inet_aton("127.0.0.1") + struct.pack(">H", peer.port))
        assert client.file.read(10)[:2] == b"\x05\x00"
        client.send(b"early ")
        converse(client)


@pytest.mark.parametrize(("password", "verdict"), [(b"s3cret", 0), (b"wrong", 1)])
def test_socks_clients_know_the_secret(password: bytes, verdict: int) -> None:
    with local_proxy(secret="s3cret") as proxy, RawClient(proxy) as client:
        client.send(b"\x05\x02\x00\x02")
        assert client.file.read(2) == b"\x05\x02"
        client.send(b"\x01\x04coda" + bytes((len(password),)) + password)
        assert client.file.read(2) == bytes((1, verdict))
        if verdict:
            assert client.file.read() == b""


def test_a_socks_client_without_a_password_is_refused_where_there_is_a_secret() -> None:
    with local_proxy(secret="s3cret") as proxy, RawClient(proxy) as client:
        client.send(b"\x05\x01\x00")
        assert client.file.read() == b"\x05\xff"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (socks_request("127.0.0.1", 1), 4),
        (socks_request("localhost", 80, command=2), 7),
        (b"\x05\x01\x00\x09", 8),
        (socks_request("bad host", 80), 8),
    ],
)
def test_what_socks_cannot_do_is_told_by_its_code(request_: bytes, code: int) -> None:
    with local_proxy() as proxy, RawClient(proxy) as client:
        client.send(b"\x05\x01\x00" + request_)
        client.file.read(2)
        assert client.file.read(2) == bytes((5, code))
