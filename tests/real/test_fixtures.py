"""Every real server works and verifies what it claims to verify, shown with curl and pyspnego's client."""

from __future__ import annotations

import base64
import http.client
import re
import subprocess

import pytest
import spnego
from support.accounts import ALICE, BOB
from support.apache import Apache, ApacheProxy
from support.certs import Authority
from support.nginx import Nginx
from support.relaying import CountingRelay
from support.servers import ask, program
from support.squid import Squid

pytestmark = pytest.mark.servers

ALICE_LOGIN = f"{ALICE.user}:{ALICE.password}"
BOB_LOGIN = f"{BOB.user}:{BOB.password}"


def curl(*arguments: object) -> str:
    """Run curl; return heads and bodies of all responses, whatever their status."""
    command = [program("curl", "curl"), "-q", "-sS", "-i", "--max-time", "10", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


def statuses(text: str) -> list[int]:
    return [int(status) for status in re.findall(r"^HTTP/1.1 (\d+)", text, re.MULTILINE)]


def handshake(
    address: tuple[str, int],
    target: str,
    protocol: str,
    password: str = BOB.password,
    user: str = BOB.qualified,
    role: str = "origin",
    spoil_mic: bool = False,
) -> list[int]:
    """Log in over one connection, then ask once more without a header; return the statuses of all responses."""
    offer, authorization = "WWW-Authenticate", "Authorization"
    if role == "proxy":
        offer, authorization = "Proxy-Authenticate", "Proxy-Authorization"
    scheme = {"ntlm": "NTLM", "negotiate": "Negotiate"}[protocol]
    provider = {"ntlm": spnego.NegotiateOptions.use_ntlm, "negotiate": spnego.NegotiateOptions.use_negotiate}
    context = spnego.client(user, password, protocol=protocol, options=provider[protocol])
    connection = http.client.HTTPConnection(*address, timeout=10)
    seen: list[int] = []
    token = context.step()
    while token:
        if spoil_mic and seen:
            token = token[:75] + bytes([token[75] ^ 1]) + token[76:]
        connection.request("GET", target, headers={authorization: f"{scheme} {base64.b64encode(token).decode()}"})
        response = connection.getresponse()
        response.read()
        seen.append(response.status)
        tokens = re.findall(rf"{scheme} (\S+)", ", ".join(response.headers.get_all(offer, [])))
        token = context.step(base64.b64decode(tokens[0])) if tokens and not context.complete else None
    if seen[-1] == 200:
        connection.request("GET", target)
        response = connection.getresponse()
        response.read()
        seen.append(response.status)
    connection.close()
    return seen


def test_nginx_serves_http_and_https_and_counts_connections(nginx: Nginx, ca: Authority):
    with nginx.log.watch() as seen:
        curl(nginx.url + nginx.small.path, nginx.url + nginx.text.path)
        curl("--cacert", ca.bundle, nginx.tls_url + nginx.small.path)
    assert (seen.requests, seen.connections, seen.statuses) == (3, 2, [200] * 3)


def test_nginx_offers_its_variants(nginx: Nginx, ca: Authority):
    strict = nginx.client_certificate_url + nginx.small.path
    assert statuses(curl("--cacert", ca.bundle, strict)) == [400]
    assert statuses(curl("--cacert", ca.bundle, "--cert", ca.client_combined, strict)) == [200]
    assert "Connection: close" in curl(f"{nginx.url}/close{nginx.small.path}")
    assert statuses(curl(f"{nginx.url}/basic{nginx.small.path}")) == [401]
    assert statuses(curl("-u", BOB_LOGIN, f"{nginx.url}/basic{nginx.small.path}")) == [200]
    assert statuses(curl("-d", "abc", f"{nginx.url}/upload")) == [200]
    assert "Content-Encoding: gzip" in curl("--compressed", nginx.url + nginx.text.path)


def test_nginx_makes_files_of_any_size(nginx: Nginx):
    made = nginx.file(3_000_001)
    assert made.place.stat().st_size == made.size == 3_000_001
    assert nginx.file(3_000_001) is made


def test_squid_passes_http_and_tunnels_and_is_reached_over_tls(squid: Squid, nginx: Nginx, ca: Authority):
    trust = ("--cacert", ca.bundle, "--proxy-cacert", ca.bundle)
    with squid.log.watch() as seen:
        assert statuses(curl("-x", squid.url, nginx.url + nginx.small.path)) == [200]
    assert seen.statuses == [200]
    with CountingRelay(squid.address) as relay:
        for proxy in (f"http://{relay.netloc}", squid.tls_url):
            text = curl("-x", proxy, *trust, nginx.tls_url + nginx.small.path)
            assert statuses(text) == [200, 200]
    assert relay.connections == 1


def test_squid_basic_verifies(squid_basic: Squid, nginx: Nginx):
    target = nginx.url + nginx.small.path
    proof = base64.b64encode(BOB_LOGIN.encode()).decode()
    assert ask(squid_basic.port, target).startswith(b"HTTP/1.1 407 ")
    assert ask(squid_basic.port, target, f"Proxy-Authorization: Basic {proof}").startswith(b"HTTP/1.1 200 ")
    assert statuses(curl("-x", squid_basic.url_for(ALICE), target)) == [200]
    assert statuses(curl("-x", squid_basic.url, "-U", "alice:wrong", target)) == [407]


def test_squid_digest_verifies(squid_digest: Squid, nginx: Nginx, ca: Authority):
    login = ("-x", squid_digest.url, "--proxy-digest", "--cacert", ca.bundle, "-U")
    assert statuses(curl(*login, ALICE_LOGIN, nginx.url + nginx.small.path)) == [407, 200]
    assert statuses(curl(*login, ALICE_LOGIN, nginx.tls_url + nginx.small.path)) == [407, 200, 200]
    assert statuses(curl(*login, "alice:wrong", nginx.url + nginx.small.path)) == [407, 407]


@pytest.mark.parametrize("user", [BOB.qualified, BOB.user])
def test_squid_ntlm_verifies_password_and_mic(squid_ntlm: Squid, nginx: Nginx, user: str):
    login = (squid_ntlm.address, nginx.url + nginx.small.path, "ntlm")
    assert handshake(*login, user=user, role="proxy") == [407, 200, 200]
    assert handshake(*login, user=user, role="proxy", password="wrong") == [407, 407]
    assert handshake(*login, user=user, role="proxy", spoil_mic=True) == [407, 407]


def test_squid_ntlm_takes_the_short_messages_of_curl(squid_ntlm: Squid, nginx: Nginx, ca: Authority):
    login = ("-x", squid_ntlm.url, "--proxy-ntlm", "-U", f"{ALICE.qualified}:{ALICE.password}")
    text = curl(*login, "--cacert", ca.bundle, nginx.tls_url + nginx.small.path)
    assert statuses(text) == [407, 200, 200]


def test_squid_negotiate_takes_ntlm_inside_spnego(squid_negotiate_ntlm: Squid, nginx: Nginx):
    login = (squid_negotiate_ntlm.address, nginx.url + nginx.small.path, "negotiate")
    assert handshake(*login, role="proxy") == [407, 200, 200]
    assert handshake(*login, role="proxy", password="wrong") == [407, 407]


@pytest.mark.usefixtures("alice_ticket")
def test_squid_negotiate_takes_a_ticket(squid_negotiate: Squid, nginx: Nginx, ca: Authority):
    login = ("-x", squid_negotiate.url, "--proxy-negotiate", "-U", ":", "--cacert", ca.bundle)
    assert statuses(curl(*login, nginx.url + nginx.small.path)) == [200]
    assert statuses(curl(*login, nginx.tls_url + nginx.small.path)) == [200, 200]


def test_squid_negotiate_refuses_who_has_no_ticket(squid_negotiate: Squid, nginx: Nginx):
    login = ("-x", squid_negotiate.url, "--proxy-negotiate", "-U", ":")
    assert statuses(curl(*login, nginx.url + nginx.small.path)) == [407]


@pytest.mark.parametrize("headers", [(), ("-H", "Transfer-Encoding: chunked")])
def test_apache_echoes(apache: Apache, headers: tuple[str, ...]):
    assert '"body_length": 3' in curl("-d", "abc", *headers, f"{apache.url}/echo")


@pytest.mark.parametrize("path", ["basic", "digest", "digest-short"])
def test_apache_verifies_basic_and_digest(apache: Apache, ca: Authority, path: str):
    for base in (apache.url, apache.tls_url):
        login = ("--anyauth", "--cacert", ca.bundle, "-u")
        assert '"REMOTE_USER": "bob"' in curl(*login, BOB_LOGIN, f"{base}/{path}/echo")
        assert statuses(curl(*login, "bob:wrong", f"{base}/{path}/echo"))[-1] == 401


def test_apache_offers_ntlm_alone_and_verifies_it(apache: Apache):
    refused = curl(f"{apache.url}/ntlm/echo")
    assert re.findall("WWW-Authenticate: (.*)", refused) == ["NTLM"]
    login = (apache.address, "/ntlm/echo", "ntlm")
    with apache.log.watch() as seen:
        assert handshake(*login) == [401, 200, 200]
    assert (seen.connections, seen.statuses) == (1, [401, 200, 200])
    assert handshake(*login, password="wrong") == [401, 401]
    assert handshake(*login, spoil_mic=True) == [401, 401]


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_apache_takes_a_ticket(apache: Apache, host: str):
    text = curl("--negotiate", "-u", ":", f"http://{host}:{apache.http_port}/kerberos/echo")
    assert '"REMOTE_USER": "alice@CODA.TEST"' in text


def test_apache_takes_several_schemes_in_one_place(apache: Apache):
    offers = re.findall(r"WWW-Authenticate: (\w+)", curl(f"{apache.url}/several/echo"))
    assert offers == ["Negotiate", "NTLM", "Basic"]
    assert handshake(apache.address, "/several/echo", "ntlm") == [401, 200, 200]
    assert handshake(apache.address, "/several/echo", "negotiate") == [401, 200, 200]
    assert statuses(curl("-u", BOB_LOGIN, f"{apache.url}/several/echo")) == [200]


@pytest.mark.parametrize("kind", ["basic", "digest", "digest-short"])
def test_the_apache_proxy_verifies_basic_and_digest(apache_proxy: ApacheProxy, nginx: Nginx, ca: Authority, kind: str):
    login = ("-x", apache_proxy.url(kind), "--proxy-anyauth", "--cacert", ca.bundle, "-U")
    for base in (nginx.url, nginx.tls_url):
        assert statuses(curl(*login, ALICE_LOGIN, base + nginx.small.path))[-1] == 200
        assert "ETag" in curl(*login, ALICE_LOGIN, base + nginx.small.path)
    assert statuses(curl(*login, "alice:wrong", nginx.url + nginx.small.path))[-1] == 407


@pytest.mark.parametrize("kind", ["ntlm", "several"])
def test_the_apache_proxy_verifies_ntlm(apache_proxy: ApacheProxy, nginx: Nginx, kind: str):
    login = (apache_proxy.address(kind), nginx.url + nginx.small.path, "ntlm")
    assert handshake(*login, role="proxy") == [407, 200, 200]
    assert handshake(*login, role="proxy", password="wrong") == [407, 407]


def test_the_apache_proxy_offers_ntlm_alone(apache_proxy: ApacheProxy, nginx: Nginx):
    refused = curl("-x", apache_proxy.url("ntlm"), nginx.url + nginx.small.path)
    assert re.findall("Proxy-Authenticate: (.*)", refused) == ["NTLM"]


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("kind", ["kerberos", "several"])
def test_the_apache_proxy_takes_a_ticket(apache_proxy: ApacheProxy, nginx: Nginx, ca: Authority, kind: str):
    login = ("-x", apache_proxy.url(kind), "--proxy-negotiate", "-U", ":", "--cacert", ca.bundle)
    assert statuses(curl(*login, nginx.tls_url + nginx.small.path))[-1] == 200
