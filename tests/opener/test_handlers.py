"""Handlers of the program: found, called and replaced as in the standard library."""

from __future__ import annotations

import functools
import http.client
import io
import urllib.error
import urllib.request
import urllib.response
from types import ModuleType
from typing import Any

import pytest
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import httplib, ntlm_auth, urllib2


def base(library: ModuleType) -> Any:
    return library.BaseHandler


def test_a_handler_of_the_program_opens_a_scheme_of_its_own(library: ModuleType) -> None:
    class Echo(base(library)):
        def echo_open(self, request: Any) -> Any:
            return urllib.response.addinfourl(io.BytesIO(request.selector.encode()), {}, request.full_url, 200)

    with library.build_opener(Echo).open("echo://host/hello") as response:
        assert response.read() == b"/hello"


def test_an_unknown_scheme_is_a_url_error(direct: Any) -> None:
    with pytest.raises(urllib.error.URLError, match="unknown url type: gopher"):
        direct.open("gopher://host/")


def test_processors_see_requests_and_responses_in_their_order(library: ModuleType, origin: Origin) -> None:
    seen: list[str] = []

    def processor(name: str, order: int) -> Any:
        class Processor(base(library)):
            handler_order = order

            def http_request(self, request: Any) -> Any:
                seen.append(f"{name} request")
                request.add_header("X-" + name, "1")
                return request

            def http_response(self, request: Any, response: Any) -> Any:
                seen.append(f"{name} response {response.status}")
                return response

        return Processor()

    opener = library.build_opener(processor("Late", 900), processor("Early", 100))
    opener.open(origin.url, timeout=10).close()
    opener.close()
    assert seen == ["Early request", "Late request", "Early response 200", "Late response 200"]
    assert (origin.requests[0].header("X-Early"), origin.requests[0].header("X-Late")) == ("1", "1")


def test_an_error_handler_of_the_program_returns_the_response(library: ModuleType, origin: Origin) -> None:
    class Handler(base(library)):
        def http_error_404(self, request: Any, fp: Any, code: int, message: str, headers: Any) -> Any:
            assert fp.status == code
            assert headers["Content-Type"] == "application/json"
            return fp

    opener = library.build_opener(Handler)
    with opener.open(f"{origin.url}/status/404", timeout=10) as response:
        assert response.status == 404
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(f"{origin.url}/status/500", timeout=10)
    caught.value.close()
    opener.close()


def test_a_handler_that_comes_earlier_serves(library: ModuleType, origin: Origin) -> None:
    class Cached(base(library)):
        handler_order = 100

        def http_open(self, request: Any) -> Any:
            assert self.parent is opener
            if request.selector != "/cached":
                return None
            return urllib.response.addinfourl(io.BytesIO(b"cached"), {}, request.full_url, 200)

    opener = library.OpenerDirector()
    for handler in (library.HTTPHandler(), Cached()):
        opener.add_handler(handler)
    with opener.open(f"{origin.url}/cached") as response:
        assert response.read() == b"cached"
    with opener.open(f"{origin.url}/other", timeout=10) as response:
        assert response.status == 200
    opener.close()
    assert [seen.path for seen in origin.requests] == ["/other"]


def test_a_subclass_takes_the_place_of_a_default_handler(library: ModuleType, origin: Origin) -> None:
    class Marking(library.HTTPHandler):
        def http_request(self, request: Any) -> Any:
            request.add_header("X-Marked", "yes")
            return super().http_request(request)

    opener = library.build_opener(Marking)
    assert sum(isinstance(handler, urllib.request.HTTPHandler) for handler in opener.handlers) == 1
    for _ in range(2):
        opener.open(origin.url, timeout=10).read()
    opener.close()
    assert (origin.requests[0].header("X-Marked"), origin.connections) == ("yes", 1)


