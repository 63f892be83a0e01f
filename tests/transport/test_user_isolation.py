"""One connection to a proxy carries requests for many sites and users: each login goes to whom it belongs, alone."""

from __future__ import annotations

import base64
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.accounts import ALICE, BOB, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import ntlm_auth, urllib2

A, B = "a.example", "b.example"
OF_A, OF_B = ("ann", "password-of-a"), ("ben", "password-of-b")


def basic(login: tuple[str, str]) -> str:
    return "Basic " + base64.b64encode(":".join(login).encode()).decode()


class Sites:
    """Two sites behind one proxy: a path below ``/in/`` is for whom ``logins`` names, everything else for everybody.

    ``seen`` has the site and the Authorization of each request, in order.
    """

    def __init__(self, logins: dict[str, tuple[str, str]]) -> None:
        self.logins = logins
        self.seen: list[tuple[str, str | None]] = []

    def __call__(self, wire: Wire) -> None:
        for head in wire.read_heads():
            line, *fields = head.decode().split("\r\n")
            site, _, path = line.split()[1].removeprefix("http://").partition("/")
            given = next((field.partition(": ")[2] for field in fields if field.startswith("Authorization: ")), None)
            self.seen.append((site, given))
            if path.startswith("in/") and given != basic(self.logins[site]):
                wire.respond(b"who?", "401 Unauthorized", 'WWW-Authenticate: Basic realm="same"')
            else:
                wire.respond(b"welcome")


@pytest.fixture
def no_credentials_left() -> Iterator[None]:
    yield
    coda_network.unpatch()


def opener_that_knows(source: str, logins: dict[str, tuple[str, str]], tmp_path: Path, monkeypatch: Any) -> Any:
    """Return an opener behind a proxy to be set by each request; *source* names who logs in at the sites."""
    handlers: list[Any] = []
    if source == "netrc":
        lines = [f"machine {site} login {user} password {password}\n" for site, (user, password) in logins.items()]
        (tmp_path / "netrc").write_text("".join(lines))
        (tmp_path / "netrc").chmod(0o600)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    elif source == "patch":
        coda_network.patch(credentials=logins)
    else:
        passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
        for site, login in logins.items():
            passwords.add_password(None, f"http://{site}/", *login)
        handlers.append(urllib2.HTTPBasicAuthHandler(passwords))
    return urllib2.build_opener(urllib2.ProxyHandler({}), *handlers)


def read(opener: Any, proxy: ScriptedPeer, url: str) -> bytes:
    request = urllib2.Request(url)
    request.set_proxy(proxy.netloc, "http")
    with opener.open(request, timeout=10) as response:
        return response.read()


