"""Kerberos with a real KDC: tickets and passwords at squid and Apache, for openers and plain sockets.

The packages of the extra `kerberos` are needed; without them these tests fail. Programs that know nothing of the
package are in test_unmodified.py and test_pip.py, the command line is in cli/test_check_logins.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import ssl
import urllib.error
from typing import Any

import pytest
from real.login_matrix import AT_SITE, PATHS, SITE_HANDLERS
from support.accounts import ALICE, BOB, KERBEROS_REALM, Account
from support.apache import Apache, ApacheProxy
from support.bound_proxy import BoundProxy, MiddleMan, certificate_of
from support.certs import Authority
from support.kdc import KDC
from support.nginx import Nginx
from support.peer import ScriptedPeer, Wire
from support.relaying import CountingRelay
from support.squid import Squid

from coda_network import connect, httplib, negotiate_auth, urllib2
from coda_network._auth.negotiate import Negotiate
from coda_network._auth.scheme import PeerUnproven

pytestmark = [pytest.mark.servers, pytest.mark.kerberos]

URL_SCHEMES = ["http", "https"]
LARGE = bytes(range(256)) * (20 << 10)
BODIES = [None, b"posted", LARGE]
WRONG = Account(ALICE.user, "TOPSECRET")


def principal(account: Account) -> str:
    return f"{account.user}@{KERBEROS_REALM}"


def url_with_password(netloc: str, account: Account) -> str:
    return f"http://{Account(principal(account), account.password).userinfo}@{netloc}"


def with_password(handler: Any, where: str, account: Account) -> Any:
    handler.add_password(None, where, principal(account), account.password)
    return handler


def site_handler() -> Any:
    return negotiate_auth.HTTPNegotiateAuthHandler(urllib2.HTTPPasswordMgrWithDefaultRealm())


def base(apache: Apache, url_scheme: str) -> str:
    return apache.url if url_scheme == "http" else apache.tls_url


def opener_of(context: ssl.SSLContext, *handlers: Any, proxy: str | None = None) -> Any:
    proxies = {} if proxy is None else {"http": proxy, "https": proxy}
    return urllib2.build_opener(urllib2.ProxyHandler(proxies), urllib2.HTTPSHandler(context=context), *handlers)


def echo(opener: Any, url: str, data: bytes | None = None) -> dict[str, Any]:
    with opener.open(url, data, timeout=20) as response:
        seen: dict[str, Any] = json.loads(response.read())
    assert seen["body_sha256"] == hashlib.sha256(data or b"").hexdigest()
    assert "HTTP_PROXY_AUTHORIZATION" not in seen
    return seen


@pytest.fixture
def realm(kdc: KDC, monkeypatch: pytest.MonkeyPatch) -> KDC:
    """The realm is known, and there is no ticket."""
    monkeypatch.setenv("KRB5_CONFIG", kdc.environment["KRB5_CONFIG"])
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{kdc.directory}/nothing")
    return kdc


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each login that was accepted: whether the peer's own proof was there, and was verified."""
    seen: list[bool] = []
    accepted = Negotiate.accepted

    def watched(scheme: Negotiate, info: str | None) -> None:
        context = scheme._context
        accepted(scheme, info)
        assert context is not None
        seen.append(context.mechanism == "kerberos" and context._context.complete)

    monkeypatch.setattr(Negotiate, "accepted", watched)
    return seen


