"""A proxy that closes in the middle of a handshake gets no second half of it on another connection."""

from __future__ import annotations

import base64
import urllib.error
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.accounts import ALICE, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer, Wire

from coda_network import httplib

BASIC = "Basic " + base64.b64encode(f"{ALICE.qualified}:{ALICE.password}".encode()).decode()
REASON = "closed the connection in the middle of the handshake"


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))


@pytest.fixture
def closing_proxy() -> NtlmPeer:
    """A proxy that sends its NTLM token and closes: the message that follows it is valid on no other connection."""
    return NtlmPeer("proxy", second=("Connection: close",))


@pytest.mark.parametrize(
    ("method", "body", "methods"),
    [
        ("GET", None, ["GET", "GET"]),
        ("PUT", b"body", ["PUT", "PUT"]),
        ("PUT", b"x" * 100000, ["HEAD", "HEAD"]),  # so long a body waits for the login
    ],
    ids=["no-body", "short-body", "long-body"],
)
def test_in_absolute_form_a_handshake_cut_short_ends_there(
    closing_proxy: NtlmPeer, method: str, body: bytes | None, methods: list[str]
) -> None:
    with ScriptedPeer(closing_proxy) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=10)
        connection.request(method, "http://site.example/", body, {"Proxy-Authorization": BASIC})
        response: Any = connection.getresponse()
        assert (response.status, response.read()) == (407, b"")
        connection.close()
    # Without a message of NTLM, and with its type 1: that was the last.
    assert [(seen.method, seen.message) for seen in closing_proxy.seen] == list(zip(methods, [0, 1], strict=True))
    assert REASON in str(response.auth_report)


def test_in_a_tunnel_a_handshake_cut_short_ends_there(closing_proxy: NtlmPeer) -> None:
    with ScriptedPeer(closing_proxy) as peer:
        connection = httplib.HTTPSConnection(*peer.address, timeout=10)
        connection.set_tunnel("site.example", headers={"Proxy-Authorization": BASIC})
        connection.request("GET", "/")
        response = connection.getresponse()
        assert (response.status, response.tunnel, response.read()) == (407, True, b"")
        connection.close()
    assert [(seen.method, seen.message) for seen in closing_proxy.seen] == [("CONNECT", 0), ("CONNECT", 1)]


def test_an_explicit_connect_says_that_the_handshake_was_cut_short(closing_proxy: NtlmPeer) -> None:
    with ScriptedPeer(closing_proxy) as peer:
        connection = httplib.HTTPSConnection(*peer.address, timeout=10)
        connection.set_tunnel("site.example", headers={"Proxy-Authorization": BASIC})
        with pytest.raises(OSError, match=r"^Tunnel connection failed: 407") as refused:
            connection.connect()
        connection.close()
    assert closing_proxy.messages == [0, 1]
    error: Any = refused.value
    assert REASON in str(error.report)
    error.response.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_opener_gives_up_where_a_handshake_is_cut_short(
    library: ModuleType, closing_proxy: NtlmPeer, scheme: str
) -> None:
    with ScriptedPeer(closing_proxy) as peer:
        proxy = f"http://{ALICE.qualified_userinfo}@{peer.netloc}"
        opener = library.build_opener(library.ProxyHandler({scheme: proxy}))
        with pytest.raises(library.URLError, match="407") as caught:
            opener.open(f"{scheme}://site.example/", timeout=10)
        opener.close()
    assert closing_proxy.messages == [0, 1]
    error: Any = caught.value
    assert REASON in str(error.auth_report)
    if scheme == "http":
        error.close()


class TokensOnLongPages(NtlmPeer):
    """A proxy whose token comes on a page so long that nobody reads it to its end: the connection is lost with it."""

    def _send(self, wire: Wire, status: str, lines: tuple[str, ...], body: bytes) -> None:
        if any("NTLM " in line for line in lines):
            head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "Content-Length: 1000000000", "", ""])
            wire.send(head.encode() + b"x" * 2000000)
        else:
            super()._send(wire, status, lines, body)


@pytest.mark.parametrize("body", [None, b"body"], ids=["no-body", "short-body"])
def test_in_absolute_form_a_handshake_begins_anew_once(body: bytes | None) -> None:
    proxy = TokensOnLongPages("proxy")
    with ScriptedPeer(proxy) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=10)
        connection.request("POST", "http://site.example/", body, {"Proxy-Authorization": BASIC})
        response: Any = connection.getresponse()
        assert response.status == 407
        connection.close()
    assert proxy.messages == [0, 1, 0, 1]
    assert "twice" in str(response.auth_report)


def test_in_a_tunnel_a_handshake_begins_anew_once() -> None:
    proxy = TokensOnLongPages("proxy")
    with ScriptedPeer(proxy) as peer:
        connection = httplib.HTTPSConnection(*peer.address, timeout=10)
        connection.set_tunnel("site.example", headers={"Proxy-Authorization": BASIC})
        with pytest.raises(ConnectionError, match="in the middle of the handshake"):
            connection.connect()
        connection.close()
    assert proxy.messages == [0, 1, 0, 1]


def test_an_openers_handshake_begins_anew_once(library: ModuleType) -> None:
    proxy = TokensOnLongPages("proxy")
    with ScriptedPeer(proxy) as peer:
        opener = library.build_opener(
            library.ProxyHandler({"http": f"http://{ALICE.qualified_userinfo}@{peer.netloc}"})
        )
        with pytest.raises(urllib.error.HTTPError, match="407") as caught:
            opener.open("http://site.example/", timeout=10)
        error: Any = caught.value
        error.close()
        opener.close()
    assert proxy.messages == [0, 1, 0, 1]
    assert "twice" in str(error.auth_report)
