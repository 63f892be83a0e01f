"""What a program gives is not repeated in the error that refuses it: a URL, a field, credentials, a certificate."""

from __future__ import annotations

import urllib.request

import pytest
from support.accounts import ALICE
from support.leaks import BASIC, check, leaks, secrets_in
from support.ways_in import LOGIN, SECONDS, connected, opened

import coda_network
from coda_network import connect, httplib, urllib2, utilities
from coda_network.cli import main

pytestmark = pytest.mark.usefixtures("users")

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