# With a ticket, and no user name anywhere


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
def test_an_opener_gets_through_squid_on_one_connection(
    squid_negotiate: Squid, apache: Apache, client_context: ssl.SSLContext, url_scheme: str
) -> None:
    with CountingRelay(squid_negotiate.address) as relay:
        opener = opener_of(client_context, proxy=f"http://{relay.netloc}")
        for data in BODIES:
            echo(opener, f"{base(apache, url_scheme)}/echo", data)
        opener.close()
    assert relay.connections == 1
    assert b"".join(relay.sent).count(b"Proxy-Authorization: Negotiate ") == 1


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("kind", ["kerberos", "several"])
def test_an_opener_gets_through_apache(
    apache_proxy: ApacheProxy, apache: Apache, client_context: ssl.SSLContext, kind: str, url_scheme: str
) -> None:
    opener = opener_of(client_context, proxy=apache_proxy.url(kind))
    for data in BODIES:
        echo(opener, f"{base(apache, url_scheme)}/echo", data)
    opener.close()


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("path", ["/kerberos/echo", "/several/echo"])
def test_a_site_gets_the_ticket_where_a_handler_says_so(
    apache: Apache, client_context: ssl.SSLContext, path: str, url_scheme: str
) -> None:
    opener = opener_of(client_context, site_handler())
    for data in BODIES:
        assert echo(opener, base(apache, url_scheme) + path, data)["REMOTE_USER"] == principal(ALICE)
    opener.close()


@pytest.mark.usefixtures("alice_ticket")
def test_no_site_gets_the_ticket_unasked(apache: Apache, client_context: ssl.SSLContext) -> None:
    opener = opener_of(client_context)
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        opener.open(f"{apache.url}/kerberos/echo", timeout=20)
    assert str(caught.value.auth_report) == "Negotiate: not enabled"
    caught.value.close()
    opener.close()


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("data", [None, LARGE], ids=["GET", "POST"])
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("site", ["Kerberos", "Basic", "Digest", "NTLM", "Negotiate"])
def test_proxy_and_site_at_once(
    squid_negotiate: Squid,
    apache: Apache,
    client_context: ssl.SSLContext,
    site: str,
    url_scheme: str,
    data: bytes | None,
) -> None:
    root = base(apache, url_scheme)
    path, handler, user = "/kerberos/echo", site_handler(), principal(ALICE)
    if site != "Kerberos":
        path, handler, user = PATHS[site], SITE_HANDLERS[site](urllib2.HTTPPasswordMgrWithDefaultRealm()), AT_SITE.user
        qualified = site in ("NTLM", "Negotiate")
        handler.add_password(None, root, AT_SITE.qualified if qualified else user, AT_SITE.password)
    with CountingRelay(squid_negotiate.address) as relay:
        opener = opener_of(client_context, handler, proxy=f"http://{relay.netloc}")
        for _ in range(2):
            assert user in echo(opener, root + path, data)["REMOTE_USER"]
        opener.close()
    assert relay.connections == 1


@pytest.mark.usefixtures("alice_ticket")
def test_a_plain_socket_goes_through_the_proxy(squid_negotiate: Squid, nginx: Nginx) -> None:
    target = ("127.0.0.1", nginx.http_port)
    with connect.create_connection(target, timeout=20, proxy=squid_negotiate.url) as sock:
        sock.sendall(f"GET {nginx.small.path} HTTP/1.0\r\n\r\n".encode())
        with sock.makefile("rb") as file:
            assert file.read().startswith(b"HTTP/1.1 200 OK\r\n")


# The proof of the peer, which squid leaves out, and Apache in its response to CONNECT


@pytest.mark.usefixtures("alice_ticket")
def test_the_proofs_of_proxy_and_site_are_verified(
    apache_proxy: ApacheProxy, apache: Apache, client_context: ssl.SSLContext, proofs: list[bool]
) -> None:
    opener = opener_of(client_context, site_handler(), proxy=apache_proxy.url("kerberos"))
    echo(opener, f"{apache.url}/kerberos/echo")
    opener.close()
    # The proxy's comes once more: it wants a login with each request.
    assert proofs == [True, True, True]


# "Accepted", with something else in place of Kerberos's last message (NegTokenResp, RFC 4178 section 4.2.2).
FORGED = base64.b64encode(bytes.fromhex("a1073005a0030a0100")).decode()
FORGED_WITH_TOKEN = base64.b64encode(bytes.fromhex("a1143012a0030a0100a20b04094e6f7468696e672e2e")).decode()


