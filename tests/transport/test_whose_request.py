"""Whose request it is: a connection that is logged in serves its user only, and a login is told only what it needs."""

from __future__ import annotations

import base64
import http.cookiejar
import io
import ssl
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
import requests
from support.accounts import ALICE, BOB
from support.ntlm_peer import NtlmPeer
from support.origin import Origin
from support.peer import Script, ScriptedPeer, Wire

import coda_network
from coda_network import httplib

URL = "http://site.example/"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "users"
    lines = [f"{account.domain}:{account.user}:{account.password}\n" for account in (ALICE, BOB)]
    file.write_text("".join(lines), encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(file))


@pytest.fixture
def ntlm_proxy(users: None) -> Iterator[tuple[NtlmPeer, ScriptedPeer]]:
    script = NtlmPeer("proxy")
    with ScriptedPeer(script) as peer:
        yield script, peer


NAMED = {
    "alice": basic(ALICE.qualified, ALICE.password),
    "bob": basic(BOB.qualified, BOB.password),
    "wrong": basic(ALICE.qualified, "not it"),
    "nobody": None,
}


@pytest.mark.parametrize(
    ("second", "status"), [("alice", 200), ("bob", 200), ("wrong", 407), ("nobody", 407)], ids=lambda value: str(value)
)
@pytest.mark.parametrize("program", ["http.client", "requests"])
def test_a_bound_connection_serves_its_own_user_only(
    ntlm_proxy: tuple[NtlmPeer, ScriptedPeer], program: str, second: str, status: int
) -> None:
    script, peer = ntlm_proxy
    connection = httplib.HTTPConnection(*peer.address, timeout=10)

    def ask(name: str) -> int:
        value = NAMED[name]
        headers = {} if value is None else {"Proxy-Authorization": value}
        if program == "requests":
            return session.get(URL, headers=headers, proxies={"http": peer.url}, timeout=10).status_code
        connection.request("GET", URL, headers=headers)
        response = connection.getresponse()
        response.read()
        return response.status

    with coda_network.patched(), requests.Session() as session:
        session.trust_env = False
        assert ask("alice") == 200
        assert ask(second) == status
        assert ask("alice") == 200
        connection.close()
    expected = ["alice", second, "alice"] if status == 200 else ["alice", "alice"]
    assert [str(user).rpartition("\\")[2].lower() for user in script.users] == expected


def test_a_request_that_the_proxy_does_not_read_leaves_a_bound_connection(
    ntlm_proxy: tuple[NtlmPeer, ScriptedPeer],
) -> None:
    script, peer = ntlm_proxy
    connection = httplib.HTTPConnection(*peer.address, timeout=10)
    connection.request("GET", URL, headers={"Proxy-Authorization": NAMED["alice"]})
    assert connection.getresponse().read() is not None
    connection.request("GET", "/of-nobody")
    response = connection.getresponse()
    assert (response.status, response.read() is not None) == (407, True)
    connection.close()
    assert len(script.users) == 1


def test_a_program_that_closes_its_connections_gets_through_an_ntlm_proxy(
    ntlm_proxy: tuple[NtlmPeer, ScriptedPeer],
) -> None:
    _, peer = ntlm_proxy
    proxies = {"http": peer.url.replace("://", f"://{ALICE.qualified_userinfo}@")}
    with coda_network.patched(), requests.Session() as session:
        session.trust_env = False
        response = session.get(URL, headers={"Connection": "close"}, proxies=proxies, timeout=10)
    assert response.status_code == 200


def site_with_login(expected: bytes, *refusal: str) -> Script:
    """Return a site that wants a login: a request that has one has to have *expected*, too."""

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            if b"\r\nauthorization: " in head.lower():
                assert expected in head
                wire.respond(b"in")
            else:
                wire.respond(b"", "401 X", *refusal)

    return script


def test_digest_at_a_site_behind_a_proxy_signs_the_path(library: ModuleType) -> None:
    script = site_with_login(b'uri="/a?b=c"', 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"')
    url = "http://site.example/a?b=c"
    passwords = library.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, "alice", "wonder")
    with ScriptedPeer(script) as peer:
        opener = library.build_opener(
            library.ProxyHandler({"http": peer.url}), library.HTTPDigestAuthHandler(passwords)
        )
        with opener.open(url, timeout=10) as response:
            assert response.read() == b"in"
        opener.close()


