"""Why a URL takes its proxy, or none, is said in words without a secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from coda_network._route.explain import explain_routes, explain_user
from coda_network._route.route import Route, parse_hops


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    (tmp_path / "netrc").write_text("machine named.example login alice password secret\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("routes", "expected"),
    [
        ([Route((), "nobody names one")], ["proxy: none, because nobody names one"]),
        ([Route(parse_hops("h:1"), "so")], ["proxy: http://h:1, so; no user name"]),
        (
            [Route(parse_hops("https://bob:secret@[::1]"), "so")],
            ["proxy: https://[::1]:443, so; user bob, from its URL"],
        ),
        (
            [Route(parse_hops("http://named.example"), "so")],
            ["proxy: http://named.example:80, so; user alice, from netrc"],
        ),
        ([Route(parse_hops("socks5://named.example"), "so")], ["proxy: socks5://named.example:1080, so; no user name"]),
        (
            [Route(parse_hops(["h:1", "socks4://eve@s"]), "so"), Route((), "DIRECT")],
            [
                "proxy: http://h:1 -> socks4://s:1080, so",
                "  hop 1: http://h:1; no user name",
                "  hop 2: socks4://s:1080; a user without a password, from its URL",
                "else:  none, because DIRECT",
            ],
        ),
    ],
)
def test_routes_are_explained_in_their_order(routes: list[Route], expected: list[str]) -> None:
    assert list(explain_routes(routes)) == expected


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
