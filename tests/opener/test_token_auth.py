"""Bearer, WSSE and OAuth 1.0a: what servers that verify them let in, and which servers get them."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import sys
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from oauthlib.oauth1 import RequestValidator, ResourceEndpoint
from support.peer import ScriptedPeer, Wire

from coda_network import urllib2
from coda_network.token_auth import HTTPBearerAuthHandler, HTTPOAuth1Handler, HTTPWsseAuthHandler
from coda_network.utilities import do_download

USER, PASSWORD = "bob", "taadtaadpstcsm\N{EURO SIGN}"
Check = Callable[[str, str, dict[str, str], bytes], bool]


class Site:
    """Lets in the requests that pass a check; `/to?URL` redirects."""

    def __init__(self, check: Check) -> None:
        self.check = check
        self.seen: list[tuple[str, bool]] = []
        self.fields: list[dict[str, str]] = []
        self.url = ""

    def __call__(self, wire: Wire) -> None:
        while True:
            try:
                head, body = wire.read_request()
            except EOFError:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
            self.fields.append(fields)
            if target.startswith("/to?"):
                wire.respond(b"", "302 Found", f"Location: {target[4:]}")
                continue
            passed = self.check(method, f"http://{fields['host']}{target}", fields, body)
            self.seen.append((target, passed))
            wire.respond(b"in" if passed else b"out", "200 OK" if passed else "401 Unauthorized")


def opened(handler: Any, request: Any, data: bytes | None = None) -> Any:
    opener = urllib2.build_opener(urllib2.ProxyHandler({}), handler)
    try:
        with opener.open(request, data, timeout=10) as response:
            return response.read()
    except HTTPError as error:
        error.close()
        return error.code
    finally:
        opener.close()


# -- Bearer


def is_bearer(method: str, url: str, fields: dict[str, str], body: bytes) -> bool:
    return fields.get("authorization") == "Bearer mF_9.B5f-4.1JqM="


@pytest.fixture
def bearer_sites() -> Iterator[tuple[ScriptedPeer, Site, ScriptedPeer, Site]]:
    site, stranger = Site(is_bearer), Site(is_bearer)
    with ScriptedPeer(site) as one, ScriptedPeer(stranger) as two:
        yield one, site, two, stranger


def test_a_bearer_token_goes_to_its_site_alone(bearer_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site]) -> None:
    one, _, two, stranger = bearer_sites
    handler = HTTPBearerAuthHandler("mF_9.B5f-4.1JqM=", one.url)
    assert opened(handler, f"{one.url}/a") == b"in"
    assert opened(handler, f"{one.url}/a", b"posted") == b"in"
    assert opened(handler, f"{two.url}/a") == 401
    assert opened(handler, f"{one.url}/to?/b") == b"in"
    assert opened(handler, f"{one.url}/to?{two.url}/b") == 401
    # There and back: the way home has it again.
    assert opened(handler, f"{one.url}/to?{two.url}/to?{one.url}/c") == b"in"
    assert all("authorization" not in fields for fields in stranger.fields)
    assert len(stranger.fields) == 3
    both = HTTPBearerAuthHandler("mF_9.B5f-4.1JqM=", [one.url, two.url])
    assert opened(both, f"{one.url}/to?{two.url}/b") == b"in"


def test_a_function_is_asked_for_each_request(bearer_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site]) -> None:
    one, _, two, _ = bearer_sites
    tokens = iter(["old", "mF_9.B5f-4.1JqM="])
    handler = HTTPBearerAuthHandler(lambda: next(tokens), one.url)
    assert opened(handler, f"{two.url}/a") == 401
    assert [opened(handler, f"{one.url}/a") for _ in range(2)] == [401, b"in"]


def test_a_request_used_again_takes_no_token_elsewhere(
    bearer_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site],
) -> None:
    one, _, two, stranger = bearer_sites
    handler = HTTPBearerAuthHandler("mF_9.B5f-4.1JqM=", one.url)
    request = urllib2.Request(f"{one.url}/a")
    assert opened(handler, request) == b"in"
    request.full_url = f"{two.url}/a"
    assert opened(handler, request) == 401
    assert "authorization" not in stranger.fields[0]


@pytest.mark.parametrize("add", ["add_header", "add_unredirected_header"])
def test_an_authorization_of_the_program_stays(
    bearer_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site], add: str
) -> None:
    one, site, _, _ = bearer_sites
    request = urllib2.Request(f"{one.url}/a")
    getattr(request, add)("Authorization", "Bearer own")
    assert opened(HTTPBearerAuthHandler("other", one.url), request) == 401
    assert [fields["authorization"] for fields in site.fields] == ["Bearer own"]


def test_downloads_and_the_standard_library_take_the_handler(
    bearer_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site],
) -> None:
    one = bearer_sites[0]
    handler = HTTPBearerAuthHandler("mF_9.B5f-4.1JqM=", one.url)
    assert do_download(f"{one.url}/a", auth_handlers=handler, proxy_handlers=urllib2.ProxyHandler({})) == (200, b"in")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)
    with opener.open(f"{one.url}/a", timeout=10) as response:
        assert response.read() == b"in"


@pytest.mark.parametrize("token", ["", "s3cret\r\nX: y", "s3cret s3cret", "s3cr\xe9t", b"s3cret", None])
def test_what_is_no_token_is_refused_and_not_shown(token: Any) -> None:
    with pytest.raises(ValueError, match="bearer token") as caught:
        HTTPBearerAuthHandler(token, "https://api.example")
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ValueError, match="bearer token") as caught:
        opened(HTTPBearerAuthHandler(lambda: token, "http://127.0.0.1:1"), "http://127.0.0.1:1/")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "sites", ["", [], "api.example", "ftp://api.example/", "http://", ["https://a", "b"], "http://[x"]
)
def test_what_is_no_site_is_refused(sites: Any) -> None:
    with pytest.raises(ValueError, match="sites are URLs"):
        HTTPBearerAuthHandler("token", sites)


@pytest.mark.parametrize(
    ("sites", "url", "expected"),
    [
        ("https://api.example", "https://API.example:443/path?query", True),
        ("https://api.example/path", "https://api.example/elsewhere", True),
        ("https://api.example", "http://api.example/", False),
        ("https://api.example", "https://api.example:8443/", False),
        ("https://api.example", "https://api.example.evil/", False),
        ("https://api.example", "https://evil@api.example/", True),
        ("https://api.example", "https://api.example@evil/", False),
    ],
)
def test_scheme_host_and_port_make_a_site(sites: str, url: str, expected: bool) -> None:
    request = HTTPBearerAuthHandler("token", sites).https_request(urllib2.Request(url))
    assert request.has_header("Authorization") is expected


# -- WSSE


def wsse_check(decode: bool) -> Check:
    used = set()

    def is_wsse(method: str, url: str, fields: dict[str, str], body: bytes) -> bool:
        value = fields.get("x-wsse", "")
        parts = dict(re.findall(r'(\w+)="([^"]*)"', value))
        if fields.get("authorization") != 'WSSE profile="UsernameToken"' or not value.startswith("UsernameToken "):
            return False
        nonce = parts["Nonce"]
        assert nonce not in used, "a nonce was used twice"
        used.add(nonce)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", parts["Created"])
        random = base64.b64decode(nonce, validate=True) if decode else nonce.encode()
        digest = hashlib.sha1(random + parts["Created"].encode() + PASSWORD.encode()).digest()
        return parts["Username"] == USER and base64.b64decode(parts["PasswordDigest"]) == digest

    return is_wsse


@pytest.mark.parametrize("decode", [False, True])
def test_a_server_that_verifies_wsse_lets_in(decode: bool) -> None:
    site, stranger = Site(wsse_check(decode)), Site(wsse_check(decode))
    with ScriptedPeer(site) as one, ScriptedPeer(stranger) as two:
        handler = HTTPWsseAuthHandler(decode_nonce=decode)
        handler.add_password(None, one.url, USER, PASSWORD)
        assert opened(handler, f"{one.url}/a") == b"in"
        assert opened(handler, f"{one.url}/to?/b", b"posted") == b"in"
        assert opened(handler, f"{one.url}/to?{two.url}/b") == 401
        handler.add_password(None, one.url, USER, "wrong")
        assert opened(handler, f"{one.url}/a") == 401
        wrong_way = HTTPWsseAuthHandler(handler.passwd, decode_nonce=not decode)
        handler.add_password(None, one.url, USER, PASSWORD)
        assert opened(wrong_way, f"{one.url}/a") == 401
    assert not {"x-wsse", "authorization"} & stranger.fields[0].keys()


@pytest.mark.parametrize("user", ['a"b', "a\r\nb", "a\\b"])
def test_a_user_name_that_would_break_the_field_is_refused(user: str) -> None:
    handler = HTTPWsseAuthHandler()
    handler.add_password(None, "http://127.0.0.1:1", user, "s3cret")
    with pytest.raises(ValueError, match="user name for WSSE"):
        opened(handler, "http://127.0.0.1:1/")


def test_a_password_for_https_answers_no_http() -> None:
    handler = HTTPWsseAuthHandler()
    handler.add_password(None, "https://api.example/", USER, PASSWORD)
    assert not handler.http_request(urllib2.Request("http://api.example/")).has_header("X-wsse")
    assert handler.https_request(urllib2.Request("https://api.example/")).has_header("X-wsse")


# -- OAuth 1.0a

CLIENT = {"client_key": "dpf43f3p2l4k3l03key0", "client_secret": "kd94hf93k423kf44"}
TOKEN = {"token": "nnch734d00sl2jdk0000", "token_secret": "pfkkdhi9sl3r4s00"}
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PRIVATE = RSA_KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = (
    RSA_KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


class Validator(RequestValidator):  # type: ignore[misc]  # oauthlib has no types
    """What oauthlib's server asks for; it lets no nonce in twice."""

    enforce_ssl = False
    dummy_client = dummy_access_token = "x" * 20
    safe_characters = RequestValidator().safe_characters

    def __init__(self, user: bool = True) -> None:
        super().__init__()
        self.user = user
        self.used: set[Any] = set()

    @property
    def allowed_signature_methods(self) -> tuple[str, ...]:
        return ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT")

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CLIENT["client_key"]

    def validate_access_token(self, client_key: str, token: str, request: Any) -> bool:
        return token == TOKEN["token"]

    def validate_timestamp_and_nonce(self, client_key: str, timestamp: str, nonce: str, *_: Any, **__: Any) -> bool:
        is_new = (timestamp, nonce) not in self.used
        self.used.add((timestamp, nonce))
        return is_new

    def validate_realms(self, *_: Any, **__: Any) -> bool:
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return CLIENT["client_secret"]

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return TOKEN["token_secret"]

    def get_rsa_key(self, client_key: str, request: Any) -> str:
        return PUBLIC


