"""Logins that the program itself brings: headers, password managers that send unasked, client certificates."""

from __future__ import annotations

import base64
import ssl
import urllib.error
from types import ModuleType
from typing import Any

import pytest
from support.accounts import ALICE, EVERYBODY
from support.certs import CLIENT_NAME, Authority
from support.ntlm_peer import NtlmPeer
from support.origin import Origin
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import urllib2

PATH = "/basic/user/secret"


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def read(opener: Any, request: Any) -> bytes:
    with opener.open(request, timeout=10) as response:
        return response.read()


def opener_with_password(library: ModuleType, url: str) -> Any:
    passwords = library.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, "user", "secret")
    return library.build_opener(library.ProxyHandler({}), library.HTTPBasicAuthHandler(passwords))


def test_a_prior_auth_password_manager_sends_basic_unasked(library: ModuleType, origin: Origin) -> None:
    passwords = library.HTTPPasswordMgrWithPriorAuth()
    passwords.add_password(None, origin.url, "user", "secret", is_authenticated=True)
    opener = library.build_opener(library.HTTPBasicAuthHandler(passwords))
    for _ in range(2):
        read(opener, origin.url + PATH)
    opener.close()
    assert [seen.header("Authorization") for seen in origin.requests] == [basic("user", "secret")] * 2


def test_nothing_is_sent_unasked_where_nothing_was_accepted(library: ModuleType, origin: Origin) -> None:
    opener = opener_with_password(library, origin.url)
    read(opener, f"{origin.url}/open")
    read(opener, origin.url + PATH)
    read(opener, origin.url + PATH)
    opener.close()
    assert [seen.header("Authorization") is not None for seen in origin.requests] == [False, False, True, True]


def test_a_login_goes_unasked_only_where_the_manager_knows_the_url(library: ModuleType, origin: Origin) -> None:
    opener = opener_with_password(library, origin.url + PATH)
    read(opener, origin.url + PATH)
    read(opener, f"{origin.url}/elsewhere")
    opener.close()
    assert origin.requests[-1].header("Authorization") is None


@pytest.mark.parametrize("value", ["Bearer token", basic("somebody", "else")])
def test_the_authorization_of_the_program_is_not_replaced(library: ModuleType, origin: Origin, value: str) -> None:
    opener = opener_with_password(library, origin.url)
    read(opener, origin.url + PATH)
    read(opener, library.Request(f"{origin.url}/open", headers={"Authorization": value}))
    read(opener, origin.url + PATH)
    opener.close()
    sent = [seen.header("Authorization") for seen in origin.requests]
    assert sent[-2:] == [value, basic("user", "secret")]


def test_a_refused_authorization_of_the_program_is_sent_once(direct: Any, library: ModuleType, origin: Origin) -> None:
    request = library.Request(origin.url + PATH, headers={"Authorization": basic("user", "wrong")})
    with pytest.raises(urllib.error.HTTPError) as caught:
        direct.open(request, timeout=10)
    caught.value.close()
    assert (caught.value.code, len(origin.requests)) == (401, 1)
    assert str(getattr(caught.value, "auth_report", "")) == "Basic: the user name or password was refused"


def test_a_handler_logs_in_where_the_programs_authorization_is_refused(library: ModuleType, origin: Origin) -> None:
    opener = opener_with_password(library, origin.url)
    assert read(opener, library.Request(origin.url + PATH, headers={"Authorization": "Bearer old"}))
    opener.close()
    assert [seen.header("Authorization") for seen in origin.requests] == ["Bearer old", basic("user", "secret")]


@pytest.mark.parametrize("role", ["site", "proxy"])
def test_the_credentials_of_a_basic_header_serve_ntlm(
    direct: Any, library: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, role: str
) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))
    script = NtlmPeer(role)
    name = "Authorization" if role == "site" else "Proxy-Authorization"
    with ScriptedPeer(script) as peer:
        for path in ("a", "b"):
            url = f"{peer.url}/{path}" if role == "site" else f"http://site.example/{path}"
            request = library.Request(url, headers={name: basic(ALICE.qualified, ALICE.password)})
            if role == "proxy":
                request.set_proxy(peer.netloc, "http")
            assert read(direct, request) == b"ok"
    assert script.messages == [0, 1, 3, 0]
    assert [b"Basic" in head for head in peer.heads] == [True, False, False, False]


