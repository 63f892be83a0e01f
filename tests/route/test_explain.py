"""Why a URL takes its proxy, or none, is said in words without a secret."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import pytest

from coda_network._route.explain import Route, explain_user, find_route


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine named.example login alice password secret\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("environment", "given", "expected"),
    [
        ({}, None, Route("none, because neither http_proxy nor HTTP_PROXY is set")),
        (
            {"ALL_PROXY": "http://a:1"},
            None,
            Route(
                "none, because neither http_proxy nor HTTP_PROXY is set"
                " (ALL_PROXY is, but urllib.request does not look at it)"
            ),
        ),
        ({"http_proxy": "h:1"}, None, Route("http://h:1, named by http_proxy; no user name", "h:1")),
        ({"HTTP_PROXY": "h:1"}, None, Route("http://h:1, named by HTTP_PROXY; no user name", "h:1")),
        (
            {"http_proxy": "h:1"},
            "https://bob:secret@[::1]",
            Route("https://[::1]:443, named by --proxy; user bob, from its URL", "[::1]:443", "https"),
        ),
        (
            {"http_proxy": "h:1", "no_proxy": "*, other, .site.example"},
            None,
            Route("none, because no_proxy names this host: .site.example"),
        ),
        ({"http_proxy": "h:1", "NO_PROXY": "*"}, None, Route("none, because NO_PROXY names this host: *")),
    ],
)
def test_the_route_names_the_variable_that_decides(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], given: str | None, expected: Route
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(urllib.request, "getproxies", urllib.request.getproxies_environment)
    assert find_route("http", "www.site.example:8080", given) == expected


def test_the_address_of_a_proxy_that_cannot_be_used_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="port") as caught:
        find_route("http", "site.example", "http://bob:secret@proxy:x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("userinfo", "host", "expected"),
    [
        (("bob", "secret"), "named.example", "user bob, from its URL"),
        (("token", None), "named.example", "a user without a password, from its URL"),
        ((None, None), "named.example", "user alice, from netrc"),
        ((None, None), "other.example", "no user name"),
    ],
)
def test_a_user_is_named_with_the_place_that_names_it(
    userinfo: tuple[str | None, str | None], host: str, expected: str
) -> None:
    assert explain_user(userinfo, host) == expected
