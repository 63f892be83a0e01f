"""Digest as no server of Debian speaks it: newer algorithms, hashed user names, signed bodies, nonces handed on."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from coda_network import urllib2

USER, PASSWORD, REALM = "J\xe4s\xf8n Doe", "Secret, or n\xf6t?", "api@example.org"
HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


class DigestServer:
    """Verifies the response of RFC 7616 section 3.4, and hands on a new nonce with each response."""

    def __init__(self, algorithm: str, qop: str, userhash: bool) -> None:
        self.algorithm, self.qop, self.userhash = algorithm, qop, userhash
        self.nonces = ["nonce0"]
        self.statuses: list[int] = []
        self.session: tuple[str, str] | None = None

    def digest(self, *parts: str | bytes) -> str:
        joined = b":".join(part.encode() if isinstance(part, str) else part for part in parts)
        return hashlib.new(HASHES[self.algorithm.removesuffix("-sess")], joined).hexdigest()

    def __call__(self, request: Request) -> Response:
        response = self.judge(request)
        self.statuses.append(response.status_code)
        return response

    def judge(self, request: Request) -> Response:
        header = request.headers.get("Authorization")
        if header is None:
            fields = f'realm="{REALM}", nonce="{self.nonces[-1]}", algorithm={self.algorithm}, qop="{self.qop}"'
            fields += ", charset=UTF-8"
            fields += ", userhash=true" if self.userhash else ""
            return Response("who?", 401, {"WWW-Authenticate": f"Digest {fields}"})
        given = urllib.request.parse_keqv_list(urllib.request.parse_http_list(header.removeprefix("Digest ")))
        name = self.digest(USER, REALM) if self.userhash else None
        assert given["username"] == name if name else given["username*"] == "UTF-8''J%C3%A4s%C3%B8n%20Doe"
        assert (given["realm"], given["algorithm"], given["qop"]) == (REALM, self.algorithm, self.qop)
        assert given["uri"] == request.environ["RAW_URI"] and given["nonce"] == self.nonces[-1]
        secret = self.digest(USER, REALM, PASSWORD)
        if self.algorithm.endswith("-sess"):
            # The key of the session is made once, with what the first request after the challenge says (3.4.2).
            self.session = self.session or (given["nonce"], given["cnonce"])
            secret = self.digest(secret, *self.session)
        signed = [request.method, given["uri"]]
        if self.qop == "auth-int":
            signed.append(self.digest(request.get_data()))
        middle = given["nonce"], given["nc"], given["cnonce"], given["qop"]
        if given["response"] != self.digest(secret, *middle, self.digest(*signed)):
            return Response("no", 401, {"WWW-Authenticate": f'Digest realm="{REALM}", nonce="x", qop="{self.qop}"'})
        self.nonces.append(f"nonce{len(self.nonces)}")
        return Response("in", 200, {"Authentication-Info": f'nextnonce="{self.nonces[-1]}"'})


@pytest.fixture
def site() -> Iterator[HTTPServer]:
    with HTTPServer() as server:
        yield server
        server.check_assertions()


def opener_with(password: str, url: str) -> urllib2.OpenerDirector:
    handler = urllib2.HTTPDigestAuthHandler()
    handler.add_password(REALM, url, USER, password)
    return urllib2.build_opener(urllib2.ProxyHandler({}), handler)


@pytest.mark.parametrize("userhash", [False, True], ids=["name", "hashed name"])
@pytest.mark.parametrize("qop", ["auth", "auth-int"])
@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"])
def test_the_server_accepts_every_request_and_the_nonce_that_it_handed_on(
    site: HTTPServer, algorithm: str, qop: str, userhash: bool
) -> None:
    server = DigestServer(algorithm, qop, userhash)
    site.expect_request("/thing").respond_with_handler(server)
    url = site.url_for("/thing?a=1&b=%20")
    opener = opener_with(PASSWORD, url)
    for data in (None, b"body", b""):
        with opener.open(url, data, timeout=10) as response:
            assert response.read() == b"in"
    opener.close()
    # One challenge for three requests: each takes up the nonce of the response before.
    assert server.statuses == [401, 200, 200, 200]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-512-256"])
def test_a_wrong_password_is_sent_once(site: HTTPServer, algorithm: str) -> None:
    server = DigestServer(algorithm, "auth", userhash=False)
    site.expect_request("/thing").respond_with_handler(server)
    opener = opener_with("wrong", site.url_for("/thing"))
    with pytest.raises(urllib2.HTTPError, match="401") as caught:
        opener.open(site.url_for("/thing"), timeout=10)
    caught.value.close()
    opener.close()
    assert server.statuses == [401, 401]
