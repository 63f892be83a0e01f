"""A request asks once who logs in at its proxy and its site, and not at all where nobody has to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.accounts import ALICE, EVERYBODY
from support.certs import Authority
from support.ntlm_peer import NtlmPeer
from support.origin import Origin
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer
from support.proxy import Proxy

from coda_network import ntlm_auth, urllib2
from coda_network._auth.registry import SCHEMES
from coda_network._auth.scheme import Peer
from coda_network._transport import request_auth


class Proxies(dict[str, str]):
    """The proxies of a ProxyHandler; counts how often they are searched for userinfo."""

    searched = 0

    def values(self) -> Any:
        self.searched += 1
        return super().values()


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The roles in which credentials were looked up, one entry each time."""
    made: list[str] = []

    class Counted(request_auth.CredentialLookup):
        def __init__(self, handlers: Any, role: Any, *arguments: Any) -> None:
            made.append(role.name)
            super().__init__(handlers, role, *arguments)

    monkeypatch.setattr(request_auth, "CredentialLookup", Counted)
    return made


def get(opener: Any, url: str, body: bytes | None = None) -> int:
    with opener.open(urllib2.Request(url, body), timeout=10) as response:
        response.read()
        return int(response.status)


@pytest.mark.parametrize("body", [None, b"short", b"x" * 100_000], ids=["no body", "a short body", "a large body"])
def test_a_request_asks_once_for_each_role_that_reads_it(
    origin: Origin, basic_proxy: Proxy, lookups: list[str], body: bytes | None
) -> None:
    proxies = Proxies(http=basic_proxy.url_with_login)
    opener = urllib2.build_opener(urllib2.ProxyHandler(proxies))
    url = origin.url.replace("://", f"://{ALICE.user}:pass@") + f"/basic/{ALICE.user}/pass"
    for number in (1, 2, 3):  # challenged, then over the same connection with a login that goes out unasked
        lookups.clear()
        proxies.searched = 0
        assert get(opener, url, body) == 200
        assert (number, sorted(lookups), proxies.searched) == (number, ["ORIGIN", "PROXY"], 1)
    opener.close()


def test_a_request_without_a_login_asks_for_nothing(origin: Origin, proxy: Proxy, lookups: list[str]) -> None:
    proxies = Proxies(http=proxy.url.replace("://", "://nobody:nothing@"))
    opener = urllib2.build_opener(urllib2.ProxyHandler(proxies))
    for _ in range(3):
        assert get(opener, f"{origin.url}/") == 200
    assert (lookups, proxies.searched) == ([], 0)
    opener.close()


@pytest.fixture
def tls_site(ca: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedPeer]:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))
    with ScriptedPeer(NtlmPeer(), tls=ca.server_context()) as peer:
        yield peer


@pytest.mark.parametrize("body", [None, b"short", b"x" * 100_000], ids=["no body", "a short body", "a large body"])
def test_a_login_is_bound_to_the_certificate_of_its_connection(
    tls_site: ScriptedPeer, client_context: ssl.SSLContext, body: bytes | None
) -> None:
    certificates: list[bytes | None] = []

    def create(credentials: Any, peer: Peer) -> Any:
        certificates.append(peer.tls_certificate)
        return SCHEMES["ntlm"].load()(credentials, peer)

    handler = ntlm_auth.HTTPNtlmAuthHandler()
    handler.login_schemes = {"ntlm": SCHEMES["ntlm"]._replace(load=lambda: create)}
    handler.add_password(None, tls_site.url, ALICE.user, ALICE.password)
    https = urllib2.HTTPSHandler(context=client_context)
    opener = urllib2.build_opener(urllib2.ProxyHandler({}), https, handler)
    assert get(opener, f"{tls_site.url}/", body) == 200
    opener.close()
    shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(tls_site.address))
    assert certificates == [shown]
