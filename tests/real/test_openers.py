"""Openers against real proxies and servers, which verify the logins."""

from __future__ import annotations

import hashlib
import json
import logging
import ssl
import time
import tracemalloc
import urllib.error
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from real.login_matrix import PATHS, PROXY_HANDLERS, SITE_HANDLERS
from support.accounts import ALICE, BOB, Account
from support.apache import Apache, ApacheProxy
from support.certs import Authority
from support.nginx import Nginx
from support.relaying import CountingRelay
from support.squid import DigestLogin, Squid

from coda_network import ntlm_auth, urllib2

pytestmark = pytest.mark.servers

SCHEMES = ["Basic", "Digest", "NTLM", "Negotiate"]
URL_SCHEMES = ["http", "https"]
SECRET = "TOPSECRET"


@pytest.fixture(scope="session")
def squids(squid_basic: Squid, squid_digest: Squid, squid_ntlm: Squid, squid_negotiate_ntlm: Squid) -> dict[str, Squid]:
    return dict(zip(SCHEMES, (squid_basic, squid_digest, squid_ntlm, squid_negotiate_ntlm), strict=True))


def base(apache: Apache, url_scheme: str) -> str:
    return apache.url if url_scheme == "http" else apache.tls_url


def name_of(account: Account, scheme: str) -> str:
    return account.qualified if scheme in ("NTLM", "Negotiate") else account.user


def login(kind: Any, where: str, account: Account, scheme: str, password: str | None = None) -> Any:
    handler = kind(urllib2.HTTPPasswordMgrWithDefaultRealm())
    handler.add_password(None, where, name_of(account, scheme), password or account.password)
    return handler


def opener_of(context: ssl.SSLContext, *handlers: Any, proxy: str | None = None) -> Any:
    proxies = {} if proxy is None else {"http": proxy, "https": proxy}
    return urllib2.build_opener(urllib2.ProxyHandler(proxies), urllib2.HTTPSHandler(context=context), *handlers)


def echo(opener: Any, url: Any, data: Any = None) -> dict[str, Any]:
    with opener.open(url, data, timeout=20) as response:
        return json.loads(response.read())


# Sites


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("account", [ALICE, BOB], ids=lambda account: account.user)
def test_a_login_at_a_site(
    apache: Apache, client_context: ssl.SSLContext, scheme: str, url_scheme: str, account: Account
) -> None:
    root = base(apache, url_scheme)
    opener = opener_of(client_context, login(SITE_HANDLERS[scheme], root, account, scheme))
    for data in (None, b"posted", None):
        seen = echo(opener, f"{root}{PATHS[scheme]}?a=b", data)
        assert account.user in seen["REMOTE_USER"]
        assert seen["body_sha256"] == hashlib.sha256(data or b"").hexdigest()
    opener.close()


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_login_at_a_site_by_its_url(
    apache: Apache, client_context: ssl.SSLContext, scheme: str, url_scheme: str
) -> None:
    userinfo = BOB.qualified_userinfo if scheme in ("NTLM", "Negotiate") else BOB.userinfo
    opener = opener_of(client_context)
    url = base(apache, url_scheme).replace("://", f"://{userinfo}@") + PATHS[scheme]
    for _ in range(2):
        assert BOB.user in echo(opener, url)["REMOTE_USER"]
    opener.close()


@pytest.mark.parametrize("user", [ALICE.qualified, ALICE.user])
def test_the_names_that_ntlm_knows(apache: Apache, client_context: ssl.SSLContext, user: str) -> None:
    handler = ntlm_auth.HTTPNtlmAuthHandler()
    handler.add_password(None, apache.url, user, ALICE.password)
    opener = opener_of(client_context, handler)
    assert ALICE.user in echo(opener, f"{apache.url}/ntlm/echo")["REMOTE_USER"]
    opener.close()


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
def test_eight_digest_requests_take_one_connection_and_one_challenge(
    apache: Apache, client_context: ssl.SSLContext, url_scheme: str
) -> None:
    root = base(apache, url_scheme)
    opener = opener_of(client_context, login(SITE_HANDLERS["Digest"], root, ALICE, "Digest"))
    with apache.log.watch() as seen:
        for number in range(8):
            assert echo(opener, f"{root}/digest/echo/eight", b"data" if number % 2 else None)["REMOTE_USER"] == "alice"
        opener.close()
        time.sleep(0.05)
    assert seen.statuses.count(401) == 1
    assert seen.connections == 1


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
def test_eight_digest_requests_through_a_digest_proxy_take_one_connection(
    squid_digest: Squid, apache: Apache, client_context: ssl.SSLContext, url_scheme: str
) -> None:
    root = base(apache, url_scheme)
    with CountingRelay(squid_digest.address) as relay:
        handler = login(SITE_HANDLERS["Digest"], root, ALICE, "Digest")
        opener = opener_of(client_context, handler, proxy=f"http://{BOB.userinfo}@{relay.netloc}")
        for number in range(8):
            assert echo(opener, f"{root}/digest/echo", b"data" if number % 2 else None)["REMOTE_USER"] == "alice"
        opener.close()
    assert relay.connections == 1


