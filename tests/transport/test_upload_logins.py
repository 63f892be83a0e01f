"""Uploads go out once, with the leg of a login that lets them in: where each request wants its own, and behind HEAD."""

from __future__ import annotations

import http.client
import io
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.accounts import ALICE, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ClientGone, ScriptedPeer, Wire
from support.uploads import BODIES, SIZE, Once, basic_opener, opener_for, post, read

import coda_network
from coda_network import ntlm_auth
from coda_network._auth.registry import Entry

BASIC = 'WWW-Authenticate: Basic realm="x"'


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))


# Sites that want a login for each request


@pytest.mark.parametrize("role", ["site", "proxy"])
@pytest.mark.parametrize("body", BODIES)
def test_the_body_goes_once_with_the_last_leg_of_its_own_login(library: ModuleType, role: str, body: str) -> None:
    script = NtlmPeer(role, each_request=True)
    with ScriptedPeer(script) as peer:
        if role == "site":
            opener = opener_for(library, ntlm_auth.HTTPNtlmAuthHandler, peer.url)
        else:
            proxy = f"http://{ALICE.qualified_userinfo}@{peer.netloc}"
            opener = library.build_opener(library.ProxyHandler({"http": proxy}))
        url = peer.url if role == "site" else "http://site.example/"
        for _ in range(2):
            assert read(opener, post(library, url, BODIES[body]())) == b"ok"
        opener.close()
    posts = [(seen.message, len(seen.body)) for seen in script.seen if seen.method == "POST"]
    assert posts == [(1, 0), (3, SIZE)] * 2
    assert not any(seen.body for seen in script.seen if seen.method == "HEAD")


def test_a_login_that_holds_is_tried_once(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, ntlm_auth.HTTPNtlmAuthHandler, peer.url)
        for data in (b"short", b"x" * SIZE, b"x" * SIZE):
            assert read(opener, post(library, peer.url, data) if len(data) == SIZE else peer.url) == b"ok"
        opener.close()
    assert [(seen.method, seen.message) for seen in site.seen] == [
        *[("GET", 0), ("GET", 1), ("GET", 3)],
        *[("HEAD", 0), ("POST", 0)],
        ("POST", 0),
    ]


def test_a_connection_that_ends_behind_the_head_is_no_reason_to_spend_the_body(library: ModuleType) -> None:
    """The login was good for a connection that ended with HEAD: the body waits for that of the next one."""
    seen: list[tuple[str, int]] = []

    def script(wire: Wire) -> None:
        is_in = False
        while True:
            try:
                head, body = wire.read_request()
            except ClientGone:
                return
            method = head.split()[0].decode()
            seen.append((method, len(body)))
            is_in = is_in or b"Authorization: Negotiate dG9rZW4y" in head
            if not is_in:
                token = " dG9rZW4=" if b"Authorization: Negotiate" in head else ""
                wire.respond(b"", "401 X", f"WWW-Authenticate: Negotiate{token}")
            elif method == "HEAD":
                wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
                return
            else:
                wire.respond(b"ok")

    class Scheme:
        name, binds_connection, complete = "Negotiate", True, False

        @property
        def may_suffice(self) -> bool:
            return self.complete

        def step(self, challenge: Any, outgoing: Any) -> str:
            self.complete = challenge.token is not None
            return "Negotiate dG9rZW4y" if self.complete else "Negotiate dG9rZW4x"

        def again(self, outgoing: Any) -> None: ...

        def accepted(self, info: str | None) -> None: ...

    class Handler(ntlm_auth.HTTPNtlmAuthHandler):
        login_declaration = ("ORIGIN", "negotiate")

        def __init__(self) -> None:
            super().__init__()
            entry = Entry("Negotiate", False, True, lambda: lambda credentials, peer: Scheme())
            self.login_schemes = {"negotiate": entry}

    with ScriptedPeer(script) as peer:
        opener = opener_for(library, Handler, peer.url)
        body = Once()
        assert read(opener, post(library, peer.url, body)) == b"ok"
        opener.close()
    assert (body.read_bytes, seen[-1]) == (SIZE, ("POST", SIZE))


# Sites that ask for a login where HEAD met none


class Guarded:
    """A site that does this to HEAD, asks of POST for Basic, and reads a body only where somebody is logged in."""

    def __init__(self, head: str, knows_expect: bool, closes: bool = False) -> None:
        self.head, self.knows_expect, self.closes = head, knows_expect, closes
        self.bodies: list[int] = []
        self.expected: list[bool] = []

    def __call__(self, wire: Wire) -> None:
        for head in wire.read_heads():
            if head.startswith(b"HEAD"):
                wire.send(f"HTTP/1.1 {self.head}\r\nContent-Length: 0\r\n\r\n".encode())
                continue
            expects = b"\r\nExpect: 100-continue\r\n" in head
            self.expected.append(expects)
            is_in = b"Authorization: Basic" in head
            if not is_in and expects:
                wire.respond(b"page", "401 Unauthorized", BASIC, *["Connection: close"] * self.closes)
                if self.closes:
                    return
                continue
            if expects and self.knows_expect:
                wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.bodies.append(len(wire.read_exactly(SIZE)))
            wire.respond(b"ok" if is_in else b"", "200 OK" if is_in else "401 Unauthorized", BASIC)


