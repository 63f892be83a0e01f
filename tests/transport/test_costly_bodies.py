"""Bodies that are large or can be read only once are not spent on requests that end in a challenge."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.accounts import ALICE, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.origin import Origin
from support.passwords import write_ntlm_users
from support.peer import ClientGone, ScriptedPeer, Wire
from support.proxy import Proxy
from support.uploads import BODIES, SIZE, Once, basic_opener, opener_for, post, read

from coda_network import ntlm_auth

BASIC = 'WWW-Authenticate: Basic realm="x"'


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))


@pytest.mark.parametrize("body", BODIES)
def test_the_connection_is_logged_in_before_the_body_is_sent(library: ModuleType, body: str) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, ntlm_auth.HTTPNtlmAuthHandler, peer.url)
        for _ in range(2):
            assert read(opener, post(library, peer.url, BODIES[body]())) == b"ok"
        opener.close()
    sent = [(seen.method, seen.message, len(seen.body)) for seen in site.seen]
    # The fourth HEAD tries whether the login holds.
    heads = [("HEAD", 0, 0), ("HEAD", 1, 0), ("HEAD", 3, 0), ("HEAD", 0, 0)]
    assert sent == [*heads, ("POST", 0, SIZE), ("POST", 0, SIZE)]
    assert not any(b"Content-" in head for head in peer.heads if head.startswith(b"HEAD"))


@pytest.mark.parametrize("body", BODIES)
def test_a_proxy_is_logged_in_to_before_the_body_is_sent(library: ModuleType, body: str) -> None:
    proxy = NtlmPeer("proxy")
    with ScriptedPeer(proxy) as peer:
        opener = library.build_opener(
            library.ProxyHandler({"http": f"http://{ALICE.qualified_userinfo}@{peer.netloc}"})
        )
        assert read(opener, post(library, "http://site.example/", BODIES[body]())) == b"ok"
        opener.close()
    sent = [(seen.method, seen.message, len(seen.body)) for seen in proxy.seen]
    assert sent == [("HEAD", 0, 0), ("HEAD", 1, 0), ("HEAD", 3, 0), ("HEAD", 0, 0), ("POST", 0, SIZE)]


@pytest.mark.parametrize("body", BODIES)
def test_without_credentials_a_large_body_is_sent_at_once(
    direct: Any, library: ModuleType, origin: Origin, body: str
) -> None:
    direct.open(post(library, origin.url, BODIES[body]()), timeout=10).close()
    assert [(seen.method, seen.body_length) for seen in origin.requests] == [("POST", SIZE)]


def test_a_short_body_is_sent_at_once(library: ModuleType, origin: Origin) -> None:
    opener = basic_opener(library, origin.url)
    read(opener, library.Request(f"{origin.url}/basic/{ALICE.user}/{ALICE.password}", b"short"))
    opener.close()
    assert [seen.method for seen in origin.requests] == ["POST", "POST"]


def test_an_accepted_basic_login_goes_with_the_body_without_a_head_first(library: ModuleType, origin: Origin) -> None:
    opener = basic_opener(library, origin.url)
    url = f"{origin.url}/basic/{ALICE.user}/{ALICE.password}"
    for _ in range(2):
        read(opener, post(library, url, Once()))
        opener.close()
    assert [seen.method for seen in origin.requests] == ["HEAD", "HEAD", "POST", "POST"]


@pytest.mark.parametrize("status", ["200 OK", "404 Not Found", "405 Method Not Allowed", "501 Not Implemented"])
def test_the_body_follows_whatever_the_status_of_head(library: ModuleType, status: str) -> None:
    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(b"HEAD")
        wire.send(f"HTTP/1.1 {status}\r\nContent-Length: 3\r\n\r\n".encode())
        assert len(wire.read_request()[1]) == SIZE
        wire.respond(b"ok")

    with ScriptedPeer([script]) as peer:
        opener = basic_opener(library, peer.url)
        assert read(opener, post(library, peer.url, Once())) == b"ok"
        opener.close()


def test_a_server_that_closes_behind_head_is_dialled_again(library: ModuleType) -> None:
    def first(wire: Wire) -> None:
        assert wire.read_head().startswith(b"HEAD")
        wire.send(b"HTTP/1.0 200 OK\r\n\r\n")

    def second(wire: Wire) -> None:
        assert len(wire.read_request()[1]) == SIZE
        wire.respond(b"ok")

    with ScriptedPeer([first, second]) as peer:
        opener = basic_opener(library, peer.url)
        assert read(opener, post(library, peer.url, Once())) == b"ok"
        opener.close()


def test_a_wrong_password_costs_no_body(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, ntlm_auth.HTTPNtlmAuthHandler, peer.url, "wrong")
        body = Once()
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(post(library, peer.url, body), timeout=10)
        caught.value.close()
        opener.close()
    assert (caught.value.code, body.read_bytes, site.messages) == (401, 0, [0, 1, 3])
    assert str(getattr(caught.value, "auth_report", "")) == "NTLM: the user name or password was refused"


def challenge_post_only(wire: Wire) -> None:
    """Let HEAD pass, and ask for a login when the body is there."""
    while True:
        try:
            head, body = wire.read_request()
        except ClientGone:
            return
        if head.startswith(b"HEAD"):
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            continue
        assert len(body) == SIZE
        if b"Authorization: Basic" in head:
            wire.respond(b"ok")
        else:
            wire.respond(b"", "401 Unauthorized", BASIC)


@pytest.mark.parametrize("body", BODIES)
def test_a_body_is_sent_again_after_a_challenge_unless_it_is_used_up(library: ModuleType, body: str) -> None:
    with ScriptedPeer([challenge_post_only]) as peer:
        opener = basic_opener(library, peer.url)
        request = post(library, peer.url, BODIES[body]())
        if body != "generator":
            assert read(opener, request) == b"ok"
        else:
            with pytest.raises(urllib.error.HTTPError) as caught:
                opener.open(request, timeout=10)
            caught.value.close()
            assert caught.value.code == 401
            report = "Basic: not sent, because the body can be read only once and has been sent in vain"
            assert str(getattr(caught.value, "auth_report", "")) == report
        opener.close()


def test_a_body_read_once_and_challenged_without_credentials_is_an_error(library: ModuleType, origin: Origin) -> None:
    opener = library.build_opener(library.ProxyHandler({}))
    body = Once()
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(post(library, f"{origin.url}/basic/user/secret", body), timeout=10)
    caught.value.close()
    opener.close()
    assert (caught.value.code, body.read_bytes) == (401, SIZE)
    assert str(getattr(caught.value, "auth_report", "")) == "Basic: no user name given"


def test_a_connection_on_which_a_proxy_refused_a_large_body_is_not_used_again(
    library: ModuleType, origin: Origin, basic_proxy: Proxy
) -> None:
    opener = library.build_opener(library.ProxyHandler({"http": basic_proxy.url}))
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(post(library, origin.url, b"x" * SIZE), timeout=10)
        assert caught.value.code == 407
        assert caught.value.read()
        caught.value.close()
    opener.close()
    assert [seen.connection for seen in basic_proxy.requests] == [1, 2]


@pytest.mark.parametrize("body", ["generator", "list"])
def test_a_body_of_unknown_length_is_sent_in_chunks_once(library: ModuleType, origin: Origin, body: str) -> None:
    opener = basic_opener(library, origin.url)
    request = library.Request(f"{origin.url}/basic/{ALICE.user}/{ALICE.password}", BODIES[body]())
    read(opener, request)
    opener.close()
    assert [(seen.method, seen.body_length) for seen in origin.requests] == [("HEAD", 0), ("HEAD", 0), ("POST", SIZE)]
    assert origin.requests[-1].header("Transfer-Encoding") == "chunked"
    assert origin.requests[0].header("Transfer-Encoding") is None


def test_a_tunnel_logs_in_by_connect_and_the_body_goes_once(
    library: ModuleType, tls_origin: Origin, basic_proxy: Proxy, client_context: Any
) -> None:
    opener = library.build_opener(
        library.ProxyHandler({"https": basic_proxy.url_with_login}), library.HTTPSHandler(context=client_context)
    )
    body = Once()
    opener.open(post(library, tls_origin.url, body), timeout=10).close()
    opener.close()
    assert [(seen.method, seen.body_length) for seen in tls_origin.requests] == [("POST", SIZE)]
