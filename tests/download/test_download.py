"""`do_download()`: the real status, the body or None, and an exception where there was no response."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import ssl
import urllib.request
from http.client import IncompleteRead, InvalidURL
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from support.accounts import ALICE, BOB
from support.apache import Apache
from support.certs import CLIENT_KEY_PASSWORD, Authority
from support.nginx import Nginx
from support.origin import Origin, patterned
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.relaying import CountingRelay
from support.squid import Squid

from coda_network import do_download, ntlm_auth, urllib2


@pytest.fixture
def trusted(ca: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """The default context trusts the authority of the tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))


def test_a_body_comes_with_its_status(origin: Origin) -> None:
    assert do_download(f"{origin.url}/bytes/70000") == (200, patterned(70000))


@pytest.mark.parametrize("path", ["/chunked", "/close", "/no-length", "/http10"])
def test_every_framing_is_read_to_its_end(origin: Origin, path: str) -> None:
    code, data = do_download(origin.url + path)
    assert (code, json.loads(data or b"")["path"]) == (200, path)


@pytest.mark.parametrize("code", [204, 400, 401, 403, 404, 410, 500, 503])
def test_the_code_is_the_real_one(origin: Origin, code: int) -> None:
    assert do_download(f"{origin.url}/status/{code}") == (code, b"" if code == 204 else None)


def test_redirects_are_followed(origin: Origin) -> None:
    code, data = do_download(f"{origin.url}/redirect/302?to={origin.url}/bytes/10")
    assert (code, data) == (200, patterned(10))


def test_a_redirect_without_end_is_an_error_of_the_server() -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"", "302 Found", "Location: /again")

    with ScriptedPeer(script) as peer:
        assert do_download(peer.url) == (302, None)


@pytest.mark.parametrize(
    ("postdata", "body", "content_type"),
    [
        (b"\x00\xff", b"\x00\xff", "application/x-www-form-urlencoded"),
        ("süß", "süß".encode(), "application/x-www-form-urlencoded"),
        ({"a": "1 &", "b": "ö"}, b"a=1+%26&b=%C3%B6", "application/x-www-form-urlencoded"),
        ({"a": ["1", "2"]}, b"a=1&a=2", "application/x-www-form-urlencoded"),
        ({}, b"", "application/x-www-form-urlencoded"),
        (io.BytesIO(b"from a file"), b"from a file", "application/x-www-form-urlencoded"),
    ],
    ids=["bytes", "text", "mapping", "mapping of lists", "empty mapping", "file"],
)
def test_postdata_makes_it_a_post(origin: Origin, postdata: Any, body: bytes, content_type: str) -> None:
    do_download(f"{origin.url}/form", postdata)
    [seen] = origin.requests
    assert (seen.method, seen.body_length, seen.body_sha256) == ("POST", len(body), hashlib.sha256(body).hexdigest())
    assert seen.header("Content-Type") == content_type


# -- no response