STATUSES = ["200 OK", "403 Forbidden", "405 Method Not Allowed", "501 Not Implemented"]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("status", STATUSES)
def test_a_post_is_let_in_where_head_was_treated_otherwise(library: ModuleType, status: str, body: str) -> None:
    site = Guarded(status, knows_expect=True)
    with ScriptedPeer(site) as peer:
        opener = basic_opener(library, peer.url)
        assert read(opener, post(library, peer.url, BODIES[body]())) == b"ok"
        opener.close()
    assert site.bodies == [SIZE] if body == "generator" else [SIZE, SIZE]
    assert site.expected == [body == "generator", False]


@pytest.mark.parametrize("closes", [False, True])
def test_a_body_that_waited_is_sent_once_and_in_chunks_too(library: ModuleType, closes: bool) -> None:
    site = Guarded("200 OK", knows_expect=False, closes=closes)
    site_read = []

    def script(wire: Wire) -> None:
        head = wire.read_head()
        if head.startswith(b"HEAD"):
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            head = wire.read_head()
        if b"Authorization: Basic" not in head:
            wire.respond(b"", "401 X", BASIC)
            return
        while b"0\r\n\r\n" not in bytes(wire.received).partition(b"Basic")[2]:
            wire._fill("the chunks")
        site_read.append(bytes(wire.received).count(b"x" * 5000))
        wire.respond(b"ok")

    with ScriptedPeer(script) as peer:
        opener = basic_opener(library, peer.url)
        assert read(opener, library.Request(peer.url, Once())) == b"ok"
        opener.close()
    assert site_read == [SIZE // 5000]
    with ScriptedPeer(site) as peer:
        opener = basic_opener(library, peer.url)
        assert read(opener, post(library, peer.url, io.BufferedReader(Pipe()))) == b"ok"
        opener.close()
    assert site.bodies == [SIZE]


class Pipe(io.RawIOBase):
    """A file of SIZE bytes that cannot seek."""

    left = SIZE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(self.left, len(buffer))
        buffer[:size] = b"x" * size
        self.left -= size
        return size


@pytest.mark.parametrize("word", ["100 Continue", "417 Expectation Failed", None], ids=str)
def test_a_body_that_waited_goes_at_the_peers_word_or_after_a_while(library: ModuleType, word: str | None) -> None:
    expected = []

    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(b"HEAD")
        wire.send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        while True:
            head = wire.read_head()
            expected.append(b"Expect:" in head)
            if word is not None and expected[-1]:
                wire.send(f"HTTP/1.1 {word}\r\n\r\n".encode())
            if word != "417 Expectation Failed":
                break
            return
        wire.read_exactly(SIZE)
        wire.respond(b"ok")

    def again(wire: Wire) -> None:
        head, body = wire.read_request()
        expected.append(b"Expect:" in head)
        assert len(body) == SIZE
        wire.respond(b"ok")

    with ScriptedPeer([script, again] if word and word[0] == "4" else [script]) as peer:
        opener = basic_opener(library, peer.url)
        body = Once()
        assert read(opener, post(library, peer.url, body)) == b"ok"
        opener.close()
    assert expected == ([True, False] if word and word[0] == "4" else [True])
    assert body.read_bytes == SIZE


# Programs that drive http.client, at a proxy


@pytest.mark.parametrize("each_request", [True, False])
def test_http_client_sends_the_body_once_through_a_proxy(each_request: bool) -> None:
    proxy = NtlmPeer("proxy", each_request=each_request)
    with ScriptedPeer(proxy) as peer, coda_network.patched(credentials=(ALICE.qualified, ALICE.password)):
        connection = http.client.HTTPConnection(*peer.address, timeout=10)
        for body in (b"x" * SIZE, iter([b"x" * SIZE])):
            connection.request("POST", "http://site.example/", body, {"Content-Length": str(SIZE)})
            with connection.getresponse() as response:
                assert (response.status, response.read()) == (200, b"ok")
        connection.close()
    posts = [(seen.message, len(seen.body)) for seen in proxy.seen if seen.method == "POST"]
    assert posts == [(3 if each_request else 0, SIZE)] * 2
    assert not any(seen.body for seen in proxy.seen if seen.method == "HEAD")


def test_http_client_costs_no_body_for_a_wrong_password() -> None:
    proxy = NtlmPeer("proxy")
    with ScriptedPeer(proxy) as peer, coda_network.patched(credentials=(ALICE.qualified, "wrong")):
        connection = http.client.HTTPConnection(*peer.address, timeout=10)
        body = Once()
        connection.request("POST", "http://site.example/", body, {"Content-Length": str(SIZE)})
        assert connection.getresponse().status == 407
        connection.close()
    assert {(seen.method, seen.body) for seen in proxy.seen} == {("HEAD", b"")}