@pytest.mark.parametrize("challenge", ['Basic realm="r"', 'Digest realm="r", nonce="n", qop="auth"'])
def test_a_cookie_of_the_challenge_goes_out_with_the_login(library: ModuleType, challenge: str) -> None:
    script = site_with_login(b"\r\nCookie: node=7\r\n", f"WWW-Authenticate: {challenge}", "Set-Cookie: node=7; Path=/")
    jar = http.cookiejar.CookieJar()
    passwords = library.HTTPPasswordMgrWithDefaultRealm()
    with ScriptedPeer(script) as peer:
        passwords.add_password(None, peer.url, "alice", "wonder")
        opener = library.build_opener(
            library.ProxyHandler({}),
            library.HTTPBasicAuthHandler(passwords),
            library.HTTPDigestAuthHandler(passwords),
            library.HTTPCookieProcessor(jar),
        )
        with opener.open(peer.url, timeout=10) as response:
            assert response.read() == b"in"
        opener.close()
    assert [cookie.name for cookie in jar] == ["node"]


@pytest.mark.parametrize("kind", ["bytes", "file", "iterable"])
def test_a_response_that_came_before_the_body_was_sent_is_handed_out(
    direct: Any, library: ModuleType, kind: str
) -> None:
    size = 8 << 20
    bodies = {
        "bytes": lambda: b"z" * size,
        "file": lambda: io.BytesIO(b"z" * size),
        "iterable": lambda: (b"z" * 65536 for _ in range(size >> 16)),
    }

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"too large", "413 Too Large", "Connection: close")
        wire.reset()

    with ScriptedPeer(script) as peer, pytest.raises(HTTPError) as caught:
        direct.open(library.Request(peer.url, bodies[kind](), {"Content-Length": str(size)}), timeout=10)
    with caught.value as error:
        assert error.code == 413


def test_a_function_for_credentials_may_open_urls_itself() -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            if b"\r\nAuthorization: " in head:
                wire.respond(b"in")
            else:
                wire.respond(b"", "401 X", 'WWW-Authenticate: Basic realm="r"')

    def ask(url: str) -> bytes:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as response:
            return response.read()

    with ScriptedPeer(script) as site, ScriptedPeer(script) as vault:

        def credentials(authority: str, realm: str | None) -> tuple[str, str]:
            if authority != vault.netloc:
                assert ask(vault.url) == b"in"
            return "alice", "wonder"

        with coda_network.patched(credentials):
            assert ask(site.url) == b"in"


def test_a_function_for_credentials_is_called_once_for_those_who_ask_at_once() -> None:
    calls: list[tuple[str, str | None]] = []
    go_on = threading.Event()

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            if b"\r\nAuthorization: " in head:
                wire.respond(b"in")
            else:
                wire.respond(b"", "401 X", 'WWW-Authenticate: Basic realm="r"')

    def credentials(authority: str, realm: str | None) -> tuple[str, str]:
        calls.append((authority, realm))
        go_on.wait(5)
        return "alice", "wonder"

    found: list[bytes] = []

    def ask(url: str) -> None:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as response:
            found.append(response.read())

    with ScriptedPeer(script) as site, coda_network.patched(credentials):
        threads = [threading.Thread(target=ask, args=(site.url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        threading.Timer(0.3, go_on.set).start()
        for thread in threads:
            thread.join(10)
    assert found == [b"in"] * 4
    assert len([realm for _, realm in calls if realm == "r"]) == 1


def test_an_opener_looks_up_how_certificates_are_checked_as_often_as_urllib_request(
    library: ModuleType, direct: Any, tls_origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps_its_context = sys.version_info >= (3, 12)

    def is_refused() -> bool:
        try:
            with direct.open(tls_origin.url, timeout=10) as response:
                return response.status != 200
        except URLError as error:
            return "CERTIFICATE_VERIFY_FAILED" in str(error)

    assert is_refused()
    monkeypatch.setattr(ssl, "_create_default_https_context", ssl._create_unverified_context)
    assert is_refused() is keeps_its_context
    monkeypatch.undo()
    assert is_refused()