def test_a_port_where_nobody_listens_is_connection_refused() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(URLError, match="Connection refused") as caught:
            do_download(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert isinstance(caught.value.reason, ConnectionRefusedError)


@pytest.mark.parametrize("timeout_sec", [None, 5])
def test_a_host_that_does_not_exist_is_a_url_error(monkeypatch: pytest.MonkeyPatch, timeout_sec: float | None) -> None:
    def fail(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(URLError, match="not known") as caught:
        do_download("http://nowhere.example/", timeout_sec=timeout_sec)
    assert isinstance(caught.value.reason, socket.gaierror)


@pytest.mark.parametrize("timeout_sec", [None, 5])
def test_a_certificate_that_nobody_trusts_is_a_url_error(tls_origin: Origin, timeout_sec: float | None) -> None:
    with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        do_download(tls_origin.url, timeout_sec=timeout_sec)
    assert isinstance(caught.value.reason, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 twohundred OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nA"])
def test_what_is_no_response_is_a_url_error(reply: bytes) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(reply)

    with ScriptedPeer(script) as peer, pytest.raises(URLError):
        do_download(peer.url)


@pytest.mark.parametrize("timeout_sec", [None, 5])
@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 10\r\n\r\nabc",
        b"Content-Length: 10\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_a_body_that_is_cut_short_is_never_success(body: bytes, timeout_sec: float | None) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n" + body)

    with ScriptedPeer(script) as peer, pytest.raises(IncompleteRead):
        do_download(peer.url, timeout_sec=timeout_sec)


def test_a_reset_in_the_middle_is_a_url_error() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        wire.reset()

    with ScriptedPeer(script) as peer, pytest.raises((URLError, IncompleteRead)):
        do_download(peer.url)


@pytest.mark.parametrize("url", ["", "no-scheme", "http:///path", "http://host:port/", "http://ho st/"])
def test_a_url_that_makes_no_sense_is_said_to_be_one(url: str) -> None:
    with pytest.raises((ValueError, InvalidURL, URLError)):
        do_download(url)


# -- proxies and logins


def test_a_proxy_is_asked_without_the_password_first(origin: Origin, basic_proxy: Proxy) -> None:
    handler = urllib2.ProxyHandler({"http": basic_proxy.url_with_login})
    assert do_download(f"{origin.url}/bytes/3", proxy_handlers=handler)[0] == 200
    assert [request.header("Proxy-Authorization") is None for request in basic_proxy.requests] == [True, False]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_refuses_is_its_own_code(basic_proxy: Proxy, scheme: str) -> None:
    handlers = [urllib2.ProxyHandler({scheme: basic_proxy.url})]
    assert do_download(f"{scheme}://far.example/", proxy_handlers=handlers) == (407, None)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("timeout_sec", [None, 20])
def test_all_connections_are_closed_in_the_end(tls_origin: Origin, proxy: Proxy, timeout_sec: float | None) -> None:
    with CountingRelay(proxy.address) as relay:
        handler = urllib2.ProxyHandler({"https": f"http://{relay.netloc}"})
        url = f"{tls_origin.url}/redirect/302?to={tls_origin.url}/bytes/5"
        assert do_download(url, proxy_handlers=handler, timeout_sec=timeout_sec) == (200, patterned(5))
        # The relay notes what a client has sent once the client has gone.
        assert relay.connections == 1


@pytest.mark.servers
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("timeout_sec", [None, 20])
@pytest.mark.parametrize("login", ["squid", "squid_basic", "squid_digest", "squid_ntlm", "squid_negotiate_ntlm"])
def test_each_login_of_a_real_proxy(
    request: pytest.FixtureRequest, nginx: Nginx, login: str, timeout_sec: float | None
) -> None:
    squid: Squid = request.getfixturevalue(login)
    url = squid.url_for(ALICE, qualified="ntlm" in login)
    handler = urllib2.ProxyHandler({"http": url, "https": url})
    for base in (nginx.url, nginx.tls_url):
        expected = nginx.small.place.read_bytes()
        assert do_download(base + nginx.small.path, None, handler, timeout_sec=timeout_sec) == (200, expected)


@pytest.mark.servers
@pytest.mark.usefixtures("trusted")
def test_a_password_is_never_sent_in_clear_to_an_ntlm_proxy(squid_ntlm: Squid, nginx: Nginx) -> None:
    with CountingRelay(squid_ntlm.address) as relay:
        url = f"http://{ALICE.qualified_userinfo}@{relay.netloc}"
        handler = urllib2.ProxyHandler({"https": url})
        assert do_download(nginx.tls_url + nginx.small.path, proxy_handlers=handler)[0] == 200
    sent = b"".join(relay.sent)
    assert b"Proxy-Authorization: NTLM " in sent
    assert b"Basic" not in sent


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["basic", "digest", "ntlm", "several"])
def test_each_login_of_a_real_site_by_handler(apache: Apache, kind: str) -> None:
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, apache.url, ALICE.user, ALICE.password)
    logins: list[urllib.request.BaseHandler] = [
        urllib2.HTTPBasicAuthHandler(passwords),
        urllib2.HTTPDigestAuthHandler(passwords),
    ]
    if kind in ("ntlm", "several"):
        logins = [ntlm_auth.HTTPNtlmAuthHandler()]
        logins[0].add_password(None, apache.url, ALICE.qualified, ALICE.password)
    code, data = do_download(f"{apache.url}/{kind}/echo", auth_handlers=logins)
    assert code == 200
    assert ALICE.user in json.loads(data or b"")["REMOTE_USER"]


@pytest.mark.servers
@pytest.mark.parametrize("kind", ["basic", "digest", "ntlm"])
def test_a_login_in_the_url_serves_too(apache: Apache, kind: str) -> None:
    account = BOB if kind == "ntlm" else ALICE
    userinfo = account.qualified_userinfo if kind == "ntlm" else account.userinfo
    url = f"{apache.url}/{kind}/echo".replace("://", f"://{userinfo}@")
    assert do_download(url)[0] == 200
    assert do_download(f"{apache.url}/{kind}/echo") == (401, None)


# -- client certificates


@pytest.mark.servers
@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("timeout_sec", [None, 20])
@pytest.mark.parametrize("form", ["one file", "two files", "with password"])
def test_a_client_certificate_is_shown_also_through_a_tunnel(
    nginx: Nginx, squid: Squid, ca: Authority, form: str, timeout_sec: float | None
) -> None:
    cert: Any = {
        "one file": str(ca.client_combined),
        "two files": (ca.client_certificate, ca.client_key),
        "with password": (ca.client_certificate, ca.client_encrypted_key, CLIENT_KEY_PASSWORD),
    }[form]
    url = nginx.client_certificate_url + nginx.small.path
    through = urllib2.ProxyHandler({"https": squid.url})
    for handler in (urllib2.ProxyHandler({}), through):
        assert do_download(url, proxy_handlers=handler, cert=cert, timeout_sec=timeout_sec)[0] == 200
        assert do_download(url, proxy_handlers=handler, timeout_sec=timeout_sec) == (400, None)


@pytest.mark.parametrize("timeout_sec", [None, 20])
def test_what_is_trusted_is_what_the_trust_store_says_now(
    tls_origin: Origin, ca: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, timeout_sec: float | None
) -> None:
    store = tmp_path / "store.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(store))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    stranger = Authority(tmp_path)
    for trusted in (stranger, ca, stranger):
        store.write_bytes(trusted.bundle.read_bytes())
        if trusted is ca:
            assert do_download(tls_origin.url, timeout_sec=timeout_sec)[0] == 200
            continue
        with pytest.raises(URLError, match="CERTIFICATE_VERIFY_FAILED"):
            do_download(tls_origin.url, timeout_sec=timeout_sec)


def test_a_certificate_that_cannot_be_read_is_an_error_that_names_it(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.pem")
    with pytest.raises(FileNotFoundError) as caught:
        do_download("https://127.0.0.1:1/", cert=missing)
    assert caught.value.filename == missing