@pytest.mark.parametrize("name", ["HTTPHandler", "HTTPSHandler", "ProxyHandler", "HTTPRedirectHandler", "FTPHandler"])
def test_handlers_of_the_standard_library_take_the_place_of_ours(name: str) -> None:
    kind = getattr(urllib.request, name)
    theirs = kind({"http": "http://proxy.example"}) if name == "ProxyHandler" else kind()
    handlers = urllib2.build_opener(theirs).handlers
    assert [type(handler) for handler in handlers if isinstance(handler, type(theirs))] == [type(theirs)]


def test_the_default_handlers_are_those_of_the_standard_library() -> None:
    def kinds(opener: Any) -> list[str]:
        return sorted(type(handler).__name__ for handler in opener.handlers)

    # Without a proxy in the environment its handler has nothing to do and stays out.
    assert kinds(urllib2.build_opener()) == kinds(urllib.request.build_opener())


def make_connection(*arguments: Any, **options: Any) -> Any:
    return http.client.HTTPConnection(*arguments, **options)


class Late(http.client.HTTPConnection):
    """Made before its host is known, as a transport over other sockets does."""

    def __init__(self) -> None:
        pass

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        super().__init__(*arguments, **options)
        return self


@pytest.mark.parametrize(
    "make",
    [
        lambda: httplib.HTTPConnection,
        lambda: functools.partial(httplib.HTTPConnection, blocksize=1024),
        lambda: functools.partial(make_connection),
        Late,
    ],
    ids=["class", "partial of a class", "partial of a function", "instance"],
)
def test_do_open_takes_what_makes_a_connection(library: ModuleType, origin: Origin, make: Any) -> None:
    class Handler(library.HTTPHandler):
        def http_open(self, request: Any) -> Any:
            return self.do_open(make(), request)

    opener = library.build_opener(Handler)
    for _ in range(2):
        response = opener.open(f"{origin.url}/x", timeout=10)
        assert isinstance(response, http.client.HTTPResponse)
        assert (response.url, response.msg) == (f"{origin.url}/x", "OK")
        assert response.read()
    opener.close()
    kept = isinstance(make(), type)
    assert origin.connections == (1 if kept else 2)
    assert origin.requests[0].header("Connection") == ("keep-alive" if kept else "close")


@pytest.mark.parametrize("make", [lambda: functools.partial(make_connection), Late], ids=["function", "instance"])
def test_a_refused_tunnel_is_never_taken_for_the_response_of_the_site(
    library: ModuleType, basic_proxy: Proxy, make: Any
) -> None:
    class Handler(library.HTTPSHandler):
        def https_open(self, request: Any) -> Any:
            return self.do_open(make(), request)

    opener = library.build_opener(library.ProxyHandler({"https": basic_proxy.url}), Handler)
    with pytest.raises(urllib.error.URLError, match="Tunnel connection failed: 407"):
        opener.open("https://site.example/", timeout=10)
    opener.close()


def test_a_response_is_that_of_http_client(direct: Any, origin: Origin) -> None:
    response = direct.open(f"{origin.url}/bytes/300", timeout=10)
    assert isinstance(response, http.client.HTTPResponse)
    assert (response.length, response.version, response.fp is None) == (300, 11, False)
    assert len(b"".join(response)) == 300
    assert response.fp is None


@pytest.mark.parametrize("method", ["http_error_401", "retry_http_basic_auth", "http_error_auth_reqed"])
def test_a_login_handler_that_overrides_how_to_log_in_does_it_itself(
    library: ModuleType, origin: Origin, method: str
) -> None:
    calls: list[str] = []

    def override(self: Any, *arguments: Any) -> Any:
        calls.append(method)
        return getattr(super(kind, self), method)(*arguments)

    kind = type("Counting", (library.HTTPBasicAuthHandler,), {method: override})
    passwords = library.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, origin.url, "user", "secret")
    opener = library.build_opener(kind(passwords), library.HTTPDigestAuthHandler(passwords))
    with opener.open(f"{origin.url}/basic/user/secret", timeout=10) as response:
        assert response.status == 200
    opener.close()
    assert calls == [method]
    assert len(origin.requests) == 2


