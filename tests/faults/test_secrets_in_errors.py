"""No error shows a password, a token or an authorization: not in its texts, in its frames, in logs or debug output.

Every public way in, with every kind of failure.
"""

from __future__ import annotations

import http.client
import logging
import socket
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.error import HTTPError

import pytest
import requests
import urllib3
from support.accounts import ALICE
from support.leaks import BASIC, behind, leaks, secrets_in
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ClientGone, Script, ScriptedPeer, Wire

import coda_network
from coda_network import connect, httplib, ntlm_auth, urllib2, utilities
from coda_network.cli import main

LOGIN = ALICE.userinfo
HEADER = {"Authorization": f"Basic {BASIC}"}
PROXY_HEADER = {"Proxy-Authorization": f"Basic {BASIC}"}
SECONDS = 0.15


# -- the ways in: each goes to a site, or by way of a proxy, at an address


def opened(opener: Any, url: Any) -> None:
    try:
        with opener.open(url, timeout=SECONDS) as response:
            response.read()
    finally:
        opener.close()


def site_url(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({})), f"http://{LOGIN}@{netloc}/")


def https_site_url(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({})), f"https://{LOGIN}@{netloc}/")


def request_with_header(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({})), urllib2.Request(f"http://{netloc}/", headers=HEADER))


def upload(netloc: str) -> None:
    request = urllib2.Request(f"http://{netloc}/", iter([b"one", b"two"]), HEADER)
    opened(urllib2.build_opener(urllib2.ProxyHandler({})), request)


def proxy_url(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({"http": f"http://{LOGIN}@{netloc}"})), "http://127.0.0.9/")


def tunnel_proxy_url(netloc: str) -> None:
    opened(urllib2.build_opener(urllib2.ProxyHandler({"https": f"http://{LOGIN}@{netloc}"})), "https://127.0.0.9/")


def tunnel_proxy_header(netloc: str) -> None:
    request = urllib2.Request("https://127.0.0.9/", headers=PROXY_HEADER)
    opened(urllib2.build_opener(urllib2.ProxyHandler({"https": f"http://{netloc}"})), request)


def ntlm_handler(netloc: str) -> None:
    handler = ntlm_auth.HTTPNtlmAuthHandler()
    handler.add_password(None, f"http://{netloc}/", ALICE.qualified, ALICE.password)
    opened(urllib2.build_opener(urllib2.ProxyHandler({}), handler), f"http://{netloc}/")


def proxy_ntlm_handler(netloc: str) -> None:
    handler = ntlm_auth.ProxyNtlmAuthHandler()
    handler.add_password(None, netloc, ALICE.qualified, ALICE.password)
    opened(urllib2.build_opener(urllib2.ProxyHandler({"https": f"http://{netloc}"}), handler), "https://127.0.0.9/")


def with_urlopen(netloc: str) -> None:
    urllib2.urlopen(f"http://{LOGIN}@{netloc}/", timeout=SECONDS).close()


def with_urlretrieve(netloc: str) -> None:
    socket.setdefaulttimeout(SECONDS)
    urllib2.urlretrieve(f"http://{LOGIN}@{netloc}/")


def connected(make: Any, netloc: str, act: Callable[[Any], object]) -> None:
    connection = make(netloc, timeout=SECONDS)
    try:
        act(connection)
        connection.getresponse().read()
    finally:
        connection.close()


def by_request(connection: Any) -> None:
    connection.request("GET", "/", headers=HEADER)


def by_steps(connection: Any) -> None:
    connection.putrequest("GET", f"http://{LOGIN}@127.0.0.9/")
    for name, value in (HEADER | PROXY_HEADER).items():
        connection.putheader(name, value)
    connection.endheaders(b"body")


def by_tunnel(connection: Any) -> None:
    connection.set_tunnel("127.0.0.9", 443, PROXY_HEADER)
    connection.request("GET", "/", headers=HEADER)
    if connection.sock is None:
        raise OSError("refused, and no error")


def by_absolute_form(connection: Any) -> None:
    connection.request("GET", "http://127.0.0.9/", headers=PROXY_HEADER)


def httplib_request(netloc: str) -> None:
    connected(httplib.HTTPConnection, netloc, by_request)


def httplib_steps(netloc: str) -> None:
    connected(httplib.HTTPConnection, netloc, by_steps)


def httplib_tunnel(netloc: str) -> None:
    connected(httplib.HTTPSConnection, netloc, by_tunnel)