def test_a_nonce_that_has_become_stale_is_replaced(apache: Apache, client_context: ssl.SSLContext) -> None:
    opener = opener_of(client_context, login(SITE_HANDLERS["Digest"], apache.url, ALICE, "Digest"))
    url = f"{apache.url}/digest-short/echo/stale"
    with apache.log.watch() as seen:
        echo(opener, url)
        time.sleep(3.1)
        assert echo(opener, url)["REMOTE_USER"] == ALICE.user
        opener.close()
    assert sorted(seen.statuses) == [200, 200, 401, 401]


def test_a_nonce_of_a_proxy_that_is_used_up_is_replaced(
    ca: Authority, nginx: Nginx, client_context: ssl.SSLContext
) -> None:
    with Squid(ca, DigestLogin(nonce_uses=3)) as squid:
        opener = opener_of(client_context, proxy=squid.url_for(BOB))
        with squid.log.watch() as seen:
            for _ in range(8):
                opener.open(nginx.url + nginx.small.path, timeout=20).read()
        opener.close()
    assert seen.statuses.count(200) == 8
    assert seen.statuses.count(407) <= 4


@pytest.mark.parametrize("way", ["site", "site over tls", "proxy", "tunnel"])
def test_four_requests_cost_one_ntlm_handshake(
    squid_ntlm: Squid, apache: Apache, client_context: ssl.SSLContext, way: str
) -> None:
    target = {"site": apache.address, "site over tls": ("127.0.0.1", apache.https_port)}.get(way, squid_ntlm.address)
    with CountingRelay(target) as relay:
        if way.startswith("site"):
            root = f"{'https' if 'tls' in way else 'http'}://localhost:{relay.port}"
            path = "/ntlm/echo"
            opener = opener_of(client_context, login(SITE_HANDLERS["NTLM"], root, BOB, "NTLM"))
        else:
            root, path = base(apache, "http" if way == "proxy" else "https"), "/echo"
            opener = opener_of(client_context, proxy=f"http://{BOB.qualified_userinfo}@{relay.netloc}")
        for _ in range(4):
            echo(opener, root + path)
        opener.close()
    assert relay.connections == 1
    handshakes = relay.sent[0].count(b"NTLM TlRMTVNTUAAB")
    assert handshakes == (0 if way == "site over tls" else 1)  # nothing to be seen inside of TLS


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
def test_basic_at_nginx(nginx: Nginx, client_context: ssl.SSLContext, url_scheme: str) -> None:
    root = nginx.url if url_scheme == "http" else nginx.tls_url
    opener = opener_of(client_context, login(SITE_HANDLERS["Basic"], root, BOB, "Basic"))
    for _ in range(3):
        with opener.open(f"{root}/basic{nginx.small.path}", timeout=20) as response:
            assert len(response.read()) == nginx.small.size
    opener.close()


# Proxies


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("library", ["urllib2", "patched"])
def test_the_login_in_the_url_of_a_proxy_serves_whatever_it_asks_for(
    squids: dict[str, Squid],
    apache: Apache,
    client_context: ssl.SSLContext,
    scheme: str,
    url_scheme: str,
    library: str,
) -> None:
    import urllib.request

    import coda_network

    module: ModuleType = urllib2
    if library == "patched":
        coda_network.patch()
        module = urllib.request
    try:
        proxy = squids[scheme].url_for(BOB, qualified=scheme in ("NTLM", "Negotiate"))
        opener = module.build_opener(
            module.ProxyHandler({url_scheme: proxy}), module.HTTPSHandler(context=client_context)
        )
        for data in (None, b"posted", None):
            assert echo(opener, f"{base(apache, url_scheme)}/echo", data)["body_length"] == len(data or b"")
        opener.close()
    finally:
        if library == "patched":
            coda_network.unpatch()


@pytest.mark.parametrize("kind", ["basic", "digest", "ntlm", "several"])
@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
def test_apache_as_proxy(
    apache_proxy: ApacheProxy, apache: Apache, client_context: ssl.SSLContext, kind: str, url_scheme: str
) -> None:
    userinfo = BOB.qualified_userinfo if kind in ("ntlm", "several") else BOB.userinfo
    opener = opener_of(client_context, proxy=apache_proxy.url(kind).replace("://", f"://{userinfo}@"))
    for data in (None, b"posted", None):
        assert echo(opener, f"{base(apache, url_scheme)}/echo", data)["body_length"] == len(data or b"")
    opener.close()


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("site", ["Basic", "Digest", "NTLM"])
@pytest.mark.parametrize("proxy", ["Basic", "Digest", "NTLM"])
def test_a_site_behind_a_proxy_responds_twice_and_with_a_query(
    squids: dict[str, Squid], apache: Apache, client_context: ssl.SSLContext, proxy: str, site: str, url_scheme: str
) -> None:
    root = base(apache, url_scheme)
    squid = squids[proxy]
    opener = opener_of(
        client_context,
        login(PROXY_HANDLERS[proxy], squid.netloc, ALICE, proxy),
        login(SITE_HANDLERS[site], root, BOB, site),
        proxy=squid.url,
    )
    for query in ("a=1&b=%20c", "next=http://x.example/?y"):
        seen = echo(opener, f"{root}{PATHS[site]}?{query}")
        assert (BOB.user in seen["REMOTE_USER"], seen["REQUEST_URI"].partition("?")[2]) == (True, query)
    opener.close()