def forger(role: str, proof: str) -> Any:
    """A peer that lets everybody in and knows no key."""
    status, offer = {
        "site": ("401 Unauthorized", "WWW-Authenticate"),
        "proxy": ("407 Proxy Authentication Required", "Proxy-Authenticate"),
    }[role]

    def script(wire: Wire) -> None:
        wire.read_request()
        wire.respond(b"", status, f"{offer}: Negotiate")
        wire.read_request()
        wire.respond(b"", "200 OK", f"{offer}: Negotiate {proof}")
        wire.read_to_end()

    return script


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("proof", [FORGED, FORGED_WITH_TOKEN])
@pytest.mark.parametrize("way", ["site", "proxy", "tunnel"])
def test_a_wrong_proof_is_an_error(client_context: ssl.SSLContext, way: str, proof: str) -> None:
    with ScriptedPeer(forger("site" if way == "site" else "proxy", proof)) as peer:
        opener = opener_of(client_context, site_handler(), proxy=None if way == "site" else peer.url)
        url = {"site": peer.url, "proxy": "http://site.test/", "tunnel": "https://site.test/"}[way]
        with pytest.raises(urllib.error.URLError, match="did not prove who it is") as caught:
            opener.open(url, timeout=20)
        assert isinstance(caught.value.reason, PeerUnproven)
        opener.close()


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("proof", [FORGED, FORGED_WITH_TOKEN])
def test_a_wrong_proof_of_a_proxy_is_an_error_of_connections(proof: str) -> None:
    with ScriptedPeer(forger("proxy", proof)) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=20)
        connection.request("GET", "http://site.test/")
        with pytest.raises(PeerUnproven, match="did not prove who it is"):
            connection.getresponse()
        connection.close()


# With a password, and no ticket


@pytest.mark.usefixtures("realm")
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("account", [ALICE, BOB], ids=lambda account: account.user)
def test_a_password_at_the_proxy(
    squid_negotiate: Squid,
    apache: Apache,
    client_context: ssl.SSLContext,
    account: Account,
    url_scheme: str,
) -> None:
    with squid_negotiate.log.watch() as seen:
        opener = opener_of(client_context, proxy=url_with_password(squid_negotiate.netloc, account))
        echo(opener, f"{base(apache, url_scheme)}/echo", b"posted")
        opener.close()
    assert seen.entries[-1]["user"] == principal(account)


@pytest.mark.usefixtures("realm")
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("path", ["/kerberos/echo", "/several/echo"])
def test_a_password_at_a_site(
    apache: Apache, client_context: ssl.SSLContext, proofs: list[bool], path: str, url_scheme: str
) -> None:
    root = base(apache, url_scheme)
    opener = opener_of(client_context, with_password(site_handler(), root, BOB))
    assert echo(opener, root + path)["REMOTE_USER"] == principal(BOB)
    opener.close()
    assert proofs == [True]


def test_the_name_of_a_windows_domain_is_not_sent_to_the_kdc(
    realm: KDC, squid_negotiate_ntlm: Squid, apache: Apache, client_context: ssl.SSLContext
) -> None:
    before = log_of(realm)
    opener = opener_of(client_context, proxy=squid_negotiate_ntlm.url_for(BOB, qualified=True))
    echo(opener, f"{apache.url}/echo")
    opener.close()
    assert log_of(realm) == before


def log_of(kdc: KDC) -> str:
    return (kdc.directory / "kdc.log").read_text()


def failed_logins(kdc: KDC) -> int:
    return log_of(kdc).count(f" PREAUTH_FAILED: {principal(ALICE)} ")


