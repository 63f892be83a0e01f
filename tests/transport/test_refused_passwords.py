"""A wrong password costs one login, however often and by whatever way the program tries."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError

import pytest
import requests
from requests.adapters import HTTPAdapter
from support.accounts import ALICE, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer, Wire
from urllib3.util import Retry

import coda_network
from coda_network import ntlm_auth, urllib2
from coda_network._auth.refused_passwords import refused_passwords
from coda_network.connect import create_connection

TIMES = 4
WRONG = "CODA%5Calice:wrong"
AGAIN = "s ago, and is not sent again"


@pytest.fixture(autouse=True)
def users(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))


@pytest.fixture
def ntlm_proxy() -> Iterator[tuple[NtlmPeer, str]]:
    """A proxy that verifies NTLM, and its netloc."""
    script = NtlmPeer("proxy")
    with ScriptedPeer(script) as peer:
        yield script, peer.netloc


def open_and_fail(opener: Any, url: str) -> str:
    with pytest.raises(OSError, match="407") as caught:
        opener.open(url, timeout=10)
    if isinstance(caught.value, HTTPError):
        caught.value.close()
    return str(caught.value)


def by_new_openers(library: ModuleType, scheme: str, netloc: str) -> Iterator[str]:
    for _ in range(TIMES):
        opener = library.build_opener(library.ProxyHandler({scheme: f"http://{WRONG}@{netloc}"}))
        yield open_and_fail(opener, f"{scheme}://site.example/")
        opener.close()


def by_one_opener(library: ModuleType, scheme: str, netloc: str) -> Iterator[str]:
    handler = ntlm_auth.ProxyNtlmAuthHandler()
    handler.add_password(None, netloc, ALICE.qualified, "wrong")
    opener = library.build_opener(library.ProxyHandler({scheme: f"http://{netloc}"}), handler)
    for _ in range(TIMES):
        yield open_and_fail(opener, f"{scheme}://site.example/")
    opener.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("ways", [by_new_openers, by_one_opener])
def test_openers_send_it_once_and_say_so(
    library: ModuleType, ntlm_proxy: tuple[NtlmPeer, str], ways: Callable[..., Iterator[str]], scheme: str
) -> None:
    script, netloc = ntlm_proxy
    first, *others = ways(library, scheme, netloc)
    assert script.messages.count(3) == 1
    assert script.messages.count(1) == 1
    assert AGAIN not in first
    assert [AGAIN in text for text in others] == [True] * (TIMES - 1)


def test_a_site_gets_it_once(library: ModuleType) -> None:
    script = NtlmPeer()
    with ScriptedPeer(script) as peer:
        for turn in range(TIMES):
            handler = ntlm_auth.HTTPNtlmAuthHandler()
            handler.add_password(None, peer.url, ALICE.user, "wrong")
            opener = library.build_opener(library.ProxyHandler({}), handler)
            with pytest.raises(HTTPError) as caught:
                opener.open(peer.url, timeout=10)
            caught.value.close()
            opener.close()
            report: Any = caught.value.auth_report  # type: ignore[attr-defined]  # an attribute of ours
            assert (report.not_sent is not None) == (turn > 0)
    assert script.messages.count(3) == 1


def test_plain_sockets_send_it_once(ntlm_proxy: tuple[NtlmPeer, str]) -> None:
    script, netloc = ntlm_proxy
    for turn in range(TIMES):
        with pytest.raises(OSError, match="407") as caught:
            create_connection(("site.example", 443), timeout=10, proxy=f"http://{WRONG}@{netloc}")
        assert (AGAIN in str(caught.value)) == (turn > 0)
    assert script.messages.count(3) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests_with_retries_sends_it_once(ntlm_proxy: tuple[NtlmPeer, str], scheme: str) -> None:
    script, netloc = ntlm_proxy
    with coda_network.patched(), requests.Session() as session:
        session.trust_env = False
        session.mount(f"{scheme}://", HTTPAdapter(max_retries=Retry(3, status_forcelist=[407], backoff_factor=0)))
        with pytest.raises(requests.exceptions.RequestException):
            session.get(f"{scheme}://site.example/", proxies={scheme: f"http://{WRONG}@{netloc}"}, timeout=10)
    assert script.messages.count(3) == 1


def test_the_ways_share_what_they_know(ntlm_proxy: tuple[NtlmPeer, str]) -> None:
    script, netloc = ntlm_proxy
    with pytest.raises(OSError, match="407"):
        create_connection(("site.example", 443), timeout=10, proxy=f"http://{WRONG}@{netloc}")
    opener = urllib2.build_opener(urllib2.ProxyHandler({"http": f"http://{WRONG}@{netloc}"}))
    assert AGAIN in open_and_fail(opener, "http://site.example/")
    opener.close()
    assert script.messages.count(3) == 1


def test_the_right_password_goes_out_at_once(ntlm_proxy: tuple[NtlmPeer, str]) -> None:
    script, netloc = ntlm_proxy
    for password, expected in (("wrong", 407), (ALICE.password, 200)):
        with coda_network.patched(credentials=(ALICE.qualified, password)):
            connection = HTTPConnection(netloc, timeout=10)
            connection.request("GET", "http://site.example/")
            assert connection.getresponse().status == expected
            connection.close()
    assert script.messages.count(3) == 2


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_nought_seconds_turn_it_off(
    ntlm_proxy: tuple[NtlmPeer, str], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    script, netloc = ntlm_proxy
    if how == "environment":
        monkeypatch.setenv("CODA_NETWORK_REFUSED_SECONDS", "0")
    with coda_network.patched(refused_seconds=0 if how == "argument" else None):
        for text in by_new_openers(urllib.request, "https", netloc):
            assert AGAIN not in text
    assert script.messages.count(3) == TIMES


def test_a_wrong_argument_patches_nothing() -> None:
    with pytest.raises(ValueError, match="refused_seconds"):
        coda_network.patch(refused_seconds=-1)
    with pytest.raises(TypeError):
        coda_network.patch(credentials=3, refused_seconds=0)  # type: ignore[arg-type]  # what is wrong with it
    assert not coda_network.is_patched()
    with pytest.raises(TypeError):
        coda_network.patch(None, 0)  # type: ignore[misc]  # by name only


def basic(wire: Wire, status: str = "407 X", name: str = "Proxy-Authenticate") -> None:
    for _ in wire.read_heads():
        wire.respond(b"", status, f'{name}: Basic realm="r"')


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_basic_header_that_requests_makes_goes_out_once(scheme: str) -> None:
    with ScriptedPeer(basic) as peer, coda_network.patched(), requests.Session() as session:
        session.trust_env = False
        for _ in range(TIMES):
            proxies = {scheme: f"http://alice:wrong@{peer.netloc}"}
            if scheme == "http":
                assert session.get("http://site.example/", proxies=proxies, timeout=10).status_code == 407
            else:
                with pytest.raises(requests.exceptions.ProxyError):
                    session.get("https://site.example/", proxies=proxies, timeout=10)
        session.close()
    assert sum(b"Authorization" in head for head in peer.heads) == 1


def test_a_field_of_the_request_goes_out_once(library: ModuleType) -> None:
    def site(wire: Wire) -> None:
        basic(wire, "401 X", "WWW-Authenticate")

    with ScriptedPeer(site) as peer:
        opener = library.build_opener(library.ProxyHandler({}))
        for _ in range(TIMES):
            request = library.Request(peer.url, headers={"Authorization": "Basic YWxpY2U6d3Jvbmc="})
            with pytest.raises(HTTPError) as caught:
                opener.open(request, timeout=10)
            caught.value.close()
            assert request.get_header("Authorization")  # a Request is data
        opener.close()
    assert sum(b"Authorization" in head for head in peer.heads) == 1


def test_a_page_that_is_not_for_this_user_does_not_hold_his_password_back(library: ModuleType) -> None:
    def apache(wire: Wire) -> None:
        for head in wire.read_heads():
            if b"Authorization" in head and b" /bobs" not in head:
                wire.respond(b"in")
            else:
                wire.respond(b"", "401 X", 'WWW-Authenticate: Basic realm="r"')

    with ScriptedPeer(apache) as peer:
        passwords = library.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, peer.url, "alice", "right")
        opener = library.build_opener(library.ProxyHandler({}), library.HTTPBasicAuthHandler(passwords))
        for _ in range(3):
            opener.open(peer.url + "/alices", timeout=10).close()
            with pytest.raises(HTTPError) as caught:
                opener.open(peer.url + "/bobs", timeout=10)
            caught.value.close()
        opener.close()
    assert refused_passwords