def oauth_check() -> Check:
    server = ResourceEndpoint(Validator())

    def is_signed(method: str, url: str, fields: dict[str, str], body: bytes) -> bool:
        if not fields.get("authorization", "").startswith("OAuth "):
            return False
        # "Content-Type" is the spelling that oauthlib looks for.
        headers = {"Authorization": fields["authorization"]}
        form = fields.get("content-type", "")
        if form:
            headers["Content-Type"] = form
        text = body.decode() if form.startswith("application/x-www-form-urlencoded") else None
        return bool(server.validate_protected_resource_request(url, method, text, headers)[0])

    return is_signed


@pytest.fixture
def oauth_sites() -> Iterator[tuple[ScriptedPeer, Site, ScriptedPeer, Site]]:
    site, stranger = Site(oauth_check()), Site(oauth_check())
    with ScriptedPeer(site) as one, ScriptedPeer(stranger) as two:
        yield one, site, two, stranger


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "PLAINTEXT"])
def test_oauthlibs_server_accepts_the_signature(
    oauth_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site], method: str
) -> None:
    one, site, two, stranger = oauth_sites
    key = PRIVATE if method.startswith("RSA") else None
    handler = HTTPOAuth1Handler(**CLIENT, **TOKEN, sites=one.url, signature_method=method, rsa_key=key, realm="Photos")
    assert opened(handler, f"{one.url}/photos?file=vacation.jpg&size=a%20b%2Bc&a=%C3%A9&empty=#fragment") == b"in"
    assert opened(handler, f"{one.url}/photos?x=1", b"field=value+1&b=%26&b=2") == b"in"
    json = urllib2.Request(
        f"{one.url}/photos", b'{"a": "\xc3\xa9"}', {"Content-Type": "application/json"}, method="PUT"
    )
    assert opened(handler, json) == b"in"
    file = urllib2.Request(
        f"{one.url}/photos", io.BytesIO(b"\xff\x00"), {"Content-Type": "image/jpeg", "Content-Length": "2"}
    )
    assert opened(handler, file) == b"in"
    assert opened(handler, f"{one.url}/to?/b?c=d") == b"in"
    assert opened(handler, f"{one.url}/to?{two.url}/b") == 401
    assert "authorization" not in stranger.fields[0]
    assert 'realm="Photos"' in site.fields[0]["authorization"]


