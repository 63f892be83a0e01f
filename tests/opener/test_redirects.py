"""Redirects: followed as in the standard library, without secrets to another origin."""

from __future__ import annotations

import http.client
import http.cookiejar
import urllib.error
import urllib.parse
from types import ModuleType
from typing import Any

import pytest
from support.origin import Origin
from support.peer import ScriptedPeer, Wire


def to(origin: Origin, code: int, target: str) -> str:
    return f"{origin.url}/redirect/{code}?to={urllib.parse.quote(target, safe='')}"


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_redirect_is_followed(
    direct: Any, library: ModuleType, origin: Origin, code: int, method: str, request: pytest.FixtureRequest
) -> None:
    asked = library.Request(to(origin, code, "/there"), method=method)
    if code == 308 and not hasattr(library.HTTPRedirectHandler, "http_error_308"):
        with pytest.raises(urllib.error.HTTPError):  # known to urllib from Python 3.11 on
            direct.open(asked, timeout=10)
        return
    with direct.open(asked, timeout=10) as response:
        assert (response.url, response.status) == (f"{origin.url}/there", 200)
    assert origin.connections == 1
    assert asked.redirect_dict == {f"{origin.url}/there": 1}


@pytest.mark.parametrize(("code", "followed"), [(301, True), (302, True), (303, True), (307, False), (308, False)])
def test_a_post_becomes_a_get_or_stays_where_it_is(direct: Any, origin: Origin, code: int, followed: bool) -> None:
    if not followed:
        with pytest.raises(urllib.error.HTTPError) as caught:
            direct.open(to(origin, code, "/there"), b"data", timeout=10)
        assert caught.value.code == code
        caught.value.close()
        return
    direct.open(to(origin, code, "/there"), b"data", timeout=10).read()
    assert [(seen.method, seen.body_length) for seen in origin.requests] == [("POST", 4), ("GET", 0)]


@pytest.mark.parametrize("kind", ["itself", "chain"])
def test_an_endless_redirect_ends(direct: Any, kind: str) -> None:
    def script(wire: Wire) -> None:
        for number, _ in enumerate(wire.read_heads()):
            wire.respond(b"", "302 Found", f"Location: {'/' if kind == 'itself' else f'/{number}'}")

    with ScriptedPeer(script) as peer:
        with pytest.raises(urllib.error.HTTPError, match="infinite loop") as caught:
            direct.open(f"{peer.url}/", timeout=10)
        caught.value.close()
    assert peer.connections == 1


SECRETS = {"Authorization": "Bearer secret", "Cookie": "session=secret", "Proxy-Authorization": "Basic c2VjcmV0"}


@pytest.mark.parametrize("name", ["Authorization", "Cookie"])
@pytest.mark.parametrize("elsewhere", ["port", "host", "here"])
def test_secrets_do_not_go_to_another_origin(
    direct: Any, library: ModuleType, origin: Origin, name: str, elsewhere: str
) -> None:
    with Origin() as other:
        target = {
            "port": f"{other.url}/x",
            "host": f"http://localhost:{origin.port}/x",
            "here": f"{origin.url}/x",
        }[elsewhere]
        request = library.Request(to(origin, 302, target), headers={name: SECRETS[name], "X-Plain": "kept"})
        direct.open(request, timeout=10).read()
        arrived = (other if elsewhere == "port" else origin).requests[-1]
    assert arrived.path == "/x"
    assert arrived.header(name) == (SECRETS[name] if elsewhere == "here" else None)
    assert arrived.header("X-Plain") == "kept"


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("http://host/a", "http://host/b", True),
        ("http://host/a", "http://host:80/b", True),
        ("http://host/a", "http://HOST/b", True),
        ("https://host/a", "https://host:443/b", True),
        ("http://host/a", "https://host/b", False),
        ("https://host/a", "http://host/b", False),
        ("http://host/a", "http://host:8080/b", False),
        ("http://host/a", "http://other/b", False),
        ("http://host/a", "http://sub.host/b", False),
        ("http://user:password@host/a", "http://host/b", True),
    ],
)
def test_another_scheme_host_or_port_is_another_origin(
    library: ModuleType, first: str, second: str, same: bool
) -> None:
    request = library.Request(first, headers=SECRETS)
    redirected = library.HTTPRedirectHandler().redirect_request(request, None, 302, "Found", {}, second)
    assert set(redirected.headers) == ({name.capitalize() for name in SECRETS} if same else set())


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://host:port/", http.client.InvalidURL),
        ("//:99999/", urllib.error.URLError),
        ("ftp2://host/", urllib.error.HTTPError),
    ],
)
def test_a_redirect_that_cannot_be_followed_is_an_error(direct: Any, location: str, error: type[Exception]) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "302 Found", f"Location: {location}")

    with ScriptedPeer([script]) as peer:
        with pytest.raises(error) as caught:
            direct.open(f"{peer.url}/", timeout=10)
        if isinstance(caught.value, urllib.error.HTTPError):
            caught.value.close()


def test_credentials_do_not_go_to_another_origin(library: ModuleType, origin: Origin) -> None:
    with Origin() as other:
        passwords = library.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, origin.url, "user", "secret")
        opener = library.build_opener(library.HTTPBasicAuthHandler(passwords))
        opener.open(f"{origin.url}/basic/user/secret", timeout=10).read()
        target = f"{other.url}/basic/user/secret"
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(to(origin, 302, target), timeout=10)
        caught.value.close()
        opener.close()
    assert caught.value.code == 401
    assert [seen.header("Authorization") for seen in other.requests] == [None]


def test_cookies_are_kept_and_sent_back(library: ModuleType, origin: Origin) -> None:
    jar = http.cookiejar.CookieJar()
    opener = library.build_opener(library.HTTPCookieProcessor(jar))
    opener.open(f"{origin.url}/cookie/flavour/sweet", timeout=10).read()
    opener.open(to(origin, 302, "/there"), timeout=10).read()
    opener.close()
    assert [(cookie.name, cookie.value) for cookie in jar] == [("flavour", "sweet")]
    assert [seen.header("Cookie") for seen in origin.requests] == [None, "flavour=sweet", "flavour=sweet"]
    assert origin.connections == 1


def test_a_redirect_handler_of_the_program_is_asked(library: ModuleType, origin: Origin) -> None:
    class Smart(library.HTTPRedirectHandler):
        def http_error_302(self, request: Any, fp: Any, code: int, message: str, headers: Any) -> Any:
            result = super().http_error_302(request, fp, code, message, headers)
            result.first_status = code
            return result

    class Never(library.HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> None:
            return None

    opener = library.build_opener(Smart)
    response = opener.open(to(origin, 302, "/there"), timeout=10)
    assert (response.first_status, response.url) == (302, f"{origin.url}/there")
    response.close()
    opener.close()
    stubborn = library.build_opener(Never)
    with pytest.raises(urllib.error.HTTPError) as caught:
        stubborn.open(to(origin, 302, "/there"), timeout=10)
    assert caught.value.code == 302
    caught.value.close()
    stubborn.close()
