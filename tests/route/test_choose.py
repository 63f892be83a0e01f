"""Which proxy leads to an address: what ``no_proxy``, the environment and the handlers of an opener say."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest

from coda_network._auth.credentials import Credentials
from coda_network._route import choose
from coda_network._route.choose import credentials_in_proxy_url, is_exempt, may_find_a_proxy
from coda_network._wire.authority import join_authority
from coda_network.proxies import find

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("site.example", True),
        ("www.site.example:8080", True),
        ("user:p@ss@site.example", True),
        ("10.1.2.3:80", True),
        ("other.example:443", True),
        ("other.example:80", False),
        ("other.example", False),
        ("[::1", False),
        ("site.example:x", False),
    ],
)
def test_no_proxy_exempts_a_host_with_or_without_port_and_userinfo(
    monkeypatch: pytest.MonkeyPatch, authority: str, expected: bool
) -> None:
    monkeypatch.setenv("no_proxy", "site.example, 10.0.0.0/8, other.example:443")
    assert is_exempt(authority) is expected


def test_a_change_of_no_proxy_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = []
    for value in ("site.example", "other.example", "", "site.example"):
        monkeypatch.setenv("no_proxy", value)
        verdicts.append(is_exempt("site.example"))
    assert verdicts == [True, False, False, True]


def test_what_is_remembered_of_a_verdict_has_no_userinfo_and_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    choose._is_named.cache_clear()
    monkeypatch.setenv("no_proxy", "site.example")
    for number in range(choose.MEMORY * 2):
        assert is_exempt(f"alice:secret{number}@site.example")
    assert choose._is_named.cache_info().currsize == 1
    for number in range(choose.MEMORY * 2):
        is_exempt(f"host{number}.example")
    assert choose._is_named.cache_info().currsize == choose.MEMORY


def test_nothing_is_exempt_without_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    assert not is_exempt("site.example")


@pytest.mark.parametrize(
    ("environment", "address", "expected"),
    [
        ({}, ("site.example", 22), None),
        ({"http_proxy": "http://h:1"}, ("site.example", 22), None),
        ({"all_proxy": "http://a:1"}, ("site.example", 22), "http://a:1"),
        ({"all_proxy": "http://a:1", "https_proxy": "http://s:1"}, ("site.example", 22), "http://s:1"),
        ({"https_proxy": "http://s:1", "no_proxy": "site.example:22"}, ("site.example", 22), None),
        ({"https_proxy": "http://s:1", "no_proxy": "site.example:22"}, ("site.example", 23), "http://s:1"),
        ({"https_proxy": "http://s:1", "no_proxy": "fd00::/8"}, ("fd00::1", 22), None),
        ({"https_proxy": "http://s:1", "no_proxy": "fd00::/8"}, ("fe00::1", 22), "http://s:1"),
    ],
)
def test_a_plain_socket_takes_the_proxy_of_https_else_the_one_for_all(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], address: tuple[str, int], expected: str | None
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    [route] = find(f"https://{join_authority(*address)}/")
    assert route.urls == ([expected] if expected else [])


def test_the_settings_of_the_system_exempt_a_plain_socket_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://s:1")
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda authority: authority == "site.example:22")
    assert find("https://site.example:22")[0].is_direct
    assert find("https://site.example:23")[0].urls == ["http://s:1"]


def test_a_proxy_may_be_found_in_the_environment_or_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", urllib.request.getproxies_environment)
    assert not may_find_a_proxy()
    monkeypatch.setenv("HTTP_PROXY", "http://h:1")
    assert may_find_a_proxy()
    monkeypatch.delenv("HTTP_PROXY")
    monkeypatch.setattr(urllib.request, "getproxies", dict)
    assert may_find_a_proxy()


@pytest.mark.parametrize(
    ("url", "authority", "expected"),
    [
        ("http://alice:secret@proxy:3128", "proxy:3128", Credentials("alice", "secret")),
        ("http://CORP%5Calice:s%40t@proxy:3128/", "proxy:3128", Credentials("CORP\\alice", "s@t")),
        ("http://alice@proxy:80", "proxy", Credentials("alice", "")),
        ("alice:secret@[::1]:3128", "[::1]:3128", Credentials("alice", "secret")),
        ("http://alice:secret@proxy:3128", "proxy:3129", None),
        ("http://alice:secret@other:3128", "proxy:3128", None),
        ("http://proxy:3128", "proxy:3128", None),
        ("http://alice:secret@proxy:x", "proxy:3128", None),
    ],
)
def test_the_userinfo_of_a_proxy_url_serves_that_proxy_only(
    url: str, authority: str, expected: Credentials | None
) -> None:
    handlers = [urllib.request.HTTPHandler(), urllib.request.ProxyHandler({"http": url})]
    assert credentials_in_proxy_url(handlers, authority) == expected


@pytest.mark.parametrize("change", [{"http": "http://alice:new@proxy:3128"}, {"http": "http://proxy:3128"}])
def test_another_password_in_the_handlers_url_counts_at_once(change: dict[str, str]) -> None:
    handler: Any = urllib.request.ProxyHandler({"http": "http://alice:old@proxy:3128"})
    assert credentials_in_proxy_url([handler], "proxy:3128") == Credentials("alice", "old")
    handler.proxies.update(change)
    expected = Credentials("alice", "new") if "new" in change["http"] else None
    assert credentials_in_proxy_url([handler], "proxy:3128") == expected