def test_netrc_names_who_logs_in_where_nothing_else_does(
    library: ModuleType, origin: Origin, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    opener = library.build_opener(library.ProxyHandler({}))
    assert read(opener, origin.url + PATH)
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"http://user:wrong@{origin.netloc}{PATH}", timeout=10)
    caught.value.close()
    opener.close()
    assert origin.requests[-1].header("Authorization") == basic("user", "wrong")


@pytest.mark.parametrize("realm", ["one", "two"])
def test_a_password_is_looked_up_for_its_realm(library: ModuleType, realm: str) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "401 Unauthorized", f'WWW-Authenticate: Basic realm="{realm}"')
        assert basic(realm, "secret").encode() in wire.read_head()
        wire.respond(b"ok")

    with ScriptedPeer([script]) as peer:
        passwords = library.HTTPPasswordMgr()
        for name in ("one", "two"):
            passwords.add_password(name, peer.url, name, "secret")
        opener = library.build_opener(library.ProxyHandler({}), library.HTTPBasicAuthHandler(passwords))
        assert read(opener, peer.url) == b"ok"
        opener.close()


def test_the_strongest_scheme_that_is_declared_is_taken(library: ModuleType) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        offers = (
            'Basic realm="x", Digest realm="x", nonce="n", qop="auth", Digest realm="x", nonce="m", algorithm=SHA-256'
        )
        wire.respond(b"", "401 Unauthorized", f"WWW-Authenticate: {offers}", "WWW-Authenticate: NTLM")
        head = wire.read_head()
        assert b"Authorization: Digest" in head and b"SHA-256" in head
        wire.respond(b"ok")

    with ScriptedPeer([script]) as peer:
        passwords = library.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, peer.url, "user", "secret")
        handlers = library.HTTPBasicAuthHandler(passwords), library.HTTPDigestAuthHandler(passwords)
        opener = library.build_opener(library.ProxyHandler({}), *handlers)
        assert read(opener, peer.url) == b"ok"
        opener.close()


def test_the_report_names_each_scheme_that_was_offered(direct: Any) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(
            b"",
            "401 Unauthorized",
            "WWW-Authenticate: Negotiate",
            'WWW-Authenticate: NTLM, Digest realm="x", nonce="n"',
            "WWW-Authenticate: Bearer",
        )

    with ScriptedPeer([script]) as peer:
        with pytest.raises(urllib.error.HTTPError) as caught:
            direct.open(peer.url, timeout=10)
        caught.value.close()
    report: Any = getattr(caught.value, "auth_report", None)
    assert [scheme for scheme, _ in report.entries] == ["Negotiate", "NTLM", "Digest", "Bearer"]
    assert "no user name given" in str(report)


@pytest.mark.parametrize("way", ["direct", "tunnel"])
def test_a_client_certificate_is_shown(ca: Authority, client_context: ssl.SSLContext, proxy: Proxy, way: str) -> None:
    with Origin(ca.server_context(require_client=True)) as site:
        proxies = urllib2.ProxyHandler({"https": proxy.url} if way == "tunnel" else {})
        cert = (str(ca.client_certificate), str(ca.client_key))
        opener = urllib2.build_opener(proxies, urllib2.HTTPSHandler(context=ca.client_context(), cert=cert))
        read(opener, site.url)
        opener.close()
        assert site.requests[0].client_certificate == CLIENT_NAME
        without = urllib2.build_opener(proxies, urllib2.HTTPSHandler(context=client_context))
        with pytest.raises(OSError, match=r"(?i)certificate|reset|closed|pipe|eof"):
            read(without, site.url)
        without.close()
