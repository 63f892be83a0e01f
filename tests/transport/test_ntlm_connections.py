"""NTLM logs a connection in: when it is used again, for whom, and what ends it."""

from __future__ import annotations

import threading
import urllib.error
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.accounts import ALICE, BOB, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer

from coda_network import ntlm_auth


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))


def opener_for(library: ModuleType, *logins: tuple[str, Any]) -> Any:
    """Return an opener that logs in at sites, each URL with an account."""
    handler = ntlm_auth.HTTPNtlmAuthHandler()
    for url, account in logins:
        handler.add_password(None, url, account.qualified, account.password)
    return library.build_opener(library.ProxyHandler({}), handler)


def read(opener: Any, request: Any) -> bytes:
    with opener.open(request, timeout=10) as response:
        return response.read()


def test_four_requests_cost_one_handshake(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        for _ in range(4):
            assert read(opener, peer.url) == b"ok"
        opener.close()
    assert site.messages == [0, 1, 3, 0, 0, 0]
    assert set(site.users) == {ALICE.qualified}
    assert peer.connections == 1


def test_a_further_connection_has_a_handshake_of_its_own(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        first = opener.open(peer.url, timeout=10)
        assert read(opener, peer.url) == b"ok"
        assert first.read() == b"ok"
        opener.close()
    assert site.messages == [0, 1, 3] * 2


def test_two_users_of_one_opener_never_share_a_connection(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (f"{peer.url}/alice/", ALICE), (f"{peer.url}/bob/", BOB))
        for path in ("alice", "bob", "alice", "bob"):
            assert read(opener, f"{peer.url}/{path}/x") == b"ok"
        opener.close()
    whose = {(seen.connection, seen.user) for seen in site.seen if seen.user}
    assert len({connection for connection, _ in whose}) == len(whose)
    assert site.users == [ALICE.qualified, BOB.qualified, ALICE.qualified, BOB.qualified]


def test_a_request_without_credentials_takes_no_logged_in_connection(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (f"{peer.url}/alice/", ALICE))
        read(opener, f"{peer.url}/alice/x")
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(f"{peer.url}/other", timeout=10)
        assert caught.value.code == 401
        caught.value.close()
        opener.close()
    assert str(getattr(caught.value, "auth_report", "")) == "NTLM: no user name given"


def test_threads_log_in_on_connections_of_their_own(library: ModuleType) -> None:
    site = NtlmPeer()
    got = []
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        work = [threading.Thread(target=lambda: got.append(read(opener, peer.url))) for _ in range(6)]
        for thread in work:
            thread.start()
        for thread in work:
            thread.join(30)
        opener.close()
    assert got == [b"ok"] * 6


def test_the_user_in_the_url_logs_in(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = library.build_opener(library.ProxyHandler({}))
        for _ in range(2):
            assert read(opener, f"http://{BOB.qualified_userinfo}@{peer.netloc}/") == b"ok"
        opener.close()
    assert site.messages == [0, 1, 3, 0]
    assert b"@" not in b"".join(peer.heads)


def test_a_short_body_is_sent_with_the_last_message(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        for _ in range(2):
            assert read(opener, library.Request(peer.url, b"body")) == b"ok"
        opener.close()
    assert [(seen.message, seen.body) for seen in site.seen] == [(0, b"body"), (1, b""), (3, b"body"), (0, b"body")]


@pytest.mark.parametrize("how", [("Connection: close",), ("close",)], ids=["announced", "silent"])
def test_a_connection_closed_with_the_first_challenge_is_opened_again(
    library: ModuleType, how: tuple[str, ...]
) -> None:
    site = NtlmPeer(first=how)
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        assert read(opener, peer.url) == b"ok"
        opener.close()
    assert [(seen.connection, seen.message) for seen in site.seen] == [(1, 0), (2, 1), (2, 3)]


def test_a_connection_closed_in_mid_handshake_is_an_error_that_says_so(library: ModuleType) -> None:
    site = NtlmPeer(second=("Connection: close",))
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(peer.url, timeout=10)
        caught.value.close()
        opener.close()
    assert caught.value.code == 401
    assert "closed the connection in the middle of the handshake" in str(getattr(caught.value, "auth_report", ""))
    assert site.messages == [0, 1]


@pytest.mark.parametrize("body", [None, b"body", b"x" * 100000])
def test_the_body_follows_where_a_site_accepts_the_first_leg(library: ModuleType, body: bytes | None) -> None:
    site = NtlmPeer(early=True)
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        assert read(opener, library.Request(peer.url, body)) == b"ok"
        opener.close()
    assert site.seen[-1].body == (body or b"")


def test_ntlm_works_with_http_1_0_where_connections_are_kept_by_header(library: ModuleType) -> None:
    site = NtlmPeer(version="HTTP/1.0")
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        for _ in range(2):
            assert read(opener, peer.url) == b"ok"
        opener.close()
    assert site.messages == [0, 1, 3, 0]
    assert peer.connections == 1


def test_a_server_that_challenges_each_request_gets_a_login_for_each(library: ModuleType) -> None:
    site = NtlmPeer(each_request=True)
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        for number in range(3):
            assert read(opener, library.Request(peer.url, b"body" if number else None)) == b"ok"
        opener.close()
    assert site.messages == [0, 1, 3] * 3
    assert peer.connections == 1


def test_a_request_with_connection_close_logs_in_all_the_same(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        assert read(opener, library.Request(peer.url, headers={"Connection": "close"})) == b"ok"
        opener.close()
    assert [b"Connection: close" in head for head in peer.heads] == [True, False, True]


def test_an_expectation_is_not_sent_with_an_empty_body(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        assert read(opener, library.Request(peer.url, b"body", {"Expect": "100-continue"})) == b"ok"
        opener.close()
    assert [b"Expect" in head for head in peer.heads] == [True, False, True]


def test_a_wrong_password_is_sent_once_and_no_weaker_scheme_follows(library: ModuleType) -> None:
    site = NtlmPeer(offer=("NTLM", 'Basic realm="x"'))
    with ScriptedPeer(site) as peer:
        passwords = library.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, peer.url, ALICE.qualified, "TOPSECRET")
        handlers = ntlm_auth.HTTPNtlmAuthHandler(passwords), library.HTTPBasicAuthHandler(passwords)
        opener = library.build_opener(library.ProxyHandler({}), *handlers)
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(peer.url, timeout=10)
        caught.value.close()
        opener.close()
    assert caught.value.code == 401
    assert site.messages == [0, 1, 3]
    report = str(getattr(caught.value, "auth_report", ""))
    assert report.splitlines() == [
        "NTLM: the user name or password was refused",
        "Basic: not tried after a failed login, because it gives the password away",
    ]
    assert b"Basic" not in b"".join(peer.heads)


def test_the_next_request_after_a_refused_login_begins_anew(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        handler = ntlm_auth.HTTPNtlmAuthHandler()
        handler.add_password(None, peer.url, ALICE.qualified, "wrong")
        opener = library.build_opener(library.ProxyHandler({}), handler)
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(peer.url, timeout=10)
        caught.value.close()
        handler.add_password(None, peer.url, ALICE.qualified, ALICE.password)
        assert read(opener, peer.url) == b"ok"
        opener.close()


def test_a_new_connection_is_logged_in_anew(library: ModuleType) -> None:
    site = NtlmPeer()
    with ScriptedPeer(site) as peer:
        opener = opener_for(library, (peer.url, ALICE))
        assert read(opener, peer.url) == b"ok"
        opener.close()
        assert read(opener, peer.url) == b"ok"
        opener.close()
    assert [(seen.connection, seen.message) for seen in site.seen] == [(1, 0), (1, 1), (1, 3), (2, 0), (2, 1), (2, 3)]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_proxy_accepts_ntlm_for_a_request_in_absolute_form(library: ModuleType, method: str) -> None:
    proxy = NtlmPeer("proxy")
    with ScriptedPeer(proxy) as peer:
        opener = library.build_opener(library.ProxyHandler({"http": f"http://{BOB.qualified_userinfo}@{peer.netloc}"}))
        for path in ("a", "b"):
            data = b"body" if method == "POST" else None
            assert read(opener, library.Request(f"http://site.example/{path}", data)) == b"ok"
        opener.close()
    assert proxy.messages == [0, 1, 3, 0]
    assert proxy.seen[-1].user == BOB.qualified
    # The standard library's Basic header is not sent on a connection that is logged in.
    assert b"Basic" not in peer.heads[-1]
