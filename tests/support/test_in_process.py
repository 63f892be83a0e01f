"""The origin, the proxy, the relay and the guard that run in the process of the tests."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import os
import socket

import pytest

from support.accounts import ALICE, BOB
from support.certs import CLIENT_NAME, Authority
from support.guard import is_local
from support.origin import Origin, patterned
from support.proxy import Proxy
from support.relaying import CountingRelay

LOGIN = {"Proxy-Authorization": "Basic " + base64.b64encode(f"{BOB.user}:{BOB.password}".encode()).decode()}


def ask(connection: http.client.HTTPConnection, target: str, body=b"abc", headers=None):
    connection.request("POST", target, body, headers or {})
    response = connection.getresponse()
    return response, response.read()


@pytest.mark.parametrize("path", ["/a?b=c", "/chunked", "/status/404", "/keep-alive", "/http10-keep-alive"])
def test_the_origin_echoes_on_a_kept_connection(origin: Origin, path: str):
    connection = http.client.HTTPConnection(*origin.address)
    for number in (1, 2):
        _, body = ask(connection, path)
        seen = json.loads(body)
        assert (seen["method"], seen["path"], seen["connection"], seen["number"]) == ("POST", path, 1, number)
        assert (seen["body_length"], seen["body_sha256"]) == (3, hashlib.sha256(b"abc").hexdigest())
    connection.close()
    assert origin.connections == 1
    assert origin.requests[0].header("host") == origin.netloc


@pytest.mark.parametrize("path", ["/close", "/no-length", "/http10"])
def test_the_origin_closes_behind_these_paths_and_reads_chunks(origin: Origin, path: str):
    connection = http.client.HTTPConnection(*origin.address)
    for _ in range(2):
        response, body = ask(connection, path, iter([b"abc", b"d"]))
        assert response.will_close
        assert json.loads(body)["body_length"] == 4
    assert origin.connections == 2


def test_the_origin_responds_at_the_rest_of_its_paths(origin: Origin):
    connection = http.client.HTTPConnection(*origin.address)
    assert ask(connection, "/bytes/100000")[1] == patterned(100000)
    assert ask(connection, "/redirect/307?to=/x")[0].getheader("Location") == "/x"
    assert ask(connection, "/cookie/a/b")[0].getheader("Set-Cookie") == "a=b; Path=/"
    assert ask(connection, "/status/204")[1] == b""
    assert ask(connection, "/basic/u/p%C3%B6")[0].status == 401
    proof = "Basic " + base64.b64encode("u:pö".encode()).decode()
    assert ask(connection, "/basic/u/p%C3%B6", headers={"Authorization": proof})[0].status == 200
    origin.reset()
    assert (origin.connections, origin.requests) == (0, [])
    connection.close()


def test_the_tls_origin_names_the_client_certificate(ca: Authority):
    context = ca.client_context()
    context.load_cert_chain(ca.client_combined)
    with Origin(ca.server_context(require_client=True)) as origin:
        connection = http.client.HTTPSConnection("localhost", origin.port, context=context)
        assert json.loads(ask(connection, "/")[1])["client_certificate"] == CLIENT_NAME
        connection.close()


@pytest.mark.parametrize("path", ["/x", "/chunked", "/status/304", "/bytes/500000", "/keep-alive"])
def test_the_proxy_serves_absolute_targets_on_a_kept_connection(origin: Origin, proxy: Proxy, path: str):
    connection = http.client.HTTPConnection(*proxy.address)
    for body in (b"abc", iter([b"abc", b"d"])):
        response, _ = ask(connection, origin.url + path, body)
        assert not response.will_close
    connection.close()
    assert proxy.connections == 1
    assert [seen.body_length for seen in origin.requests] == [3, 4]
    assert [seen.target for seen in proxy.requests] == [origin.url + path] * 2


def test_the_proxy_demands_its_login_and_does_not_pass_it_on(origin: Origin):
    with Proxy((BOB.user, BOB.password)) as proxy:
        assert proxy.url_with_login == f"http://{BOB.userinfo}@{proxy.netloc}"
        connection = http.client.HTTPConnection(*proxy.address)
        refused, _ = ask(connection, origin.url)
        assert refused.getheader("Proxy-Authenticate") == 'Basic realm="coda proxy"'
        assert ask(connection, origin.url, headers=LOGIN)[0].status == 200
        connection.close()
        assert (proxy.connections, [seen.status for seen in proxy.requests]) == (1, [407, 200])
    assert origin.requests[0].header("Proxy-Authorization") is None


def test_the_proxy_tunnels_and_the_relay_sees_the_bytes(tls_origin: Origin, ca: Authority):
    with Proxy((BOB.user, BOB.password)) as proxy, CountingRelay(proxy.address) as relay:
        connection = http.client.HTTPSConnection(*relay.address, context=ca.client_context())
        connection.set_tunnel("localhost", tls_origin.port, LOGIN)
        assert ask(connection, "/bytes/3000000")[1] == patterned(3000000)
        connection.close()
    assert relay.connections == 1
    assert relay.sent[0].startswith(f"CONNECT localhost:{tls_origin.port} ".encode())
    assert b"/bytes" not in relay.sent[0]


@pytest.mark.parametrize(
    ("address", "local"),
    [
        (("127.0.0.1", 80), True),
        (("127.8.8.8", 80), True),
        (("localhost", 80), True),
        (("::1", 80, 0, 0), True),
        ("/run/socket", True),
        (("192.0.2.1", 80), False),
        (("2001:db8::1", 80, 0, 0), False),
        (("example.com", 80), False),
    ],
)
def test_only_loopback_is_local(address: object, local: bool):
    assert is_local(address) is local


def test_a_connect_to_elsewhere_fails_the_test():
    with socket.socket() as sock, pytest.raises(AssertionError, match="only loopback"):
        sock.connect(("192.0.2.1", 80))


def test_the_environment_is_clean():
    names = {name.lower() for name in os.environ}
    assert not names & {"http_proxy", "https_proxy", "no_proxy", "ssl_cert_file", "krb5ccname"}
    assert ALICE.qualified == "CODA\\alice"
    assert ALICE.qualified_userinfo == "CODA%5Calice:wonder1and"