@pytest.mark.parametrize("wrong", ["client_secret", "token_secret"])
def test_a_wrong_secret_is_refused(oauth_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site], wrong: str) -> None:
    one = oauth_sites[0]
    handler = HTTPOAuth1Handler(**{**CLIENT, **TOKEN, wrong: "wrong"}, sites=one.url)
    assert opened(handler, f"{one.url}/photos") == 401


def test_userinfo_in_the_url_is_not_signed(oauth_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site]) -> None:
    one = oauth_sites[0]
    handler = HTTPOAuth1Handler(**CLIENT, **TOKEN, sites=one.url)
    assert opened(handler, f"http://user:password@{urlsplit(one.url).netloc}/photos") == b"in"


def test_arguments_that_make_no_sense_for_oauth() -> None:
    with pytest.raises(ValueError, match="signature_method must be one of HMAC-SHA1"):
        HTTPOAuth1Handler("key", "secret", sites="https://a", signature_method="MD5")
    with pytest.raises(ValueError, match="RSA-SHA1 needs rsa_key"):
        HTTPOAuth1Handler("key", "secret", sites="https://a", signature_method="RSA-SHA1")
    with pytest.raises(ValueError, match="sites are URLs"):
        HTTPOAuth1Handler("key", "secret", sites="a")


