"""`create_connection()` with scripted proxies: what goes over the wire, and what comes out of it."""

from __future__ import annotations

import base64
import socket
import traceback

import pytest
from support.accounts import BOB
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import create_connection
from coda_network.connect import TunnelError

BANNER = b"220 mail.example ESMTP\r\n"
OPEN = b"HTTP/1.1 200 Connection established\r\nVia: 1.1 proxy\r\n\r\n"
TARGET = ("mail.example", 25)


def test_connect_names_the_target_and_asks_nothing_of_the_resolver() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(OPEN)
        assert wire.read_exactly(4) == b"EHLO"
        wire.send(b"250 ")

    with ScriptedPeer(script) as proxy:
        with create_connection(TARGET, timeout=10, proxy=proxy.url) as sock:
            sock.sendall(b"EHLO")
            assert sock.recv(99) == b"250 "
        [head] = proxy.heads
    assert head.startswith(b"CONNECT mail.example:25 HTTP/1.1\r\n")
    assert b"\r\nHost: mail.example:25\r\n" in head


@pytest.mark.parametrize("slowly", [False, True], ids=["in one piece", "byte by byte"])
def test_what_the_peer_says_first_is_not_lost(slowly: bool) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        (wire.send_slowly if slowly else wire.send)(OPEN + BANNER)
        wire.read_to_end()

    with ScriptedPeer(script) as proxy, create_connection(TARGET, timeout=10, proxy=proxy.url) as sock:
        with sock.makefile("rb") as file:
            assert file.readline() == BANNER


@pytest.mark.parametrize(
    "status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway", "301 Moved"]
)
def test_a_refusal_is_an_oserror_that_names_the_status(status: str) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"not today", status)

    with ScriptedPeer(script) as proxy:
        with pytest.raises(OSError, match=f"Tunnel connection failed: {status}") as caught:
            create_connection(TARGET, timeout=10, proxy=proxy.url)
        assert isinstance(caught.value, TunnelError)
        assert caught.value.response.read() == b"not today"


def test_the_login_waits_until_it_is_asked_for_and_may_need_a_new_connection() -> None:
    def refuse(wire: Wire) -> None:
        assert b"Authorization" not in wire.read_head()
        wire.respond(b"", "407 No", 'Proxy-Authenticate: Basic realm="x", charset="UTF-8"', "Connection: close")

    def accept(wire: Wire) -> None:
        proof = base64.b64encode(f"{BOB.qualified}:{BOB.password}".encode())
        assert b"\r\nProxy-Authorization: Basic " + proof + b"\r\n" in wire.read_head()
        wire.send(OPEN + BANNER)

    with ScriptedPeer([refuse, accept]) as proxy:
        url = f"http://{BOB.qualified_userinfo}@{proxy.netloc}"
        with create_connection(TARGET, timeout=10, proxy=url) as sock:
            assert sock.recv(99) == BANNER


def test_a_password_is_in_no_traceback() -> None:
    password = "s3cret"

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"", "407 No", 'Proxy-Authenticate: Basic realm="x"')

    with ScriptedPeer(script) as peer:
        with pytest.raises(TunnelError) as caught:
            create_connection(TARGET, timeout=10, proxy=f"http://user:{password}@{peer.netloc}")
    told = [*traceback.format_exception(caught.value), repr(caught.value), str(caught.value.report)]
    assert password not in "".join(told)
    assert "Basic: the user name or password was refused" in told[-1] or "refused" in told[-1]


@pytest.mark.parametrize("reply", [b"SSH-2.0-OpenSSH\r\n", b"\x15\x03\x01\x00\x02\x02\x0a", b""])
def test_what_is_no_proxy_is_an_oserror(reply: bytes) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(reply)

    with ScriptedPeer(script) as peer, pytest.raises(ConnectionError):
        create_connection(TARGET, timeout=10, proxy=peer.url)


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nX-Header: "], ids=["silence", "a head without end"])
def test_the_timeout_is_for_all_of_it(reply: bytes) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(reply)
        while reply:
            wire.send_slowly(b"x" * 10, pause=0.01)
        wire.read_to_end()

    with ScriptedPeer(script) as peer, pytest.raises(TimeoutError):
        create_connection(TARGET, timeout=0.3, proxy=peer.url)