def check_refusal(error: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert str(error.auth_report).startswith("Negotiate: the KDC refused the password")
    for text in (str(error), repr(error), str(error.auth_report), caplog.text):
        assert WRONG.password not in text
    if isinstance(error, urllib.error.HTTPError):
        error.close()


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("kind", ["kerberos", "several"])
def test_a_wrong_password_at_a_proxy_is_one_failed_login(
    realm: KDC,
    apache_proxy: ApacheProxy,
    apache: Apache,
    client_context: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
    kind: str,
    url_scheme: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    before = failed_logins(realm)
    with CountingRelay(apache_proxy.address(kind)) as relay:
        opener = opener_of(client_context, proxy=url_with_password(relay.netloc, WRONG))
        with pytest.raises(urllib.error.URLError, match="407") as caught:
            opener.open(f"{base(apache, url_scheme)}/echo", timeout=20)
        opener.close()
        check_refusal(caught.value, caplog)
    assert failed_logins(realm) == before + 1
    # Neither NTLM nor Basic has the password either.
    assert b"Authorization" not in b"".join(relay.sent)


@pytest.mark.parametrize("path", ["/kerberos/echo", "/several/echo"])
def test_a_wrong_password_at_a_site_is_one_failed_login(
    realm: KDC, apache: Apache, client_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    before = failed_logins(realm)
    opener = opener_of(client_context, with_password(site_handler(), apache.url, WRONG))
    with pytest.raises(urllib.error.HTTPError, match="401") as caught:
        opener.open(apache.url + path, timeout=20)
    opener.close()
    check_refusal(caught.value, caplog)
    assert failed_logins(realm) == before + 1


# With nothing


@pytest.mark.usefixtures("realm")
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
def test_without_a_ticket_the_report_says_so(
    squid_negotiate: Squid, apache: Apache, client_context: ssl.SSLContext, url_scheme: str
) -> None:
    opener = opener_of(client_context, proxy=squid_negotiate.url)
    with pytest.raises(urllib.error.URLError, match="407") as caught:
        opener.open(f"{base(apache, url_scheme)}/echo", timeout=20)
    opener.close()
    report = str(caught.value.auth_report)
    assert report.startswith("Negotiate: no ticket for HTTP@127.0.0.1: ")
    assert "No Kerberos credentials available" in report
    if isinstance(caught.value, urllib.error.HTTPError):
        caught.value.close()


@pytest.mark.usefixtures("realm")
def test_without_a_ticket_a_plain_socket_is_refused(squid_negotiate: Squid, nginx: Nginx) -> None:
    with pytest.raises(connect.TunnelError, match="407") as caught:
        connect.create_connection(("127.0.0.1", nginx.http_port), timeout=20, proxy=squid_negotiate.url)
    assert "no ticket for HTTP@127.0.0.1" in str(caught.value.report)
    caught.value.response.close()


# Bound to TLS


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
def test_a_ticket_is_bound_to_the_certificate_of_a_tls_proxy(
    kdc: KDC, ca: Authority, apache: Apache, monkeypatch: pytest.MonkeyPatch, url_scheme: str
) -> None:
    monkeypatch.setenv("KRB5_KTNAME", str(kdc.keytab))
    monkeypatch.setenv("KRB5RCACHENAME", "none:")
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    script = BoundProxy("Negotiate", certificate_of(ca), kerberos=True)
    url = "http://site.example/" if url_scheme == "http" else f"{apache.tls_url}/echo"
    with ScriptedPeer(script, tls=ca.server_context()) as peer:
        opener = opener_of(ca.client_context(), proxy=f"https://localhost:{peer.port}")
        assert opener.open(url, timeout=20).read()
        opener.close()
        assert (script.users, script.refusals) == ([principal(ALICE)], [])
        # It has a certificate that the client trusts, and is after the proxy's users.
        with ScriptedPeer(MiddleMan(peer.address, ca), tls=ca.server_context("localhost")) as middle:
            opener = opener_of(ca.client_context(), proxy=f"https://localhost:{middle.port}")
            with pytest.raises(urllib.error.URLError, match="407") as caught:
                opener.open(url, timeout=20)
            opener.close()
        if isinstance(caught.value, urllib.error.HTTPError):
            caught.value.close()
    assert len(script.users) == 1
    assert ["channel binding" in refusal.lower() for refusal in script.refusals] == [True], script.refusals
