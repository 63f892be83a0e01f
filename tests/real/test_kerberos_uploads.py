"""Apache wants a ticket with each request, as mod_auth_gssapi does by default: a body goes out once, with its own."""

from __future__ import annotations

import hashlib
import http.client
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from support.apache import Apache, ApacheProxy
from support.relaying import CountingRelay

import coda_network
from coda_network import negotiate_auth, urllib2

pytestmark = [pytest.mark.servers, pytest.mark.kerberos, pytest.mark.usefixtures("alice_ticket")]

DATA = random.Random(9).randbytes(300_000)
PART = DATA[120_000:120_100]
DIGEST = hashlib.sha256(DATA).hexdigest()

BODIES: dict[str, Callable[[], Any]] = {
    "bytes": lambda: DATA,
    "iterator": lambda: iter([DATA[:100_000], DATA[100_000:]]),
}


def is_whole(response: Any) -> bool:
    with response:
        return bool(json.loads(response.read())["body_sha256"] == DIGEST)


@pytest.mark.parametrize("body", BODIES)
def test_a_site_gets_each_body_once(apache: Apache, body: str) -> None:
    with CountingRelay(("127.0.0.1", apache.http_port)) as relay:
        opener = urllib2.build_opener(urllib2.ProxyHandler({}), negotiate_auth.HTTPNegotiateAuthHandler())
        for _ in range(2):
            assert is_whole(opener.open(f"http://{relay.netloc}/kerberos/echo", BODIES[body](), timeout=20))
        opener.close()
    sent = b"".join(relay.sent)
    assert (sent.count(PART), sent.count(b"POST ")) == (2, 2)


def test_a_short_body_is_never_left_out(apache: Apache) -> None:
    """An empty POST with the ticket would be carried out: Apache wants nothing more."""
    with apache.log.watch() as watched:
        opener = urllib2.build_opener(urllib2.ProxyHandler({}), negotiate_auth.HTTPNegotiateAuthHandler())
        for _ in range(2):
            with opener.open(f"{apache.url}/kerberos/echo", b"posted", timeout=20) as response:
                assert json.loads(response.read())["body_length"] == 6
        opener.close()
    assert [entry["status"] for entry in watched.entries] == [401, 200] * 2


@pytest.mark.parametrize("body", BODIES)
def test_a_proxy_gets_each_body_once(apache_proxy: ApacheProxy, apache: Apache, body: str) -> None:
    port = int(apache_proxy.url("kerberos").rpartition(":")[2])
    with CountingRelay(("127.0.0.1", port)) as relay:
        opener = urllib2.build_opener(urllib2.ProxyHandler({"http": f"http://{relay.netloc}"}))
        opener.open(f"{apache.url}/echo", timeout=20).close()  # then it is known that this proxy wants a login
        for _ in range(2):
            assert is_whole(opener.open(f"{apache.url}/echo", BODIES[body](), timeout=20))
        opener.close()
    assert b"".join(relay.sent).count(PART) == 2


@pytest.mark.parametrize("body", BODIES)
def test_http_client_sends_each_body_once_through_a_proxy(apache_proxy: ApacheProxy, apache: Apache, body: str) -> None:
    port = int(apache_proxy.url("kerberos").rpartition(":")[2])
    with CountingRelay(("127.0.0.1", port)) as relay, coda_network.patched(credentials={"nobody.test": ("a", "b")}):
        connection = http.client.HTTPConnection(relay.netloc, timeout=20)
        connection.request("GET", f"{apache.url}/echo")  # then it is known that this proxy wants a login
        with connection.getresponse() as response:
            assert response.read()
        for _ in range(2):
            connection.request("POST", f"{apache.url}/echo", BODIES[body](), {"Content-Length": str(len(DATA))})
            assert is_whole(connection.getresponse())
        connection.close()
    assert b"".join(relay.sent).count(PART) == 2