def test_a_login_handler_that_only_adds_a_method_declares_all_the_same(library: ModuleType, origin: Origin) -> None:
    class Named(library.HTTPBasicAuthHandler):
        name = "of the program"

    handler = Named()
    handler.add_password("coda origin", origin.url, "user", "secret")
    opener = library.build_opener(handler)
    for _ in range(3):
        opener.open(f"{origin.url}/basic/user/secret", timeout=10).read()
    opener.close()
    assert (len(origin.requests), origin.connections) == (4, 1)


def test_the_handlers_have_the_standard_librarys_interface(library: ModuleType) -> None:
    for name in ("HTTPBasicAuthHandler", "ProxyBasicAuthHandler", "HTTPDigestAuthHandler", "ProxyDigestAuthHandler"):
        handler = getattr(library, name)(library.HTTPPasswordMgr())
        handler.add_password("realm", "http://host/", "user", "secret")
        assert handler.passwd.find_user_password("realm", "http://host/x") == ("user", "secret")
        assert callable(getattr(handler, "http_error_407" if name.startswith("Proxy") else "http_error_401"))
    handler = ntlm_auth.HTTPNtlmAuthHandler()
    handler.add_password(None, "http://host/", "DOMAIN\\user", "secret")
    assert handler.passwd.find_user_password(None, "http://host/x") == ("DOMAIN\\user", "secret")


def test_debuglevel_prints_what_is_sent_and_received(
    library: ModuleType, origin: Origin, capsys: pytest.CaptureFixture[str]
) -> None:
    opener = library.build_opener(library.HTTPHandler(debuglevel=1))
    for _ in range(2):
        opener.open(origin.url, timeout=10).read()
    opener.close()
    printed = capsys.readouterr().out
    assert printed.count("send: b'GET / HTTP/1.1") == 2
    assert printed.count("reply: 'HTTP/1.1 200 OK") == 2
    assert "header: Content-Type" in printed


def test_an_installed_opener_serves_urlopen(
    library: ModuleType, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = library.build_opener()
    opener.addheaders = [("User-Agent", "mine")]
    library.install_opener(opener)
    library.urlopen(origin.url, timeout=10).read()
    assert origin.requests[0].header("User-Agent") == "mine"


def test_urlretrieve_writes_a_file(library: ModuleType, origin: Origin, tmp_path: Any) -> None:
    place, headers = library.urlretrieve(f"{origin.url}/bytes/1000", tmp_path / "file")
    assert (place.stat().st_size, headers["Content-Length"]) == (1000, "1000")


def test_other_schemes_are_unchanged(direct: Any, tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"text")
    for url, content in ((tmp_path / "file").as_uri(), b"text"), ("data:text/plain,hello", b"hello"):
        with direct.open(url) as response:
            assert response.read() == content


def test_the_name_of_a_http_client_class_is_looked_up_when_it_is_needed(
    direct: Any, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    class Watched(http.client.HTTPConnection):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            made.append(arguments)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(http.client, "HTTPConnection", Watched)
    direct.open(origin.url, timeout=10).read()
    assert made == [(origin.netloc,)]


def test_socket_keepalive_reaches_the_connection(library: ModuleType, origin: Origin) -> None:
    import socket

    for wanted in (False, True):
        opener = urllib2.build_opener(urllib2.HTTPHandler(socket_keepalive=wanted))
        response = opener.open(origin.url, timeout=10)
        assert bool(response.fp.raw._sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)) == wanted
        response.close()
        opener.close()


def test_a_redirect_whose_response_has_no_length_is_followed(direct: Any) -> None:
    def first(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 302 Found\r\nLocation: /next\r\n\r\ngone")

    def second(wire: Wire) -> None:
        assert wire.read_head().startswith(b"GET /next ")
        wire.respond(b"ok")

    with ScriptedPeer([first, second]) as peer:
        assert direct.open(peer.url, timeout=10).read() == b"ok"