def httplib_absolute_form(netloc: str) -> None:
    connected(httplib.HTTPConnection, netloc, by_absolute_form)


def plain_socket(netloc: str) -> None:
    connect.create_connection(("127.0.0.9", 9), SECONDS, proxy=f"http://{LOGIN}@{netloc}").close()


def proxy_over_tls(netloc: str) -> None:
    connect.create_connection(("127.0.0.9", 9), SECONDS, proxy=f"https://{LOGIN}@{netloc}").close()


def chain(netloc: str) -> None:
    connect.do_connect_chain([f"http://{LOGIN}@{netloc}"], ("127.0.0.9", 9), SECONDS).close()


def connect_handle(netloc: str) -> None:
    proxies = urllib2.ProxyHandler({"https": f"http://{LOGIN}@{netloc}"})
    connect.create_connect_handle(f"https://{LOGIN}@127.0.0.9:9/", proxies, timeout_sec=SECONDS).connect_sock.close()


def download(netloc: str) -> None:
    code, _ = utilities.do_download(f"http://{LOGIN}@{netloc}/", timeout_sec=SECONDS)
    if code >= 300:
        raise OSError(f"status {code}")


def download_handle(netloc: str) -> None:
    with utilities.create_download_handle(
        "http://127.0.0.9/",
        proxy_handlers=urllib2.ProxyHandler({"http": f"http://{LOGIN}@{netloc}"}),
        headers=HEADER,
        timeout_sec=SECONDS,
    ) as handle:
        handle.read()


@coda_network.patched()
def patched_urlopen(netloc: str) -> None:
    urllib.request.urlopen(f"http://{LOGIN}@{netloc}/", timeout=SECONDS).close()


@coda_network.patched()
def patched_urlretrieve(netloc: str) -> None:
    socket.setdefaulttimeout(SECONDS)
    urllib.request.urlretrieve(f"http://{LOGIN}@{netloc}/")


@coda_network.patched(credentials=(ALICE.qualified, ALICE.password))
def patched_http_client(netloc: str) -> None:
    connected(http.client.HTTPConnection, netloc, by_steps)


@coda_network.patched()
def patched_urllib3_pool(netloc: str) -> None:
    with urllib3.PoolManager(retries=False, timeout=SECONDS, headers=HEADER) as pool:
        status = pool.request("GET", f"http://{netloc}/", redirect=False).status
        if status >= 300:
            raise OSError(f"status {status}")


@coda_network.patched()
def patched_requests(netloc: str) -> None:
    with requests.Session() as session:
        proxies = {"http": f"http://{LOGIN}@{netloc}", "https": f"http://{LOGIN}@{netloc}"}
        session.get("https://127.0.0.9/", proxies=proxies, timeout=SECONDS).raise_for_status()


WAYS = (
    site_url,
    https_site_url,
    request_with_header,
    upload,
    proxy_url,
    tunnel_proxy_url,
    tunnel_proxy_header,
    ntlm_handler,
    proxy_ntlm_handler,
    with_urlopen,
    with_urlretrieve,
    httplib_request,
    httplib_steps,
    httplib_tunnel,
    httplib_absolute_form,
    plain_socket,
    proxy_over_tls,
    chain,
    connect_handle,
    download,
    download_handle,
    patched_urlopen,
    patched_urlretrieve,
    patched_http_client,
    patched_urllib3_pool,
    patched_requests,
)


# -- the failures: what is at the address


def silent(wire: Wire) -> None:
    wire.read_to_end()


