"""Which credentials win is what docs/authentication.md says, in its order."""

from __future__ import annotations

import base64
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from support.pages import PROJECT
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import urllib2

PLACES = ["a handler", "a header", "the URL", "patch()", "netrc"]
"""The places of the page's list that hold a user and a password, the first one first."""

# How the page begins each of them.
BEGINNINGS = ["a handler", "the `Authorization`", "the URL", "`patch(credentials=...)`", "netrc"]

ROLES = {
    "site": ("401 Unauthorized", "WWW-Authenticate", "Authorization"),
    "proxy": ("407 Proxy Authentication Required", "Proxy-Authenticate", "Proxy-Authorization"),
}


def user(place: str) -> str:
    """Return the user whom a place names."""
    return "user-" + "".join(filter(str.isalpha, place)).lower()


class Asking:
    """A site or proxy that asks for Digest, whatever comes, and keeps who logged in."""

    def __init__(self, role: str) -> None:
        self._status, self._offer, self._field = ROLES[role]
        self.users: list[str] = []

    def __call__(self, wire: Wire) -> None:
        for head in wire.read_heads():
            found = re.search(rf'\r\n{self._field}: Digest .*?username="([^"]+)"'.encode(), head)
            if found:
                self.users.append(found[1].decode())
            wire.respond(
                b"", self._status, f'{self._offer}: Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256'
            )


@pytest.fixture
def unpatched() -> Iterator[None]:
    yield
    while coda_network.is_patched():
        coda_network.unpatch()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("first", PLACES)
def test_the_first_place_that_names_a_user_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, unpatched: None, first: str, role: str
) -> None:
    named = PLACES[PLACES.index(first) :]
    asking = Asking(role)
    with ScriptedPeer(asking) as peer:
        site = "127.0.0.1:9" if role == "proxy" else peer.netloc
        userinfo = f"{user('the URL')}:x@" if "the URL" in named else ""
        proxies = {"http": f"http://{userinfo}{peer.netloc}"} if role == "proxy" else {}
        request = urllib2.Request(f"http://{userinfo if role == 'site' else ''}{site}/")
        handlers: list[Any] = []
        if "a handler" in named:
            passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
            passwords.add_password(None, peer.netloc, user("a handler"), "x")
            kind = urllib2.HTTPDigestAuthHandler if role == "site" else urllib2.ProxyDigestAuthHandler
            handlers.append(kind(passwords))
        if "a header" in named:
            basic = base64.b64encode(f"{user('a header')}:x".encode()).decode()
            request.add_header(ROLES[role][2], f"Basic {basic}")
        if "patch()" in named:
            coda_network.patch(credentials=(user("patch()"), "x"))
        if "netrc" in named:
            netrc = tmp_path / "netrc"
            netrc.write_text(f"machine 127.0.0.1 login {user('netrc')} password x\n", encoding="utf-8")
            monkeypatch.setenv("NETRC", str(netrc))
        opener: Any = urllib2.build_opener(urllib2.ProxyHandler(proxies), *handlers)
        with pytest.raises(HTTPError) as caught:
            opener.open(request, timeout=10)
        caught.value.close()
        opener.close()
    assert asking.users == [user(first)]


def test_the_page_lists_the_places_in_this_order() -> None:
    page = (PROJECT / "docs" / "authentication.md").read_text(encoding="utf-8")
    section = page.partition("## Who logs in")[2].partition("\n## ")[0]
    items = re.findall(r"^\d\. (.*)", section, re.MULTILINE)
    assert len(items) == len(BEGINNINGS) + 1  # and the ticket, which has no user of its own
    assert all(item.startswith(beginning) for item, beginning in zip(items, BEGINNINGS, strict=False))


@pytest.mark.parametrize("patched", [False, True], ids=["urllib2", "patched urllib.request"])
def test_only_the_patched_opener_sends_basic_unasked(unpatched: None, patched: bool) -> None:
    heads = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            heads.append(head)
            wire.respond(b"", "502 Bad Gateway")

    library: Any = urllib.request if patched else urllib2
    if patched:
        coda_network.patch()
    with ScriptedPeer(script) as peer:
        opener = library.build_opener(library.ProxyHandler({"http": f"http://user:password@{peer.netloc}"}))
        with pytest.raises(HTTPError) as caught:
            opener.open("http://127.0.0.1:9/", timeout=10)
        caught.value.close()
        opener.close()
    assert [b"Proxy-authorization: Basic".lower() in head.lower() for head in heads] == [patched]