@pytest.mark.usefixtures("no_credentials_left")
@pytest.mark.parametrize("known", [{A: OF_A}, {A: OF_A, B: OF_B}, {A: OF_A, B: OF_A}], ids=["one", "two", "same"])
@pytest.mark.parametrize("source", ["netrc", "patch", "handler"])
def test_a_password_of_one_site_does_not_go_to_the_next_behind_the_proxy(
    source: str, known: dict[str, tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = Sites(known)
    with ScriptedPeer([sites]) as proxy:
        opener = opener_that_knows(source, known, tmp_path, monkeypatch)
        for url in (f"http://{A}/in/", f"http://{B}/", f"http://{A}/in/"):
            assert read(opener, proxy, url) == b"welcome"
        opener.close()
    # One connection; the site that never asked for a login has got none.
    assert sites.seen == [(A, None), (A, basic(OF_A)), (B, None), (A, basic(OF_A))]


@pytest.mark.usefixtures("no_credentials_left")
@pytest.mark.parametrize("source", ["netrc", "patch", "handler"])
def test_each_site_behind_one_proxy_gets_its_own_password(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {A: OF_A, B: OF_B}
    sites = Sites(known)
    with ScriptedPeer([sites]) as proxy:
        opener = opener_that_knows(source, known, tmp_path, monkeypatch)
        for site in (A, B, A, B):
            assert read(opener, proxy, f"http://{site}/in/") == b"welcome"
        opener.close()
    # From the third request on each of the two is known, and goes out unasked.
    once, again = [(A, None), (A, basic(OF_A)), (B, None), (B, basic(OF_B))], [(A, basic(OF_A)), (B, basic(OF_B))]
    assert sites.seen == once + again


def test_an_authorization_of_the_program_stays_with_its_request() -> None:
    sites = Sites({})
    with ScriptedPeer([sites]) as proxy:
        opener = urllib2.build_opener(urllib2.ProxyHandler({"http": proxy.url}))
        for site, headers in ((A, {"Authorization": "Bearer of-a"}), (B, {}), (A, {})):
            with opener.open(urllib2.Request(f"http://{site}/", headers=headers), timeout=10) as response:
                assert response.read() == b"welcome"
        opener.close()
    assert sites.seen == [(A, "Bearer of-a"), (B, None), (A, None)]


def test_userinfo_of_one_url_does_not_go_out_with_another() -> None:
    sites = Sites({A: OF_A})
    with ScriptedPeer([sites]) as proxy:
        opener = urllib2.build_opener(urllib2.ProxyHandler({"http": proxy.url}))
        for url in (f"http://ann:password-of-a@{A}/in/", f"http://{B}/", f"http://{A}/"):
            assert opener.open(url, timeout=10).read() == b"welcome"
        with pytest.raises(urllib.error.HTTPError, match="401") as caught:
            opener.open(f"http://{A}/in/", timeout=10)
        caught.value.close()
        opener.close()
    assert sites.seen == [(A, None), (A, basic(OF_A)), (B, None), (A, None), (A, None)]


class NtlmSites(NtlmPeer):
    """Sites behind a proxy that all demand NTLM, which logs in the connection; ``targets`` has whom each one led to."""

    def __init__(self) -> None:
        super().__init__("site")
        self.targets: list[tuple[int, str]] = []

    def __call__(self, wire: Any) -> None:
        read_request = wire.read_request

        def noting() -> tuple[bytes, bytes]:
            head, body = read_request()
            self.targets.append((wire.number, head.split()[1].decode().split("/")[2]))
            return head, body

        wire.read_request = noting
        super().__call__(wire)


def test_a_connection_logged_in_at_one_site_does_not_lead_to_another(
    library: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))
    sites = NtlmSites()
    with ScriptedPeer(sites) as proxy:
        handler = ntlm_auth.HTTPNtlmAuthHandler()
        for site, account in ((A, ALICE), (B, BOB)):
            handler.add_password(None, f"http://{site}/", account.qualified, account.password)
        opener = library.build_opener(library.ProxyHandler({"http": proxy.url}), handler)
        for site in (A, B, A):
            assert opener.open(f"http://{site}/", timeout=10).read() == b"ok"
        opener.close()
    assert sites.users == [ALICE.qualified, BOB.qualified, ALICE.qualified]
    # Nobody was led to one site over a connection that had been logged in at the other.
    led_to = [{number for number, target in sites.targets if target == site} for site in (A, B)]
    assert not led_to[0] & led_to[1]


class TunnelProxy:
    """A proxy that opens tunnels for alice and bob by Basic and is the site behind them; who opened which is noted."""

    def __init__(self) -> None:
        self.tunnels: list[str | None] = []
        self.requests: list[tuple[str | None, str]] = []

    def __call__(self, wire: Wire, tls: Any) -> None:
        user = None
        while user is None:
            head = wire.read_head().decode()
            assert head.startswith("CONNECT localhost:443 ")
            given = head.partition("Proxy-Authorization: ")[2].partition("\r\n")[0]
            user = {basic(OF_A): "ann", basic(OF_B): "ben"}.get(given)
            if user is None:
                wire.respond(b"", "407 Who", 'Proxy-Authenticate: Basic realm="p"')
        self.tunnels.append(user)
        wire.send(b"HTTP/1.1 200 Open\r\n\r\n")
        wire.start_tls(tls)
        for head in wire.read_heads():
            self.requests.append((user, head.split()[1].decode()))
            wire.respond(b"welcome")


def test_a_tunnel_that_one_user_opened_does_not_serve_another(ca: Any, client_context: Any) -> None:
    proxy = TunnelProxy()
    tls = ca.server_context()
    with ScriptedPeer(lambda wire: proxy(wire, tls)) as peer:
        passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
        opener = urllib2.build_opener(
            urllib2.ProxyHandler({"https": peer.netloc}),
            urllib2.ProxyBasicAuthHandler(passwords),
            urllib2.HTTPSHandler(context=client_context),
        )
        for login, path in ((OF_A, "/1"), (OF_A, "/2"), (OF_B, "/3")):
            passwords.add_password(None, peer.netloc, *login)
            assert opener.open(f"https://localhost{path}", timeout=10).read() == b"welcome"
        opener.close()
    assert proxy.tunnels == ["ann", "ben"]
    assert proxy.requests == [("ann", "/1"), ("ann", "/2"), ("ben", "/3")]