def cut_head(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def reset(wire: Wire) -> None:
    wire.read_head()
    wire.reset()


def no_http(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"SSH-2.0-OpenSSH_9.2\r\n")


def refused_login(wire: Wire) -> None:
    for head in wire.read_heads():
        is_proxy = head.startswith((b"CONNECT ", b"GET http:"))
        status = "407 Proxy Authentication Required" if is_proxy else "401 Unauthorized"
        wire.respond(b"no", status, f"{'Proxy' if is_proxy else 'WWW'}-Authenticate: Basic realm=here")


def refused_ntlm(wire: Wire) -> None:
    NtlmPeer("site")(wire)


def refused_proxy_ntlm(wire: Wire) -> None:
    NtlmPeer("proxy")(wire)


def redirect(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"", "302 Found", f"Location: gopher://{LOGIN}@127.0.0.9/")


def contradiction(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nbody")


FAILURES = (silent, cut_head, reset, no_http, refused_login, refused_ntlm, refused_proxy_ntlm, redirect, contradiction)


@pytest.fixture(autouse=True)
def users(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nobody may log in by NTLM; the default timeout stays as it is."""
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", [])))
    monkeypatch.setattr(urllib2, "_opener", None)
    monkeypatch.setattr(urllib.request, "_opener", None)
    before = socket.getdefaulttimeout()
    yield
    socket.setdefaulttimeout(before)
    modules: list[Any] = [urllib2, urllib.request]
    for module in modules:
        if module._opener is not None:
            module._opener.close()


def lenient(script: Script) -> Script:
    """Return a script that does not mind a client which leaves, or speaks TLS."""

    def run(wire: Wire) -> None:
        try:
            script(wire)
        except ClientGone:
            pass

    return run


def check(way: Callable[[str], None], netloc: str) -> BaseException | None:
    """Return the error of *way*, which shows no secret; None where it succeeds."""
    try:
        way(netloc)
    except Exception as error:
        failed = error
    else:
        return None
    assert leaks(failed) == []
    for each in behind(failed):
        if isinstance(each, HTTPError):
            each.close()
    return failed


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
def test_no_failure_of_a_peer_shows_a_secret(failure, caplog):
    caplog.set_level(logging.DEBUG, "coda_network")
    failed = 0
    with ScriptedPeer(lenient(failure)) as peer:
        for way in WAYS:
            failed += check(way, peer.netloc) is not None

    assert failed > len(WAYS) // 3
    assert secrets_in(caplog.text) == []


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nobody_who_listens_is_an_error_without_secrets(way):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert check(way, f"127.0.0.1:{bound.getsockname()[1]}") is not None


@pytest.mark.parametrize("failure", [refused_login, refused_ntlm, refused_proxy_ntlm], ids=lambda kind: kind.__name__)
def test_debug_output_shows_no_secret(failure, capsys, monkeypatch):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with ScriptedPeer(lenient(failure)) as peer:
        for way in WAYS:
            check(way, peer.netloc)
    printed = capsys.readouterr().out
    assert "header:" in printed
    assert secrets_in(printed) == []


# -- what a program writes wrongly

WRONG = (
    "http:/{}@127.0.0.1:9/",
    "//{}@127.0.0.1:9/",
    "{}@127.0.0.1:9/",
    "http://{}@127.0.0.1:port/",
    "http://{}@127.0.0.1:99999/",
    "http://{}@127.0.0.1 x:9/",
    "http://{}@127.0.0.1:9/a b",
    "http://{}@127.0.0.1:9/a\r\nb",
    "http://{}\n@127.0.0.1:9/",
    "http://{}@[::1/",
    "http://{}@127.0.0.1:9:9/",
    "http://{}/@127.0.0.1:9/",
    "http://{}@" + "a" * 70 + ".example/",
    "http://{}@\u2100.example/",
    "http://{}@",
    "nothing://{}@127.0.0.1/",
)
URLS = (
    lambda url: opened(urllib2.build_opener(urllib2.ProxyHandler({})), url),
    lambda url: opened(urllib2.build_opener(urllib2.ProxyHandler({"http": url})), "http://127.0.0.9:9/"),
    lambda url: opened(urllib2.build_opener(urllib2.ProxyHandler({"https": url})), "https://127.0.0.9:9/"),
    urllib2.Request,
    lambda url: coda_network.patched()(urllib.request.urlopen)(url),
    lambda url: connect.create_connection(("127.0.0.9", 9), SECONDS, proxy=url),
    lambda url: connect.do_connect_chain([url], ("127.0.0.9", 9), SECONDS),
    lambda url: connect.do_connect_chain([], url, SECONDS),
    lambda url: connect.create_connect_handle(url, timeout_sec=SECONDS),
    lambda url: utilities.do_download(url, timeout_sec=SECONDS),
    lambda url: utilities.create_download_handle(
        "http://127.0.0.9:9/", proxy_handlers=urllib2.ProxyHandler({"http": url}), timeout_sec=SECONDS
    ),
    lambda url: httplib.HTTPConnection(url.partition("//")[2].rstrip("/")).close(),
    lambda url: httplib.HTTPSConnection(url.partition("//")[2].rstrip("/")).close(),
    lambda url: connected(httplib.HTTPConnection, "127.0.0.1:9", lambda connection: connection.request("GET", url)),
    lambda url: connected(httplib.HTTPConnection, "127.0.0.1:9", lambda connection: connection.set_tunnel(url)),
    lambda url: connected(
        httplib.HTTPConnection,
        "127.0.0.1:9",
        lambda connection: (connection.set_tunnel(url.partition("//")[2], 443), connection.connect()),
    ),
)


@pytest.mark.parametrize("written", WRONG)
def test_no_url_that_is_written_wrongly_is_repeated(written):
    url = written.format(LOGIN)
    failures = [check(act, url) for act in URLS]
    assert len(failures) - failures.count(None) > len(URLS) // 2


@pytest.mark.parametrize("written", [*WRONG, "http://{}@127.0.0.1:9/"])
def test_the_commands_never_print_a_password(written, capsys, monkeypatch):
    url = written.format(LOGIN)
    assert main(["get", url]) != 0
    main(["check", url])
    main(["check", "--proxy", url, "http://127.0.0.9:9/"])
    monkeypatch.setenv("http_proxy", url)
    monkeypatch.setenv("https_proxy", url)
    assert main(["get", "http://127.0.0.9:9/"]) != 0
    main(["check", "https://127.0.0.9:9/"])
    printed = capsys.readouterr()
    assert secrets_in(printed.out + printed.err) == []


FIELDS = (
    ("Authorization", f"Basic {BASIC}\r\nX: y"),
    ("Authorization", f"Basic {BASIC}\0"),
    ("Authorization", f"Basic {BASIC}\u20ac"),
    ("Authorization", f"Basic {BASIC}\n".encode()),
    ("Proxy-Authorization", f"NTLM {BASIC}\r"),
    (f"Authorization: Basic {BASIC}", "x"),
    (f"Authorization\r\nX: Basic {BASIC}", "x"),
    (f"Authorization \u20ac {BASIC}", "x"),
)
WITH_FIELD = (
    lambda field: connected(httplib.HTTPConnection, "127.0.0.1:9", lambda it: it.request("GET", "/", None, field)),
    lambda field: connected(
        httplib.HTTPConnection, "127.0.0.1:9", lambda it: (it.set_tunnel("a", 1, field), it.connect())
    ),
    lambda field: connected(
        httplib.HTTPConnection,
        "127.0.0.1:9",
        lambda it: (it.putrequest("GET", "/"), *(it.putheader(*pair) for pair in field.items())),
    ),
    lambda field: opened(
        urllib2.build_opener(urllib2.ProxyHandler({})), urllib2.Request("http://127.0.0.1:9/", headers=field)
    ),
    lambda field: utilities.create_download_handle("http://127.0.0.1:9/", headers=field, timeout_sec=SECONDS),
)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("act", WITH_FIELD)
def test_no_field_that_is_refused_is_repeated(act, field):
    with pytest.raises((ValueError, OSError)) as caught:
        act(dict([field]))
    assert leaks(caught.value) == []


def test_an_interrupt_shows_no_secret(monkeypatch):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(socket, "getaddrinfo", interrupted)
    for way in (site_url, proxy_url, httplib_request, plain_socket, download, patched_http_client):
        with pytest.raises(KeyboardInterrupt) as caught:
            way("127.0.0.1:9")
        assert leaks(caught.value) == []


def test_credentials_that_are_none_are_not_shown():
    with pytest.raises(TypeError) as caught:
        coda_network.patch(credentials=f"{ALICE.user}:{ALICE.password}")
    assert leaks(caught.value) == []
    with pytest.raises(ValueError) as wrong:
        coda_network.patch((ALICE.user, ALICE.password), refused_seconds=-1)
    assert leaks(wrong.value) == []


def test_an_error_inside_a_patched_block_shows_no_credentials():
    with pytest.raises(ZeroDivisionError) as caught, coda_network.patched((ALICE.user, ALICE.password)):
        _ = 1 / 0
    assert leaks(caught.value) == []


def test_the_password_of_a_certificate_is_not_shown(ca):
    cert = (ca.client_certificate, ca.client_encrypted_key, ALICE.password)
    for make in (utilities.build_opener, lambda cert: httplib.HTTPSConnection("a", cert=cert)):
        with pytest.raises(OSError, match="password is wrong") as caught:
            make(cert=cert)
        assert leaks(caught.value) == []