@pytest.mark.parametrize(("timeout", "expected"), [(5, 5), (None, None)])
def test_the_socket_keeps_the_timeout(timeout: float | None, expected: float | None, proxy: Proxy) -> None:
    with ScriptedPeer(Wire.read_to_end) as peer:
        for through in (proxy.url, ""):
            with create_connection(peer.address, timeout, proxy=through) as sock:
                assert sock.gettimeout() == expected


def test_the_timeout_of_the_socket_module_is_the_default(proxy: Proxy) -> None:
    socket.setdefaulttimeout(6)
    try:
        with ScriptedPeer(Wire.read_to_end) as peer, create_connection(peer.address, proxy=proxy.url) as sock:
            assert sock.gettimeout() == 6
    finally:
        socket.setdefaulttimeout(None)


def test_the_address_to_come_from_is_used_for_the_proxy(proxy: Proxy) -> None:
    with ScriptedPeer(Wire.read_to_end) as peer:
        with create_connection(peer.address, 5, ("127.0.0.3", 0), proxy=proxy.url) as sock:
            assert sock.getsockname()[0] == "127.0.0.3"


# -- which proxy


@pytest.mark.parametrize(
    ("variables", "connections"),
    [
        ({"https_proxy": "P"}, 1),
        ({"HTTPS_PROXY": "P"}, 1),
        ({"all_proxy": "P"}, 1),
        ({"https_proxy": "P", "all_proxy": "http://127.0.0.1:1"}, 1),
        ({"http_proxy": "P"}, 0),
        ({"https_proxy": "P", "no_proxy": "127.0.0.1"}, 0),
        ({"https_proxy": "P", "no_proxy": "127.0.0.0/8"}, 0),
        ({"all_proxy": "P", "no_proxy": "*"}, 0),
        ({"https_proxy": "P", "no_proxy": "example.org"}, 1),
        ({}, 0),
    ],
)
def test_the_environment_names_the_proxy(
    monkeypatch: pytest.MonkeyPatch, proxy: Proxy, variables: dict[str, str], connections: int
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("P", proxy.url))
    with ScriptedPeer(Wire.read_to_end) as peer:
        create_connection(peer.address, 5).close()
    assert (peer.connections, proxy.connections) == (1, connections)


@pytest.mark.parametrize("direct", ["", False])
def test_no_proxy_can_be_asked_for(monkeypatch: pytest.MonkeyPatch, proxy: Proxy, direct: str | bool) -> None:
    monkeypatch.setenv("https_proxy", proxy.url)
    with ScriptedPeer(Wire.read_to_end) as peer:
        create_connection(peer.address, 5, proxy=direct).close()
    assert proxy.connections == 0


@pytest.mark.parametrize(
    ("proxy_argument", "message"),
    [
        ("socks4://alice:secret@127.0.0.1:1080", "socks4 has user names, but no passwords"),
        (f"socks5://alice:{'s' * 256}@127.0.0.1:1080", "the password for a SOCKS proxy has more than 255 bytes"),
        (["http://127.0.0.1:1", "gopher://127.0.0.1"], "hop 2 of the chain: the scheme of a proxy must be one of"),
        ("gopher://127.0.0.1", "the scheme of a proxy must be one of"),
        ("http://127.0.0.1:port", "is not a number"),
        (True, "None takes it from the environment"),
    ],
)
def test_a_proxy_that_cannot_serve_is_a_value_error(proxy_argument: str | bool | list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        create_connection(TARGET, 5, proxy=proxy_argument)


@pytest.mark.parametrize("host", ["mail.example\r\nX: y", "mail example"])
def test_a_target_that_would_not_stay_in_its_line_is_a_value_error(proxy: Proxy, host: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        create_connection((host, 25), 5, proxy=proxy.url)
    assert proxy.connections == 0


def test_an_address_that_refuses_is_connection_refused() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError, match="Connection refused"):
            create_connection(closed.getsockname(), 5, proxy="")
