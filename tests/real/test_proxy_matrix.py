"""Every kind of proxy with every login that it has, real servers: requests of each kind, and how many connections.

Tickets are in the table too, for `tox -e kerberos`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from support.accounts import ALICE
from support.apache import Apache, ApacheProxy
from support.certs import Authority
from support.guard import Connects
from support.servers import free_port
from support.socks import Dante, Microsocks
from support.squid import Squid

import coda_network
from coda_network import urllib2
from coda_network.connect import create_connection, start_tls

pytestmark = pytest.mark.servers

BODY = bytes(range(256)) * (5 << 12)
SQUIDS = {
    "none": "squid",
    "Basic": "squid_basic",
    "Digest": "squid_digest",
    "NTLM": "squid_ntlm",
    "Negotiate": "squid_negotiate_ntlm",
    "Kerberos": "squid_negotiate",
}
LOGINS = list(SQUIDS)


class Way(NamedTuple):
    """The address of the first proxy, and the URLs of all."""

    first: tuple[str, int]
    urls: list[str]


def way(first: tuple[str, int], scheme_and_userinfo: str, *more: str) -> Way:
    """Return the way by a proxy at an address, and by those behind it."""
    return Way(first, [f"{scheme_and_userinfo}{first[0]}:{first[1]}", *more])


def squid_of(request: pytest.FixtureRequest, login: str) -> Squid:
    found: Squid = request.getfixturevalue(SQUIDS[login])
    return found


def userinfo(login: str) -> str:
    if login in ("none", "Kerberos"):
        return ""
    return f"{ALICE.qualified_userinfo if login in ('NTLM', 'Negotiate') else ALICE.userinfo}@"


def http_squid(request: pytest.FixtureRequest, login: str) -> Way:
    return way(squid_of(request, login).address, f"http://{userinfo(login)}")


def tls_squid(request: pytest.FixtureRequest, login: str) -> Way:
    return way(("127.0.0.1", squid_of(request, login).tls_port), f"https://{userinfo(login)}")


def tls_apache(request: pytest.FixtureRequest, login: str) -> Way:
    server: ApacheProxy = request.getfixturevalue("apache_proxy")
    return way(("127.0.0.1", server.tls_ports[login.lower()]), f"https://{userinfo(login)}")


def microsocks(request: pytest.FixtureRequest, login: str) -> Way:
    server: Microsocks = request.getfixturevalue("microsocks" if login == "none" else "microsocks_login")
    return way(server.address, f"socks5h://{userinfo(login)}")


def dante_4(request: pytest.FixtureRequest, login: str) -> Way:
    server: Dante = request.getfixturevalue("dante")
    return way(server.address, "socks4://")


def dante_5(request: pytest.FixtureRequest, login: str) -> Way:
    server: Dante = request.getfixturevalue("dante")
    return way(server.address, "socks5://")


def http_then_socks(request: pytest.FixtureRequest, login: str) -> Way:
    server: Microsocks = request.getfixturevalue("microsocks")
    return way(squid_of(request, login).address, f"http://{userinfo(login)}", f"socks5h://127.0.0.1:{server.port}")


def tls_then_http(request: pytest.FixtureRequest, login: str) -> Way:
    first, second = squid_of(request, "none"), squid_of(request, login)
    return way(("127.0.0.1", first.tls_port), "https://", f"http://{userinfo(login)}{second.netloc}")


ROWS = {
    "http squid": (http_squid, LOGINS),
    "TLS squid": (tls_squid, LOGINS),
    "TLS Apache": (tls_apache, ["Basic", "Digest", "NTLM", "Kerberos"]),
    "microsocks, SOCKS5": (microsocks, ["none", "Basic"]),
    "dante, SOCKS4": (dante_4, ["none"]),
    "dante, SOCKS5": (dante_5, ["none"]),
    "http squid -> SOCKS5": (http_then_socks, LOGINS),
    "TLS squid -> http squid": (tls_then_http, LOGINS),
}


def cells(rows: Iterable[str]) -> list[Any]:
    """Return the cells of some rows of the table; those with tickets are for tox -e kerberos."""
    found = []
    for row in rows:
        by, logins = ROWS[row]
        for login in logins:
            marks = [pytest.mark.kerberos] if login == "Kerberos" else []
            found.append(pytest.param(by, login, id=f"{row}, {login}", marks=marks))
    return found


CELLS = cells(ROWS)
NAMED_TO_REQUESTS = cells(row for row in ROWS if "->" not in row)


@pytest.fixture(autouse=True)
def ticket(request: pytest.FixtureRequest) -> None:
    """The cells with tickets have one."""
    if request.getfixturevalue("login") == "Kerberos":
        request.getfixturevalue("alice_ticket")


@pytest.fixture
def trusts_the_ca(monkeypatch: pytest.MonkeyPatch, ca: Authority) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))


def check_echo(text: bytes, method: str) -> None:
    echo = json.loads(text)
    body = BODY if method == "POST" else b""
    assert (echo["REQUEST_METHOD"], echo["body_sha256"]) == (method, hashlib.sha256(body).hexdigest())
    assert "HTTP_PROXY_AUTHORIZATION" not in echo


@pytest.mark.parametrize("client", ["opener", "patched"])
@pytest.mark.parametrize(("by", "login"), CELLS)
@pytest.mark.usefixtures("trusts_the_ca")
def test_each_kind_of_proxy_carries_each_kind_of_request(
    request: pytest.FixtureRequest, apache: Apache, by: Any, login: str, client: str
) -> None:
    first, proxies = by(request, login)
    with contextlib.ExitStack() as stack:
        proxy = stack.enter_context(Connects(first))
        if client == "patched":
            stack.enter_context(coda_network.patched(https_proxies=True))
        library: Any = urllib2 if client == "opener" else urllib.request
        given = proxies[0] if len(proxies) == 1 else proxies
        opener = library.build_opener(library.ProxyHandler({"http": given, "https": given}))
        stack.callback(opener.close)
        for url in (apache.url, apache.tls_url):
            for method, body in (("GET", None), ("POST", BODY)):
                with opener.open(library.Request(f"{url}/echo", body), timeout=20) as response:
                    check_echo(response.read(), method)
        # One for http sites and one tunnel, both used twice and logged in once.
        assert proxy.connections == 2


# To a TLS proxy requests looks at no certificate where the site is an http one.
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize(("by", "login"), NAMED_TO_REQUESTS)
def test_each_kind_of_proxy_carries_each_kind_of_request_of_requests(
    request: pytest.FixtureRequest, apache: Apache, ca: Authority, by: Any, login: str
) -> None:
    first, [url] = by(request, login)
    with Connects(first) as proxy, coda_network.patched(), requests.Session() as session:
        session.trust_env, session.verify = False, str(ca.bundle)
        session.proxies = dict.fromkeys(("http", "https"), url)
        for site in (apache.url, apache.tls_url):
            for method, body in (("GET", None), ("POST", BODY)):
                response = session.request(method, f"{site}/echo", data=body, timeout=20)
                check_echo(response.content, method)
        assert proxy.connections == 2


@pytest.mark.parametrize(("by", "login"), CELLS)
@pytest.mark.usefixtures("trusts_the_ca")
def test_each_kind_of_proxy_carries_a_plain_socket_and_tls_in_it(
    request: pytest.FixtureRequest, apache: Apache, ca: Authority, by: Any, login: str
) -> None:
    first, proxies = by(request, login)
    with Connects(first) as proxy:
        with create_connection(("localhost", apache.http_port), 20, proxy=proxies) as sock:
            sock.sendall(b"GET /echo HTTP/1.0\r\nHost: localhost\r\n\r\n")
            assert sock.makefile("rb").readline().startswith(b"HTTP/1.1 200")
        sock = create_connection(("localhost", apache.https_port), 20, proxy=proxies)
        with start_tls(sock, ca.client_context(), "localhost") as tls:
            tls.sendall(b"GET /echo HTTP/1.0\r\nHost: localhost\r\n\r\n")
            with tls.makefile("rb") as file:
                assert file.readline().startswith(b"HTTP/1.1 200")
        assert proxy.connections == 2


@pytest.mark.parametrize("client", ["opener", "patched"])
@pytest.mark.parametrize(
    "login", [pytest.param(login, marks=[pytest.mark.kerberos] if login == "Kerberos" else []) for login in LOGINS]
)
@pytest.mark.usefixtures("trusts_the_ca")
def test_a_pac_file_chooses_among_them(
    request: pytest.FixtureRequest, apache: Apache, microsocks: Microsocks, tmp_path: Path, login: str, client: str
) -> None:
    squid = squid_of(request, login)
    text = f"""
    function FindProxyForURL(url, host) {{
        if (url.indexOf("https:") === 0) return "PROXY 127.0.0.1:{free_port()}; HTTPS 127.0.0.1:{squid.tls_port}";
        if (isPlainHostName(host)) return "PROXY {squid.netloc}";
        if (isInNet(host, "127.0.0.0", "255.0.0.0")) return "SOCKS5 127.0.0.1:{microsocks.port}";
        return "PROXY 127.0.0.1:{free_port()}";
    }}
    """
    has_password = login not in ("none", "Kerberos")
    credentials = (ALICE.qualified if login in ("NTLM", "Negotiate") else ALICE.user, ALICE.password)
    path = tmp_path / "proxy.pac"
    path.write_text(text, encoding="utf-8")
    library: Any = urllib2 if client == "opener" else urllib.request
    addresses = microsocks.address, squid.address, ("127.0.0.1", squid.tls_port)
    with contextlib.ExitStack() as stack:
        stack.enter_context(coda_network.patched(credentials if has_password else None, pac=str(path)))
        by_socks, by_http, by_tls = (stack.enter_context(Connects(address)) for address in addresses)
        with contextlib.closing(library.build_opener()) as opener:
            for url in (apache.url.replace("localhost", "127.0.0.1"), apache.url, apache.tls_url):
                for method, body in (("GET", None), ("POST", BODY)):
                    with opener.open(library.Request(f"{url}/echo", body), timeout=20) as response:
                        check_echo(response.read(), method)
        assert (by_socks.connections, by_http.connections, by_tls.connections) == (1, 1, 1)
        with create_connection(("localhost", apache.http_port), 20) as sock:
            sock.sendall(b"GET /echo HTTP/1.0\r\nHost: localhost\r\n\r\n")
            with sock.makefile("rb") as file:
                assert file.readline().startswith(b"HTTP/1.1 200")
        assert (by_socks.connections, by_http.connections, by_tls.connections) == (1, 1, 2)