def test_one_proxy_serves_two_sites_and_two_users(
    squid_ntlm: Squid, apache: Apache, nginx: Nginx, client_context: ssl.SSLContext
) -> None:
    site = login(SITE_HANDLERS["NTLM"], f"{apache.url}/ntlm/echo/alice", ALICE, "NTLM")
    site.add_password(None, f"{apache.url}/ntlm/echo/bob", BOB.qualified, BOB.password)
    opener = opener_of(client_context, site, proxy=squid_ntlm.url_for(BOB, qualified=True))
    for _ in range(2):
        assert ALICE.user in echo(opener, f"{apache.url}/ntlm/echo/alice")["REMOTE_USER"]
        assert opener.open(nginx.url + nginx.small.path, timeout=20).read()
        assert BOB.user in echo(opener, f"{apache.url}/ntlm/echo/bob")["REMOTE_USER"]
        assert echo(opener, f"{apache.url}/echo").get("REMOTE_USER") is None
    opener.close()


# Passwords that are wrong


def check_refusal(error: Any, code: int, scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    assert error.code == code
    assert str(code) in str(error)
    assert str(error.auth_report).startswith(scheme)
    assert "refused" in str(error.auth_report)
    for text in (str(error), repr(error), str(error.auth_report), caplog.text, repr(vars(error))):
        assert SECRET not in text
    if isinstance(error, urllib.error.HTTPError):
        error.close()


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_wrong_password_at_a_site_is_one_clear_error(
    apache: Apache, client_context: ssl.SSLContext, caplog: pytest.LogCaptureFixture, scheme: str, url_scheme: str
) -> None:
    caplog.set_level(logging.DEBUG)
    root = base(apache, url_scheme)
    opener = opener_of(client_context, login(SITE_HANDLERS[scheme], root, ALICE, scheme, SECRET))
    with apache.log.watch() as seen:
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(root + PATHS[scheme], timeout=20)
        opener.close()
        time.sleep(0.05)
    check_refusal(caught.value, 401, scheme, caplog)
    # Of each login one whole one: NTLM takes two requests more, the others one.
    assert seen.requests == (3 if scheme in ("NTLM", "Negotiate") else 2)


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_wrong_password_at_a_proxy_is_one_clear_error(
    squids: dict[str, Squid],
    apache: Apache,
    client_context: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
    scheme: str,
    url_scheme: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    with CountingRelay(squids[scheme].address) as relay:
        opener = opener_of(
            client_context,
            login(PROXY_HANDLERS[scheme], relay.netloc, ALICE, scheme, SECRET),
            proxy=f"http://{relay.netloc}",
        )
        with pytest.raises(urllib.error.URLError, match="407") as caught:
            opener.open(f"{base(apache, url_scheme)}/echo", timeout=20)
        opener.close()
        check_refusal(caught.value, 407, scheme, caplog)
    logins = b"".join(relay.sent).count(b"Proxy-Authorization: ")
    assert logins == (2 if scheme in ("NTLM", "Negotiate") else 1)


# Bodies


class Upload:
    """A body that can be read once, of many pieces."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.begun = 0
        self.digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        self.begun += 1
        while self.left:
            piece = (self.left % 251).to_bytes(1, "big") * min(self.left, 1 << 18)
            self.left -= len(piece)
            self.digest.update(piece)
            yield piece


@pytest.mark.parametrize("url_scheme", URL_SCHEMES)
def test_a_large_generator_goes_once_through_an_ntlm_proxy_to_an_ntlm_site(
    squid_ntlm: Squid, apache: Apache, client_context: ssl.SSLContext, url_scheme: str
) -> None:
    root, size = base(apache, url_scheme), 64 << 20
    opener = opener_of(
        client_context,
        login(SITE_HANDLERS["NTLM"], root, BOB, "NTLM"),
        proxy=squid_ntlm.url_for(ALICE, qualified=True),
    )
    upload = Upload(size)
    tracemalloc.start()
    try:
        seen = echo(opener, f"{root}/ntlm/echo", iter(upload))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        opener.close()
    assert (seen["body_length"], seen["body_sha256"]) == (size, upload.digest.hexdigest())
    assert upload.begun == 1
    assert peak < 8 << 20


def test_a_connection_on_which_squid_refused_a_large_body_is_not_used_again(
    squid_basic: Squid, apache: Apache, client_context: ssl.SSLContext
) -> None:
    opener = opener_of(client_context, proxy=squid_basic.url)
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(f"{apache.url}/echo", b"x" * 300_000, timeout=20)
        assert caught.value.code == 407
        caught.value.close()
    opener.close()
