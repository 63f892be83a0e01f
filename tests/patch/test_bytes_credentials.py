"""User names, passwords and headers as bytes where text is usual, at peers that verify NTLM."""

from __future__ import annotations

import base64
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from requests.auth import HTTPProxyAuth
from support.accounts import ALICE, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer

import coda_network
from coda_network import ntlm_auth

SITE = "http://site.example/"
NAME, PASSWORD = ALICE.qualified, ALICE.password
PAIRS = [(NAME.encode(), PASSWORD.encode()), (NAME, PASSWORD.encode()), (NAME.encode(), PASSWORD)]
IDS = ["both", "password", "name"]


@pytest.fixture(autouse=True)
def _users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))


@pytest.fixture
def proxy() -> Iterator[ScriptedPeer]:
    with ScriptedPeer(NtlmPeer("proxy")) as peer, coda_network.patched():
        yield peer


@pytest.mark.parametrize("pair", PAIRS, ids=IDS)
def test_the_password_manager_of_a_proxy_handler(proxy: ScriptedPeer, pair: Any) -> None:
    manager = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, proxy.url, *pair)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({"http": proxy.url}), ntlm_auth.ProxyNtlmAuthHandler(manager)
    )
    with opener.open(SITE, timeout=10) as response:
        assert response.status == 200


@pytest.mark.parametrize("header", ["Proxy-Authorization", "proxy-authorization"])
def test_a_header_as_bytes(proxy: ScriptedPeer, header: str) -> None:
    value = b"Basic " + base64.b64encode(f"{NAME}:{PASSWORD}".encode())
    with urllib3.PoolManager() as pool:
        forward = pool.connection_from_url(proxy.url)
        assert (
            forward.request("GET", SITE, headers={header: value}, retries=False, assert_same_host=False).status == 200
        )


def test_requests_auth_at_a_proxy(proxy: ScriptedPeer) -> None:
    with requests.Session() as session:
        session.trust_env = False
        auth = HTTPProxyAuth(NAME.encode(), PASSWORD.encode())
        assert session.get(SITE, proxies={"http": proxy.url}, auth=auth, timeout=10).status_code == 200
