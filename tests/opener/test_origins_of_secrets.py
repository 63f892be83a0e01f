"""Who gets a password, an authorization or a cookie: the origin that it is for, and nobody a redirect leads to."""

from __future__ import annotations

import copy
import http.client
import pickle
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
import requests
from support.peer import ClientGone, ScriptedPeer, Wire

import coda_network
from coda_network import negotiate_auth, ntlm_auth
from coda_network._transport.password_entries import find_site_password
from coda_network._wire.origin import Redirects, asked_for, is_led_astray, is_stranger, origin

SECRETS = {"Authorization": "Bearer secret", "Cookie": "session=secret", "Proxy-Authorization": "Basic c2VjcmV0"}


def fields(head: bytes) -> set[str]:
    """Return the names of the secret fields of a request."""
    names = {line.partition(b":")[0].decode().title() for line in head.split(b"\r\n")[1:]}
    return names & set(SECRETS)


class Redirecting:
    """A site that sends /start to `target`, and responds to everything else."""

    target = "/there"

    def __call__(self, wire: Wire) -> None:
        for head in wire.read_heads():
            if head.split()[1] == b"/start":
                wire.respond(b"", "302 Found", f"Location: {self.target}")
            else:
                wire.respond(b"page")


@pytest.fixture
def sites() -> Iterator[tuple[ScriptedPeer, ScriptedPeer, Redirecting]]:
    """The site that redirects, another one, and what says where to."""
    script = Redirecting()
    with ScriptedPeer(script) as first, ScriptedPeer(Redirecting()) as other:
        yield first, other, script


# -- fields of the opener and of the request


@pytest.mark.parametrize("name", SECRETS)
def test_fields_of_the_opener_stay_with_the_origin_that_was_asked_for(
    direct: Any, sites: tuple[ScriptedPeer, ScriptedPeer, Redirecting], name: str
) -> None:
    first, other, script = sites
    direct.addheaders = [("User-Agent", "me"), (name, SECRETS[name]), ("X-Plain", "kept")]
    script.target = f"{other.url}/there"
    direct.open(f"{first.url}/start", None, timeout=10).close()
    script.target = "/there"
    direct.open(f"{first.url}/start", timeout=10).close()
    assert [fields(head) for head in first.heads] == [{name}] * 3
    assert [fields(head) for head in other.heads] == [set()]
    assert b"x-plain: kept" in other.heads[0].lower()


def test_on_the_way_back_the_fields_of_the_opener_are_sent_again(
    direct: Any, sites: tuple[ScriptedPeer, ScriptedPeer, Redirecting]
) -> None:
    first, _, script = sites
    back = Redirecting()
    back.target = f"{first.url}/end"
    with ScriptedPeer(back) as between:
        script.target = f"{between.url}/start"
        direct.addheaders = [("Authorization", "Bearer secret")]
        direct.open(f"{first.url}/start", timeout=10).close()
        assert [fields(head) for head in between.heads] == [set()]
    assert [fields(head) for head in first.heads] == [{"Authorization"}] * 2


def test_a_field_of_the_opener_stays_away_from_all_that_follow(
    direct: Any, sites: tuple[ScriptedPeer, ScriptedPeer, Redirecting]
) -> None:
    """From the stranger to another page of the stranger."""
    first, other, script = sites
    script.target = f"{other.url}/start"
    direct.addheaders = [("Authorization", "Bearer secret")]
    direct.open(f"{first.url}/start", timeout=10).close()
    assert [fields(head) for head in other.heads] == [set(), set()]


@pytest.mark.parametrize("elsewhere", [True, False])
@pytest.mark.parametrize("name", SECRETS)
def test_an_unredirected_field_is_for_the_first_request_alone(
    direct: Any,
    library: ModuleType,
    sites: tuple[ScriptedPeer, ScriptedPeer, Redirecting],
    name: str,
    elsewhere: bool,
) -> None:
    first, other, script = sites
    script.target = f"{other.url if elsewhere else first.url}/there"
    request = library.Request(f"{first.url}/start")
    request.add_unredirected_header(name, SECRETS[name])
    direct.open(request, timeout=10).close()
    assert [fields(head) for head in (*first.heads, *other.heads)] == [{name}, set()]


