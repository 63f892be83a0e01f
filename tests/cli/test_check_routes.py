"""`coda-network check` tells which proxy is used, and why."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest
from support.accounts import ALICE
from support.checked import Check
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.servers import free_port
from support.squid import Squid


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "none, because neither http_proxy nor all_proxy is set"),
        ({"http_proxy": "{proxy}"}, "{proxy}, named by http_proxy; no user name"),
        ({"HTTP_PROXY": "{proxy}"}, "{proxy}, named by HTTP_PROXY; no user name"),
        ({"http_proxy": "{proxy}", "HTTP_PROXY": "http://other"}, "{proxy}, named by http_proxy; no user name"),
        ({"https_proxy": "http://other"}, "none, because neither http_proxy nor all_proxy is set"),
        ({"ALL_PROXY": "{proxy}"}, "{proxy}, named by ALL_PROXY; no user name"),
        ({"ALL_PROXY": "http://other", "http_proxy": "{proxy}"}, "{proxy}, named by http_proxy; no user name"),
        (
            {"http_proxy": "http://other", "no_proxy": "example.org, 127.0.0.0/8"},
            "none, because no_proxy names this host: 127.0.0.0/8",
        ),
        ({"http_proxy": "http://other", "NO_PROXY": "*"}, "none, because NO_PROXY names this host: *"),
        (
            {"http_proxy": "http://other", "no_proxy": "*, 127.0.0.1"},
            "none, because no_proxy names this host: 127.0.0.1",
        ),
    ],
)
def test_the_choice_of_the_proxy_is_explained(
    check: Check,
    origin: Origin,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    expected: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(proxy=proxy.url))
    seen = check(origin.url)
    assert seen.code == 0
    assert seen.lines[1] == "  proxy: " + expected.format(proxy=proxy.url)
    assert len(proxy.requests) == expected.count("{proxy}")


def test_the_settings_of_the_system_may_exempt_a_host(
    check: Check, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": "http://127.0.0.1:1"})
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: host == origin.netloc)
    seen = check(origin.url)
    assert seen.code == 0
    assert seen.lines[1] == "  proxy: none, because the system's settings name this host"


def test_the_settings_of_the_system_may_name_a_proxy(
    check: Check, origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": proxy.url})
    seen = check(origin.url)
    assert seen.lines[1] == f"  proxy: {proxy.url}, named by the system's settings; no user name"
    assert len(proxy.requests) == 1


def test_the_proxy_of_the_command_line_comes_before_the_environment(
    check: Check, origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert check(origin.url, "--proxy", proxy.netloc).code == 0
    assert len(proxy.requests) == 1


@pytest.mark.servers
def test_a_proxy_that_is_reached_by_tls(check: Check, origin: Origin, tls_origin: Origin, squid: Squid) -> None:
    for url in (origin.url, tls_origin.url):
        seen = check(url, "--proxy", squid.tls_url)
        assert (seen.code, seen.lines[1]) == (0, f"  proxy: {squid.tls_url}, named by --proxy; no user name")


def test_a_proxy_that_speaks_no_tls_is_told_from_one_that_does(check: Check, tls_origin: Origin, proxy: Proxy) -> None:
    seen = check(tls_origin.url, "--proxy", f"https://{proxy.netloc}")
    assert seen.code == 1
    assert "ended the connection when TLS began" in seen.conclusion

    def respond(wire: Wire) -> None:
        wire.read_exactly(1)
        wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with ScriptedPeer(respond) as peer:
        seen = check(tls_origin.url, "--proxy", f"https://{peer.netloc}")
    assert seen.code == 1
    assert "speaks plain text, not TLS" in seen.conclusion


def test_a_chain_is_explained_hop_by_hop(check: Check, tls_origin: Origin, proxy: Proxy) -> None:
    second = f"http://{ALICE.userinfo}@{proxy.netloc}"
    seen = check(tls_origin.url, "--proxy", proxy.url, "--proxy", second)
    assert seen.code == 0
    assert seen.lines[1:4] == [
        f"  proxy: {proxy.url} -> {proxy.url}, named by --proxy",
        f"    hop 1: {proxy.url}; no user name",
        f"    hop 2: {proxy.url}; user {ALICE.user}, from its URL",
    ]
    assert [request.method for request in proxy.requests] == ["CONNECT", "CONNECT"]


def test_the_candidates_of_a_pac_file_are_explained(check: Check, origin: Origin, proxy: Proxy, tmp_path: Path) -> None:
    dead = f"127.0.0.1:{free_port()}"
    result = f"PROXY {dead}; PROXY {proxy.netloc}; DIRECT"
    file = tmp_path / "proxy.pac"
    file.write_text(f"function FindProxyForURL(url, host) {{\n  return '{result}';\n}}\n", encoding="utf-8")
    seen = check(origin.url, "--pac", str(file))
    why = f"the PAC file {file}, line 2, returns"
    assert seen.code == 0
    assert seen.lines[1:4] == [
        f'  proxy: http://{dead}, {why} "PROXY {dead}"; no user name',
        f'  else:  http://{proxy.netloc}, {why} "PROXY {proxy.netloc}"; no user name',
        f'  else:  none, because {why} "DIRECT"',
    ]
    assert f"the route http://{dead} failed: ConnectionRefusedError" in seen.steps("opener")
    assert f"the route http://{proxy.netloc} is taken" in seen.steps("opener")
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("pac", "code", "message"),
    [
        ("<html>login</html>", 1, "is a page of HTML, not a PAC file"),
        ("/nowhere/proxy.pac", 1, "the PAC file /nowhere/proxy.pac cannot be had"),
        ("function FindProxyForURL(url, host) { return 'PROXI a:1'; }", 1, "an entry is DIRECT, or one of"),
    ],
)
def test_a_pac_file_that_cannot_be_used_is_told(
    check: Check, origin: Origin, pac: str, code: int, message: str
) -> None:
    seen = check(origin.url, "--pac", pac)
    assert (seen.code, message in seen.err, seen.out) == (code, True, "")
    assert origin.requests == []


def test_a_socks_proxy_that_is_not_there_is_told(check: Check, origin: Origin) -> None:
    address = f"127.0.0.1:{free_port()}"
    seen = check(origin.url, "--proxy", f"socks5://{address}")
    assert seen.code == 1
    assert seen.conclusion == f"There is no connection to the proxy {address}: Connection refused."
