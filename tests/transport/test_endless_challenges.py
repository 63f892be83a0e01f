"""Proxy and site that take turns in asking for another login: the exchange ends, whatever each of them says."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import urllib2

SITE = ("401 Unauthorized", "WWW-Authenticate")
PROXY = ("407 Proxy Authentication Required", "Proxy-Authenticate")


def asking(turns: list[tuple[str, str]], most: int) -> Any:
    """Return a script that finds every nonce stale, by turns as proxy and as site, and lets in after *most* times."""

    def script(wire: Wire) -> None:
        for number, (_, (status, name)) in enumerate(zip(wire.read_heads(), cycle(turns), strict=False)):
            if number == most:
                wire.respond(b"welcome")
            else:
                wire.respond(b"", status, f'{name}: Digest realm="r", nonce="n{number}", qop="auth", stale=true')

    return script


def opener_for(proxy: ScriptedPeer) -> Any:
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    for where in (proxy.netloc, "http://site.example/"):
        passwords.add_password(None, where, "user", "secret")
    handlers = urllib2.HTTPDigestAuthHandler(passwords), urllib2.ProxyDigestAuthHandler(passwords)
    return urllib2.build_opener(urllib2.ProxyHandler({"http": proxy.url}), *handlers)


# Several challenges in a row are one login's affair, and each login has a limit of its own; to take turns outwits it.
TURNS = [[PROXY, SITE], [SITE, PROXY], [PROXY, PROXY, PROXY, SITE]]


@pytest.mark.parametrize("turns", TURNS, ids=["proxy-first", "site-first", "unequal"])
def test_endless_challenges_of_proxy_and_site_by_turns_are_given_up(turns: list[tuple[str, str]]) -> None:
    with ScriptedPeer([asking(turns, most=1000)]) as peer:
        opener = opener_for(peer)
        with pytest.raises(urllib2.HTTPError, match=r"^HTTP Error 40[17]") as caught:
            opener.open("http://site.example/", timeout=10)
        caught.value.close()
        opener.close()
    assert len(peer.heads) == 16


@pytest.mark.parametrize("turns", TURNS, ids=["proxy-first", "site-first", "unequal"])
def test_two_logins_of_several_challenges_each_both_finish(turns: list[tuple[str, str]]) -> None:
    with ScriptedPeer([asking(turns, most=8)]) as peer:
        opener = opener_for(peer)
        assert opener.open("http://site.example/", timeout=10).read() == b"welcome"
        opener.close()
    assert len(peer.heads) == 9