def test_without_oauthlib_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "oauthlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "oauthlib", None)
    with pytest.raises(ImportError, match=re.escape("coda_network[oauth]")):
        HTTPOAuth1Handler("key", "secret", sites="https://a")


def test_no_secret_shows_in_a_repr_nor_in_debug_output(
    oauth_sites: tuple[ScriptedPeer, Site, ScriptedPeer, Site], capsys: pytest.CaptureFixture[str]
) -> None:
    one, site, _, _ = oauth_sites
    wsse = HTTPWsseAuthHandler()
    wsse.add_password(None, one.url, USER, "s3cret")
    handlers = [
        HTTPBearerAuthHandler("s3cret", one.url),
        HTTPOAuth1Handler("key", "s3cret", "s3cret", "s3cret", sites=one.url, signature_method="PLAINTEXT"),
        wsse,
    ]
    for handler in handlers:
        assert "s3cret" not in repr(handler)
        opener = urllib2.build_opener(urllib2.ProxyHandler({}), urllib2.HTTPHandler(debuglevel=1), handler)
        with pytest.raises(HTTPError) as caught:
            opener.open(f"{one.url}/a", timeout=10)
        caught.value.close()
        opener.close()
    shown = capsys.readouterr().out
    assert "send:" in shown
    for secret in ("s3cret", site.fields[-1]["x-wsse"].partition(" ")[2]):
        assert secret not in shown
