"""Routes that a user has named, and the hosts without a proxy."""

from __future__ import annotations

import pytest

from coda_network._route.find import find_routes
from coda_network._route.named import named_routes
from coda_network._route.route import UnusableProxy


def test_every_url_has_the_same_routes_in_their_order() -> None:
    choose = named_routes([["http://one:1", "socks5h://two:2"], ["three:3"], []])
    for url in ("http://site/", "https://other:8443/x"):
        assert [route.urls for route in choose(url)] == [["http://one:1", "socks5h://two:2"], ["http://three:3"], []]


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("http://intranet/", True),
        ("https://a.example:444/", True),
        ("http://user:p@a.example/", True),
        ("http://10.1.2.3/", True),
        ("http://example.org/", False),
        ("http://[::1]/", False),
    ],
)
def test_hosts_without_a_proxy_are_reached_directly(url: str, direct: bool) -> None:
    [route] = named_routes([["http://one:1"]], "intranet,.example,10.0.0.0/8")(url)
    assert (route.is_direct, route.why) == (direct, "no_proxy names this host" if direct else "named by --proxy")


def test_who_names_them_is_told_to_whoever_asks() -> None:
    [route] = find_routes("http://site/", choose=named_routes([["http://one:1"]], why="named by the file"))
    assert (str(route), route.why) == ("http://one:1", "named by the file")


@pytest.mark.parametrize("url", ["gopher://x", "http://:0", "http://a b:1", "http://u:hush@x:port"])
def test_a_proxy_that_cannot_be_used_is_refused_at_once(url: str) -> None:
    with pytest.raises(UnusableProxy) as caught:
        named_routes([[url]])
    assert "hush" not in str(caught.value)
