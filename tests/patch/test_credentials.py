"""patch(credentials=...): who logs in, to proxies and sites, where the program names nobody."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from support.accounts import ALICE
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

import coda_network

LOGIN = (ALICE.user, ALICE.password)


@pytest.fixture(autouse=True)
def _unpatched() -> Iterator[None]:
    yield
    assert not coda_network.is_patched()


def fetch(url: str, proxy: Proxy | None = None, login: str = "") -> int:
    """GET *url* with an opener of its own; return the status."""
    proxies = {} if proxy is None else {"http": proxy.url.replace("//", f"//{login}")}
    opener: Any = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    try:
        with opener.open(url) as response:
            response.read()
            return int(response.status)
    except HTTPError as error:
        with error:
            error.read()
            return error.code
    finally:
        opener.close()


@pytest.mark.parametrize("form", ["tuple", "mapping", "function"])
def test_a_proxy_gets_them(basic_proxy: Proxy, origin: Origin, form: str) -> None:
    given: Any = {"tuple": LOGIN, "mapping": {basic_proxy.netloc: LOGIN}, "function": lambda host, realm: LOGIN}[form]
    with coda_network.patched():
        assert fetch(origin.url, basic_proxy) == 407
    with coda_network.patched(credentials=given):
        assert fetch(origin.url, basic_proxy) == 200
    with coda_network.patched():
        assert fetch(origin.url, basic_proxy) == 407


def test_a_site_gets_its_own(origin: Origin) -> None:
    url = f"{origin.url}/basic/{ALICE.user}/{ALICE.password}"
    with coda_network.patched(credentials={"elsewhere.test": LOGIN}):
        assert fetch(url) == 401
    with coda_network.patched(credentials={"127.0.0.1": LOGIN}):
        assert fetch(url) == 200


def test_the_url_of_the_proxy_comes_first(basic_proxy: Proxy, origin: Origin) -> None:
    with coda_network.patched(credentials=LOGIN):
        assert fetch(origin.url, basic_proxy, "alice:wrong@") == 407
    with coda_network.patched(credentials=("alice", "wrong")):
        assert fetch(origin.url, basic_proxy, f"{ALICE.userinfo}@") == 200


def test_netrc_comes_last(basic_proxy: Proxy, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {basic_proxy.address[0]} login {ALICE.user} password {ALICE.password}\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with coda_network.patched():
        assert fetch(origin.url, basic_proxy) == 200
    with coda_network.patched(credentials=("alice", "wrong")):
        assert fetch(origin.url, basic_proxy) == 407


def test_nested_patches_forget_only_their_own(basic_proxy: Proxy, origin: Origin) -> None:
    with coda_network.patched(credentials=LOGIN):
        with coda_network.patched(credentials=("alice", "wrong")):
            assert fetch(origin.url, basic_proxy) == 407
        with coda_network.patched():
            assert fetch(origin.url, basic_proxy) == 200
        assert fetch(origin.url, basic_proxy) == 200


def test_a_function_is_asked_once_for_a_realm(basic_proxy: Proxy, origin: Origin) -> None:
    asked = []

    def ask(host: str, realm: str | None) -> tuple[str, str]:
        asked.append(host)
        return LOGIN

    with coda_network.patched(credentials=ask):
        for _ in range(3):
            assert fetch(origin.url, basic_proxy) == 200
    assert asked == [basic_proxy.netloc]


def test_what_is_no_credentials_patches_nothing() -> None:
    with pytest.raises(TypeError, match="credentials are a"):
        coda_network.patch(credentials=7)


@pytest.mark.parametrize("pair", [(b"u", b"p"), ("u", b"p"), (b"u", "p")])
def test_a_password_manager_may_give_bytes(pair: Any) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.respond(b"", "401 Unauthorized", 'WWW-Authenticate: Basic realm="r"')
        wire.read_request()
        wire.respond(b"", "204 No Content")

    with coda_network.patched(), ScriptedPeer(script) as peer:
        manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        manager.add_password(None, peer.url, *pair)
        handler = urllib.request.HTTPBasicAuthHandler(manager)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
        opener.open(peer.url).close()
        opener.close()
        assert b"Authorization: Basic dTpw" in peer.heads[1]
