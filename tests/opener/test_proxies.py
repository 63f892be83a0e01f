"""Which proxy a request takes, and who logs in there."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.parse
import urllib.request
from types import ModuleType
from typing import Any

import pytest
from support.accounts import ALICE, BOB
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

HOSTILE = "p@ss:w/o?r#d %41\\ö"
"""What a password may hold, and a URL has to encode."""


def userinfo(user: str, password: str) -> str:
    return f"{urllib.parse.quote(user, safe='')}:{urllib.parse.quote(password, safe='')}"


def basic(user: str, password: str, encoding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode(encoding)).decode()


def fetch(opener: Any, url: Any) -> bytes:
    with opener.open(url, timeout=10) as response:
        return response.read()


# Which proxy


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_the_environment_names_the_proxy(
    library: ModuleType, origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    fetch(library.build_opener(), origin.url)
    # The standard library's openers do not look at ``all_proxy``, nor do they under the patch.
    assert len(proxy.requests) == (0 if name == "all_proxy" and library is urllib.request else 1)


def test_urlopen_takes_the_proxy_of_the_environment(
    library: ModuleType,
    tls_origin: Origin,
    proxy: Proxy,
    client_context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("https_proxy", proxy.url)
    for _ in range(2):
        library.urlopen(tls_origin.url, context=client_context, timeout=10).read()
    assert [seen.method for seen in proxy.requests] == ["CONNECT"]


@pytest.mark.parametrize(
    ("exempt", "by_proxy"),
    [
        ("127.0.0.1", False),
        ("127.0.0.0/8", False),
        ("10.0.0.0/8", True),
        ("*", False),
        ("localhost", True),
        ("127.0.0.1:{port}", False),
        ("127.0.0.1:1", True),
        ("example.org, 127.0.0.0/24", False),
        ("", True),
    ],
)
@pytest.mark.parametrize("login", ["", "user:password@"])
def test_no_proxy_names_the_hosts_that_are_reached_directly(
    library: ModuleType,
    origin: Origin,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    exempt: str,
    by_proxy: bool,
    login: str,
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", exempt.format(port=origin.port))
    fetch(library.build_opener(), f"http://{login}{origin.netloc}/")
    assert len(proxy.requests) == (1 if by_proxy else 0)


def test_an_empty_mapping_means_no_proxy(
    library: ModuleType, origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    fetch(library.build_opener(library.ProxyHandler({})), origin.url)
    assert proxy.requests == []


def test_a_proxy_url_without_a_scheme_is_an_http_proxy(library: ModuleType, origin: Origin, proxy: Proxy) -> None:
    fetch(library.build_opener(library.ProxyHandler({"http": proxy.netloc})), origin.url)
    assert len(proxy.requests) == 1


def test_a_proxy_gets_absolute_form_and_the_site_origin_form(library: ModuleType, origin: Origin, proxy: Proxy) -> None:
    fetch(library.build_opener(library.ProxyHandler({"http": proxy.url})), f"{origin.url}/a?b=c@d")
    assert proxy.requests[0].target == f"{origin.url}/a?b=c@d"
    assert proxy.requests[0].header("Host") == origin.netloc
    assert origin.requests[0].path == "/a?b=c@d"


# Logins in URLs


@pytest.mark.parametrize("user", ["user", "DOMAIN\\user", "user@domain.example", "Jürgen"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_userinfo_of_the_proxy_url_is_decoded_once(
    library: ModuleType, origin: Origin, tls_origin: Origin, client_context: ssl.SSLContext, user: str, scheme: str
) -> None:
    target = origin if scheme == "http" else tls_origin
    with Proxy((user, HOSTILE)) as proxy:
        url = f"http://{userinfo(user, HOSTILE)}@{proxy.netloc}"
        handlers = library.ProxyHandler({scheme: url}), library.HTTPSHandler(context=client_context)
        opener = library.build_opener(*handlers)
        for _ in range(2):
            fetch(opener, target.url)
        opener.close()
    statuses = [seen.status for seen in proxy.requests]
    assert statuses[-1] == 200
    assert statuses.count(407) <= 1
    assert all(seen.header("Proxy-Authorization") is None for seen in target.requests)


def test_our_proxy_handler_waits_until_the_proxy_asks(origin: Origin, basic_proxy: Proxy) -> None:
    from coda_network import urllib2

    opener = urllib2.build_opener(urllib2.ProxyHandler({"http": basic_proxy.url_with_login}))
    for _ in range(2):
        fetch(opener, origin.url)
    opener.close()
    assert [seen.header("Proxy-Authorization") is None for seen in basic_proxy.requests] == [True, False, False]
    assert basic_proxy.connections == 1


def test_the_patched_one_sends_basic_unasked_as_the_standard_library_does(origin: Origin, basic_proxy: Proxy) -> None:
    import urllib.request

    import coda_network

    with coda_network.patched():
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": basic_proxy.url_with_login}))
        for _ in range(2):
            fetch(opener, origin.url)
        opener.close()
    assert [seen.status for seen in basic_proxy.requests] == [200, 200]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_set_proxy_takes_userinfo_too(
    library: ModuleType,
    origin: Origin,
    tls_origin: Origin,
    basic_proxy: Proxy,
    client_context: ssl.SSLContext,
    scheme: str,
) -> None:
    opener = library.build_opener(library.HTTPSHandler(context=client_context))
    request = library.Request((origin if scheme == "http" else tls_origin).url)
    request.set_proxy(f"{ALICE.userinfo}@{basic_proxy.netloc}", "http")
    for _ in range(2):
        fetch(opener, request)
    opener.close()
    assert basic_proxy.requests[-1].status == 200


@pytest.mark.parametrize("way", ["direct", "proxy", "tunnel"])
@pytest.mark.parametrize("user", ["user", "DOMAIN\\user", "user@domain.example"])
def test_the_userinfo_of_a_site_url_is_used_when_the_site_asks(
    library: ModuleType, ca: Any, proxy: Proxy, client_context: ssl.SSLContext, way: str, user: str
) -> None:
    with Origin(ca.server_context() if way == "tunnel" else None) as site:
        handlers = [library.HTTPSHandler(context=client_context)]
        handlers += [library.ProxyHandler({} if way == "direct" else {"http": proxy.url, "https": proxy.url})]
        opener = library.build_opener(*handlers)
        path = "/".join(urllib.parse.quote(part, safe="") for part in ("/basic", user, HOSTILE))
        path = "/basic/" + "/".join(urllib.parse.quote(part, safe="") for part in (user, HOSTILE))
        scheme = "https" if way == "tunnel" else "http"
        for _ in range(2):
            fetch(opener, f"{scheme}://{userinfo(user, HOSTILE)}@{site.netloc}{path}")
        opener.close()
        headers = [seen.header("Authorization") for seen in site.requests]
        assert headers == [None, basic(user, HOSTILE), basic(user, HOSTILE)]
        assert {seen.header("Host") for seen in site.requests} == {site.netloc}
        assert {seen.path for seen in site.requests} == {path}
    for seen in proxy.requests:
        assert "@" not in seen.target
        assert HOSTILE not in str(seen)


def test_a_url_without_userinfo_does_not_use_that_of_another_one(library: ModuleType, origin: Origin) -> None:
    opener = library.build_opener()
    path = "/basic/user/secret"
    fetch(opener, f"http://user:secret@{origin.netloc}{path}")
    with pytest.raises(urllib.error.HTTPError) as caught:
        fetch(opener, origin.url + path)
    caught.value.close()
    opener.close()
    assert caught.value.code == 401
    assert origin.requests[-1].header("Authorization") is None


def every_text(error: BaseException) -> str:
    """What a traceback shows of an error and of those behind it, and what its parts look like."""
    import traceback

    shown = "".join(traceback.format_exception(error))
    while error.__context__ is not None:
        error = error.__context__
        shown += repr(error)
    return shown + repr(error.args)


def hang_up(wire: Wire) -> None:
    wire.read_head()


@pytest.mark.parametrize("where", ["proxy", "site", "tunnel"])
def test_no_secret_is_in_the_text_of_an_error(library: ModuleType, client_context: ssl.SSLContext, where: str) -> None:
    url = {
        "proxy": "http://site.example/",
        "site": "http://user:TOPSECRET@{netloc}/",
        "tunnel": "https://site.example/",
    }
    with ScriptedPeer(hang_up) as peer:
        proxies = {} if where == "site" else dict.fromkeys(("http", "https"), f"http://user:TOPSECRET@{peer.netloc}")
        opener = library.build_opener(library.ProxyHandler(proxies), library.HTTPSHandler(context=client_context))
        with pytest.raises((urllib.error.URLError, ConnectionError)) as caught:
            opener.open(url[where].format(netloc=peer.netloc), timeout=10)
        opener.close()
    lines = [line for line in every_text(caught.value).splitlines() if 'f"http' not in line]
    assert "TOPSECRET" not in "\n".join(lines)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_wrong_password_is_sent_once(
    library: ModuleType,
    origin: Origin,
    tls_origin: Origin,
    basic_proxy: Proxy,
    client_context: ssl.SSLContext,
    scheme: str,
) -> None:
    url = f"http://{ALICE.user}:TOPSECRET@{basic_proxy.netloc}"
    passwords = library.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, basic_proxy.netloc, ALICE.user, "TOPSECRET")
    opener = library.build_opener(
        library.ProxyHandler({scheme: url}),
        library.HTTPSHandler(context=client_context),
        library.ProxyBasicAuthHandler(passwords),
        library.ProxyDigestAuthHandler(passwords),
    )
    with pytest.raises(urllib.error.URLError, match="407") as caught:
        opener.open((origin if scheme == "http" else tls_origin).url, timeout=10)
    error: Any = caught.value
    sent = [seen.header("Proxy-Authorization") for seen in basic_proxy.requests]
    assert len([header for header in sent if header is not None]) == 1
    assert str(error.auth_report) == "Basic: the user name or password was refused"
    assert "TOPSECRET" not in every_text(error) + repr(error) + repr(vars(error))
    if isinstance(error, urllib.error.HTTPError):
        error.close()
    opener.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("handler", ["ProxyBasicAuthHandler", "url", "header"])
def test_handler_url_or_header_may_name_who_logs_in_at_a_proxy(
    library: ModuleType,
    origin: Origin,
    tls_origin: Origin,
    client_context: ssl.SSLContext,
    scheme: str,
    handler: str,
) -> None:
    with Proxy((BOB.user, BOB.password)) as proxy:
        handlers = [library.HTTPSHandler(context=client_context)]
        request = library.Request((origin if scheme == "http" else tls_origin).url)
        if handler == "ProxyBasicAuthHandler":
            passwords = library.HTTPPasswordMgr()
            passwords.add_password("coda proxy", proxy.netloc, BOB.user, BOB.password)
            handlers += [library.ProxyBasicAuthHandler(passwords)]
        elif handler == "header":
            request.add_header("Proxy-Authorization", basic(BOB.user, BOB.password))
        login = f"{BOB.userinfo}@" if handler == "url" else ""
        handlers += [library.ProxyHandler({scheme: f"http://{login}{proxy.netloc}"})]
        opener = library.build_opener(*handlers)
        for _ in range(3):
            assert fetch(opener, request)
        opener.close()
    assert proxy.connections == 1
    assert [seen.status for seen in proxy.requests].count(407) <= 1
    seen_by_site = (origin if scheme == "http" else tls_origin).requests
    assert len(seen_by_site) == 3
    assert not any(name.lower().startswith("proxy") for seen in seen_by_site for name, _ in seen.headers)


def test_a_tunnel_serves_only_requests_with_the_authorization_that_opened_it(
    library: ModuleType, tls_origin: Origin, proxy: Proxy, client_context: ssl.SSLContext
) -> None:
    opener = library.build_opener(
        library.ProxyHandler({"https": proxy.url}), library.HTTPSHandler(context=client_context)
    )
    for token in ("one", "two", "one", None):
        headers = {} if token is None else {"Proxy-Authorization": f"Bearer {token}"}
        fetch(opener, library.Request(tls_origin.url, headers=headers))
    opener.close()
    assert [seen.header("Proxy-Authorization") for seen in proxy.requests] == ["Bearer one", "Bearer two", None]
    assert [seen.header("Proxy-Authorization") for seen in tls_origin.requests] == [None] * 4
