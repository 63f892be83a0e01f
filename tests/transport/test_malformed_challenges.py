"""Whatever a peer sends as a challenge: the response stands, or a login is tried, and nothing is raised."""

from __future__ import annotations

import http.client
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coda_network import negotiate_auth, ntlm_auth, urllib2
from coda_network._transport.body import Body
from coda_network._transport.exchange import MOST_CHALLENGES, exchange
from coda_network._transport.pooled_connection import PooledConnection
from coda_network._transport.prepared import PreparedRequest
from coda_network._transport.request_auth import RequestAuth

SECRET = "TOPSECRET"

NAMES = "Basic Digest NTLM Negotiate Bearer realm= nonce= qop= auth auth-int algorithm= MD5 SHA-256 stale=true charset="
words = st.sampled_from(
    [*NAMES.split(), "UTF-8", "TlRMTVNTUAACAAAA", "oYIB", "opaque=", '"', ",", " ", "=", "\\", "\t", "\xf6", "\0"]
)
challenges = st.lists(st.lists(words, max_size=14).map("".join) | st.text(max_size=40), max_size=3)


class Response:
    """A response without a body."""

    tunnel = False
    will_close = False
    auth_report: Any = None

    def __init__(self, status: int, name: str, values: list[str]) -> None:
        self.status = status
        self.reason = http.client.responses[status]
        self.headers = http.client.HTTPMessage()
        for value in values:
            self.headers.add_header(name, value.replace("\r", " ").replace("\n", " "))

    def read(self, amount: int | None = None) -> bytes:
        return b""

    def close(self) -> None:
        """Nothing is open."""


class Connection:
    """Responds to each request with the next challenge, and with 200 when none is left."""

    host, port, timeout, debuglevel = "peer.example", 80, None, 0
    sock: Any = object()
    _tunnel_host = _tunnel_port = None

    def __init__(self, responses: list[Response]) -> None:
        self.responses = responses
        self.sent: list[dict[str, str]] = []

    def request(self, method: str, target: str, body: Any, headers: dict[str, str], **options: Any) -> None:
        for name, value in headers.items():
            assert "\r" not in f"{name}{value}" and "\n" not in f"{name}{value}"
            value.encode("latin-1")
        self.sent.append(headers)

    def getresponse(self) -> Any:
        number = len(self.sent) - 1
        return self.responses[number] if number < len(self.responses) else Response(200, "X", [])

    def close(self) -> None:
        pass


def handlers() -> list[Any]:
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    for where in ("http://peer.example/", "peer.example"):
        passwords.add_password(None, where, "user", SECRET)
    kinds = [
        *(urllib2.HTTPBasicAuthHandler, urllib2.HTTPDigestAuthHandler, ntlm_auth.HTTPNtlmAuthHandler),
        *(urllib2.ProxyBasicAuthHandler, urllib2.ProxyDigestAuthHandler, ntlm_auth.ProxyNtlmAuthHandler),
        negotiate_auth.HTTPNegotiateAuthHandler,
    ]
    return [kind(passwords) for kind in kinds]


def run(responses: list[Response], absolute_form: bool) -> tuple[Any, Connection]:
    target = "http://site.example/" if absolute_form else "/"
    prepared = PreparedRequest("peer.example", None, "GET", target, {"Host": "x"}, absolute_form=absolute_form)
    connection = Connection(responses)
    auth = RequestAuth("http://peer.example/", prepared, handlers(), None)
    return exchange(PooledConnection(connection), prepared, Body(None), auth), connection


@settings(max_examples=300, deadline=None)
@given(st.lists(challenges, min_size=1, max_size=5), st.booleans())
def test_a_malformed_challenge_is_skipped(rounds: list[list[str]], absolute_form: bool) -> None:
    status, name = (407, "Proxy-Authenticate") if absolute_form else (401, "WWW-Authenticate")
    responses = [Response(status, name, values) for values in rounds]
    response, connection = run(responses, absolute_form)
    assert response.status in (200, status)
    report = str(response.auth_report)
    assert SECRET not in report + repr(response.auth_report)
    if response.status == status:
        assert response.auth_report is not None
    assert len(connection.sent) <= len(responses) + 1


@pytest.mark.parametrize("absolute_form", [False, True])
@pytest.mark.parametrize("offer", ["Basic realm=x", 'Digest realm="x", nonce="n", qop="auth"', "NTLM", "Negotiate"])
def test_a_peer_that_repeats_its_challenge_is_given_up(offer: str, absolute_form: bool) -> None:
    status, name = (407, "Proxy-Authenticate") if absolute_form else (401, "WWW-Authenticate")
    response, connection = run([Response(status, name, [offer]) for _ in range(100)], absolute_form)
    assert response.status == status
    assert len(connection.sent) <= 4


def test_a_digest_nonce_that_is_always_stale_is_given_up() -> None:
    offer = 'Digest realm="x", nonce="{}", qop="auth", stale=true'
    response, connection = run([Response(401, "WWW-Authenticate", [offer.format(n)]) for n in range(100)], False)
    assert response.status == 401
    assert len(connection.sent) <= MOST_CHALLENGES + 1
