"""Programs that name the proxy and its user in their own way, at a proxy that verifies NTLM."""

from __future__ import annotations

import base64
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from support.accounts import ALICE, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import connect, urllib2

SITE = "http://site.example/"
RAW = f"{ALICE.domain}\\{ALICE.user}:{ALICE.password}"
FORMS = {"encoded": ALICE.qualified_userinfo, "raw-backslash": RAW}


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[NtlmPeer, ScriptedPeer]]:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))
    script = NtlmPeer("proxy")
    with ScriptedPeer(script) as peer:
        yield script, peer


def with_urllib(url: str) -> int:
    opener: Any = urllib.request.build_opener(urllib.request.ProxyHandler({"http": url}))
    with opener.open(SITE, timeout=10) as response:
        status = int(response.status)
    opener.close()
    return status


def with_urllib2(url: str) -> int:
    opener = urllib2.build_opener(urllib2.ProxyHandler({"http": url}))
    with opener.open(SITE, timeout=10) as response:
        status = int(response.status)
    opener.close()
    return status


def with_requests(url: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(SITE, proxies={"http": url}, timeout=10).status_code


def with_proxy_manager(url: str) -> int:
    with urllib3.ProxyManager(url, retries=False) as pool:
        return int(pool.request("GET", SITE).status)


def with_proxy_manager_and_a_large_body(url: str) -> int:
    with urllib3.ProxyManager(url, retries=False) as pool:
        return int(pool.request("PUT", SITE, body=b"x" * 200_000).status)


def with_requests_and_the_environment(url: str) -> int:
    with pytest.MonkeyPatch.context() as monkeypatch, requests.Session() as session:
        monkeypatch.setenv("http_proxy", url)
        # As where requests is imported behind the patch.
        monkeypatch.setattr(requests.utils, "getproxies", urllib.request.getproxies)
        return session.get(SITE, timeout=10).status_code


BY_URLLIB3 = [with_requests, with_proxy_manager, with_proxy_manager_and_a_large_body]
OTHERS = [with_urllib, with_urllib2, with_requests_and_the_environment]
# A raw backslash ends the host for urllib3's own parser, before anything of ours is called: refused, below.
CASES = [(program, "encoded") for program in BY_URLLIB3 + OTHERS] + [(program, "raw-backslash") for program in OTHERS]


@pytest.mark.parametrize(("program", "form"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_the_user_in_the_url_logs_in(
    proxy: tuple[NtlmPeer, ScriptedPeer], program: Callable[[str], int], form: str
) -> None:
    script, peer = proxy
    with coda_network.patched():
        assert program(peer.url.replace("//", f"//{FORMS[form]}@")) == 200
    assert [str(user).lower() for user in script.users][-1].endswith(ALICE.user)


def asked_by_requests(url: str, site: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        session.get(site, proxies={"http": url, "https": url}, timeout=10)


def asked_by_a_proxy_manager(url: str, site: str) -> None:
    with urllib3.ProxyManager(url) as pool:
        pool.request("GET", site, timeout=10)


@pytest.mark.parametrize("password", ["sesame", "ses?ame", "ses#ame", ""])
@pytest.mark.parametrize("site", [SITE, "https://site.example/"])
@pytest.mark.parametrize("program", [asked_by_requests, asked_by_a_proxy_manager])
def test_a_domain_that_urllib3_takes_for_the_proxy_is_not_dialled(
    program: Callable[[str, str], None], site: str, password: str
) -> None:
    with ScriptedPeer([]) as peer, coda_network.patched():
        with pytest.raises((requests.exceptions.ProxyError, urllib3.exceptions.MaxRetryError)) as caught:
            program(f"{peer.url}\\alice:{password}@proxy.example:3128", site)
        assert peer.connections == 0
    assert "DOMAIN%5Cuser" in str(caught.value)
    assert "alice" not in str(caught.value)
    assert "ame@" not in str(caught.value)


def test_a_backslash_behind_the_port_of_a_proxy_is_no_user() -> None:
    with ScriptedPeer([lambda wire: (wire.read_head(), wire.respond())]) as peer, coda_network.patched():
        assert with_proxy_manager(f"{peer.url}\\") == 200


@pytest.mark.parametrize("form", FORMS)
def test_the_user_in_the_url_opens_a_plain_socket(proxy: tuple[NtlmPeer, ScriptedPeer], form: str) -> None:
    script, peer = proxy
    url = peer.url.replace("//", f"//{FORMS[form]}@")
    connect.create_connection(("site.example", 80), timeout=10, proxy=url).close()
    assert script.messages == [0, 1, 3]


def test_a_proxy_manager_opens_a_tunnel_as_the_user_in_its_url(proxy: tuple[NtlmPeer, ScriptedPeer]) -> None:
    script, peer = proxy
    with coda_network.patched():
        url = peer.url.replace("//", f"//{ALICE.qualified_userinfo}@")
        with urllib3.ProxyManager(url, retries=False) as pool:
            with pytest.raises(urllib3.exceptions.HTTPError):  # the peer has no TLS behind its tunnel
                pool.request("GET", "https://site.example/", timeout=5)
    assert [seen.method for seen in script.seen[:3]] == ["CONNECT"] * 3
    assert len(script.users) == 1


def test_a_header_of_the_program_comes_before_the_url(proxy: tuple[NtlmPeer, ScriptedPeer]) -> None:
    script, peer = proxy
    headers = urllib3.make_headers(proxy_basic_auth=RAW)
    with coda_network.patched():
        with urllib3.ProxyManager(
            peer.url.replace("//", "//nobody:wrong@"), proxy_headers=headers, retries=False
        ) as pool:
            assert pool.request("GET", SITE).status == 200
    assert len(script.users) == 1


def with_the_userinfo_as_it_stands_in_the_url(url: str) -> dict[str, str]:
    """Return the header that dulwich makes: urlparse() decodes nothing."""
    parts = urllib.parse.urlsplit(url)
    return urllib3.make_headers(proxy_basic_auth=f"{parts.username}:{parts.password}")


@pytest.mark.parametrize("encoded", ["%5C", "%5c"])
@pytest.mark.parametrize("tunnel", [False, True], ids=["absolute-form", "tunnel"])
def test_a_header_of_userinfo_that_is_not_decoded_logs_in_as_the_user_of_the_url(
    proxy: tuple[NtlmPeer, ScriptedPeer], tunnel: bool, encoded: str
) -> None:
    script, peer = proxy
    url = peer.url.replace("//", f"//{ALICE.qualified_userinfo.replace('%5C', encoded)}@")
    headers = with_the_userinfo_as_it_stands_in_the_url(url)
    with coda_network.patched(), urllib3.ProxyManager(url, proxy_headers=headers, retries=False) as pool:
        if tunnel:
            with pytest.raises(urllib3.exceptions.HTTPError):  # the peer has no TLS behind its tunnel
                pool.request("GET", "https://site.example/", timeout=5)
        else:
            assert pool.request("GET", SITE).status == 200
    assert len(script.users) == 1


def test_a_header_of_userinfo_that_is_not_decoded_says_nothing_of_the_password_at_a_basic_proxy() -> None:
    seen: list[bytes] = []

    def script(wire: Wire) -> None:
        seen.append(wire.read_head())
        wire.respond(b"", "407 No", 'Proxy-Authenticate: Basic realm="r"')
        seen.append(wire.read_head())
        wire.respond()

    with ScriptedPeer(script) as peer, coda_network.patched():
        url = peer.url.replace("//", "//alice:p%40w@")
        headers = with_the_userinfo_as_it_stands_in_the_url(url)
        with urllib3.ProxyManager(url, proxy_headers=headers, retries=False) as pool:
            assert pool.request("GET", SITE).status == 200
    assert base64.b64encode(b"alice:p%40w") in seen[0]
    assert base64.b64encode(b"alice:p@w") in seen[1]


def test_a_password_with_a_percent_sign_is_not_decoded_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "p%40w"
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", [replace(ALICE, password=secret)])))
    script = NtlmPeer("proxy")
    with ScriptedPeer(script) as peer, coda_network.patched():
        url = peer.url.replace("//", f"//{ALICE.domain}%5C{ALICE.user}:p%2540w@")
        headers = urllib3.make_headers(proxy_basic_auth=f"{ALICE.qualified}:{secret}")
        with urllib3.ProxyManager(url, proxy_headers=headers, retries=False) as pool:
            assert pool.request("GET", SITE).status == 200
    assert len(script.users) == 1


@pytest.mark.parametrize("written", [r"{}\{}", r"{}\\{}"], ids=["for-curl", "for-python"])
@pytest.mark.parametrize("name", [".netrc", "_netrc"])
def test_netrc_names_the_user_with_one_backslash_or_two(
    proxy: tuple[NtlmPeer, ScriptedPeer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, written: str
) -> None:
    _, peer = proxy
    user = written.format(ALICE.domain, ALICE.user)
    place = tmp_path / name
    place.write_text(f"machine {peer.address[0]} login {user} password {ALICE.password}\n")
    place.chmod(0o600)
    monkeypatch.delenv("NETRC", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with coda_network.patched():
        assert with_urllib(peer.url) == 200


def test_a_password_with_an_at_sign_in_a_proxy_managers_url_is_decoded_once() -> None:
    seen: list[bytes] = []

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "407 No", 'Proxy-Authenticate: Basic realm="r"')
        seen.append(wire.read_head())
        wire.respond()

    with ScriptedPeer(script) as peer, coda_network.patched():
        with urllib3.ProxyManager(peer.url.replace("//", "//a%40b:p%2540@"), retries=False) as pool:
            assert pool.request("GET", SITE).status == 200
    assert base64.b64encode(b"a@b:p%40") in seen[0]