def test_a_redirect_handler_of_the_program_changes_nothing_of_that(
    library: ModuleType, sites: tuple[ScriptedPeer, ScriptedPeer, Redirecting]
) -> None:
    class Own(library.HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> Any:
            return library.Request(arguments[-1])

    first, other, script = sites
    script.target = f"{other.url}/there"
    opener = library.build_opener(library.ProxyHandler({}), Own)
    opener.addheaders = [("Authorization", "Bearer secret")]
    opener.open(f"{first.url}/start", timeout=10).close()
    opener.close()
    assert [fields(head) for head in other.heads] == [set()]


def test_a_field_that_the_program_gives_to_the_new_request_is_its_own(
    library: ModuleType, sites: tuple[ScriptedPeer, ScriptedPeer, Redirecting]
) -> None:
    class Own(library.HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> Any:
            return library.Request(arguments[-1], headers={"Cookie": "for=you"})

    first, other, script = sites
    script.target = f"{other.url}/there"
    opener = library.build_opener(library.ProxyHandler({}), Own)
    opener.addheaders = [("Cookie", "session=secret")]
    opener.open(f"{first.url}/start", timeout=10).close()
    opener.close()
    assert b"for=you" in other.heads[0]


def test_what_a_request_remembers_can_be_copied() -> None:
    redirects = Redirects(("http", "host", 80), {"http://host/": 2})
    for other in (copy.deepcopy(redirects), pickle.loads(pickle.dumps(redirects))):
        assert (other, other.asked_for) == ({"http://host/": 2}, ("http", "host", 80))
    request = urllib.request.Request("http://host/")
    assert (asked_for(request), is_led_astray(request), is_stranger(request)) == (None, False, False)
    assert origin("http://[host/") == origin("http://host:port/") == ("", None, -1)


@pytest.mark.parametrize(
    ("first", "now", "stranger"),
    [
        ("http://host/", "https://host/", False),
        ("http://host:80/", "https://host:443/", False),
        ("http://host:8080/", "https://host/", False),
        ("https://host/", "http://host/", True),
        ("http://host/", "https://host:8443/", True),
        ("http://host/", "http://host:8080/", True),
        ("https://host/", "https://other/", True),
    ],
)
def test_who_is_a_stranger(first: str, now: str, stranger: bool) -> None:
    request: Any = urllib.request.Request(now)
    request.redirect_dict = Redirects(origin(first), {})
    assert (is_led_astray(request), is_stranger(request)) == (True, stranger)


# -- password managers: what is kept for https does not answer http


# Newer releases of the standard library look at the scheme themselves; there, what they say counts.
SCHEMES_COUNT = hasattr(urllib.request.HTTPPasswordMgr, "_is_suburi_with_scheme")


@pytest.mark.parametrize("kind", ["HTTPPasswordMgr", "HTTPPasswordMgrWithDefaultRealm", "HTTPPasswordMgrWithPriorAuth"])
@pytest.mark.parametrize(
    ("kept", "url", "answers"),
    [
        ("https://host/", "http://host/", False),
        ("https://host/", "http://host/a?b", False),
        ("https://host/a", "http://host/a/b", False),
        ("https://host:443/", "http://host/", False),
        ("https://[::1]/", "http://[::1]/", False),
        ("https://host/", "https://host/a", True),
        ("https://host/", "https://host:443/", True),
        ("http://host/", "http://host/", True),
        ("http://host/", "http://host:80/", True),
        ("http://host/", "https://host/", not SCHEMES_COUNT),  # it becomes no less safe
        ("host", "http://host/a", True),
        ("host", "https://host/a", True),
        ("host:8080", "http://host:8080/a", True),
        ("https://host:8080/", "http://host:8080/", not SCHEMES_COUNT),  # one port speaks one of them
        ("http://other/", "http://host/", False),
    ],
)
def test_a_password_for_https_does_not_answer_http(
    library: ModuleType, kind: str, kept: str, url: str, answers: bool
) -> None:
    manager = getattr(library, kind)()
    manager.add_password("realm", kept, "user", "password")
    assert find_site_password(manager, "realm", url) == (("user", "password") if answers else (None, None))


def test_a_manager_of_the_program_is_asked_as_it_was() -> None:
    asked = []

    class Own(urllib.request.HTTPPasswordMgr):
        def find_user_password(self, realm: str, authuri: str) -> Any:
            asked.append(authuri)
            return "user", "password"

    assert find_site_password(Own(), "realm", "http://host/") == ("user", "password")
    assert asked == ["http://host/"]


@pytest.mark.parametrize("kept", ["http", "https"])
def test_prior_authentication_keeps_to_its_scheme(library: ModuleType, kept: str) -> None:
    manager = library.HTTPPasswordMgrWithPriorAuth()
    manager.add_password(None, f"{kept}://host/", "user", "password", is_authenticated=True)
    handler = library.HTTPBasicAuthHandler(manager)
    sent = {}
    for scheme in ("http", "https"):
        request = library.Request(f"{scheme}://host/")
        getattr(handler, f"{scheme}_request")(request)
        sent[scheme] = request.has_header("Authorization")
    assert sent == {"http": kept == "http", "https": kept == "https" or not SCHEMES_COUNT}


# -- patch(credentials=pair), and strangers


def demanding(wire: Wire) -> None:
    for head in wire.read_heads():
        if head.split()[1] == b"/start":
            wire.respond(b"", "302 Found", "Location: /there")
        elif fields(head):
            wire.respond(b"in")
        else:
            wire.respond(b"", "401 X", "WWW-Authenticate: NTLM", 'WWW-Authenticate: Basic realm="r"')


@pytest.mark.parametrize("given", ["pair", "mapping", "function"])
@pytest.mark.parametrize("handlers", [(), (ntlm_auth.HTTPNtlmAuthHandler, negotiate_auth.HTTPNegotiateAuthHandler)])
def test_a_stranger_does_not_get_the_pair_of_the_patch(given: str, handlers: Any) -> None:
    script = Redirecting()
    pair = ("CODA\\alice", "secret")
    with ScriptedPeer(script) as first, ScriptedPeer(demanding) as stranger:
        script.target = f"{stranger.url}/there"
        credentials: Any = {"pair": pair, "mapping": {stranger.netloc: pair}, "function": lambda *a: pair}[given]
        with coda_network.patched(credentials=credentials):
            opener: Any = urllib.request.build_opener(urllib.request.ProxyHandler({}), *[kind() for kind in handlers])
            try:
                opener.open(f"{first.url}/start", timeout=10).close()
            except urllib.error.HTTPError as error:
                error.close()
            opener.close()
            sent = [fields(head) for head in stranger.heads]
            assert any(sent) == (given != "pair")
            # Asked by the program itself, and redirected within its origin, it gets the pair.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            opener.open(f"{stranger.url}/start", timeout=10).close()
            opener.close()
        assert fields(stranger.heads[-1]) == {"Authorization"}


# -- a 407 that a site sends


OFFERS = ("NTLM", 'Digest realm="r", nonce="n"', 'Basic realm="r"')
CHALLENGES = tuple(f"Proxy-Authenticate: {offer}" for offer in OFFERS)


def sends_407(wire: Wire) -> None:
    while True:
        try:
            wire.read_request()
        except ClientGone:
            return
        wire.respond(b"mine", "407 X", *CHALLENGES)


def by_opener(library: ModuleType, url: str) -> None:
    manager = library.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, url, "user", "password")
    manager.add_password(None, url.partition("//")[2], "user", "password")
    handlers = [library.ProxyBasicAuthHandler(manager), library.ProxyDigestAuthHandler(manager)]
    opener = library.build_opener(library.ProxyHandler({}), *handlers, ntlm_auth.ProxyNtlmAuthHandler(manager))
    for data in (None, b"x" * 100_000):
        with pytest.raises(urllib.error.HTTPError, match="407") as caught:
            opener.open(url, data, timeout=10)
        assert caught.value.read() == b"mine"
        caught.value.close()
    opener.close()


def by_http_client(library: ModuleType, url: str) -> None:
    connection = http.client.HTTPConnection(url.partition("//")[2], timeout=10)
    for _ in range(2):
        connection.request("GET", "/")
        with connection.getresponse() as response:
            assert (response.status, response.read()) == (407, b"mine")
    connection.close()


def by_requests(library: ModuleType, url: str) -> None:
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(url, timeout=10).status_code == 407


@pytest.mark.parametrize("way", [by_opener, by_http_client, by_requests])
def test_a_407_of_a_site_gets_no_login(library: ModuleType, way: Callable[[ModuleType, str], None]) -> None:
    with ScriptedPeer(sends_407) as site:
        if library is urllib.request:
            coda_network.patch(credentials=("user", "password"))
        try:
            way(library, site.url)
        finally:
            if library is urllib.request:
                coda_network.unpatch()
    assert [fields(head) for head in site.heads] == [set()] * len(site.heads)
    assert site.heads


@pytest.mark.parametrize("way", ["opener", "requests"])
def test_a_407_of_a_site_behind_a_tunnel_gets_no_login(
    library: ModuleType, way: str, ca: Any, client_context: Any
) -> None:
    def proxy(wire: Wire) -> None:
        head = wire.read_head()
        while b"Proxy-Authorization: Basic" not in head:
            wire.respond(b"", "407 X", 'Proxy-Authenticate: Basic realm="r"')
            head = wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        wire.start_tls(ca.server_context())
        sends_407(wire)

    with ScriptedPeer(proxy) as peer:
        url = f"http://user:password@{peer.netloc}"
        if way == "opener":
            handlers = library.ProxyHandler({"https": url}), library.HTTPSHandler(context=client_context)
            opener = library.build_opener(*handlers, library.ProxyBasicAuthHandler())
            with pytest.raises(urllib.error.HTTPError, match="407") as caught:
                opener.open("https://localhost/", timeout=10)
            caught.value.close()
            opener.close()
        else:
            with requests.Session() as session:
                session.trust_env = False
                session.verify = str(ca.bundle)
                assert session.get("https://localhost/", proxies={"https": url}, timeout=10).status_code == 407
    inside = [head for head in peer.heads if not head.startswith(b"CONNECT")]
    assert [fields(head) for head in inside] == [set()]
