"""Request: a method, the accessors of Python 2, and nothing but data."""

from __future__ import annotations

import contextlib
import copy
import http.client
import socket
import ssl
import urllib.request
from types import ModuleType
from typing import Any

import pytest
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import urllib2
from coda_network._opener import request as request_module

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "BREW"]


@pytest.mark.parametrize("data", [None, b"body"], ids=["empty", "body"])
@pytest.mark.parametrize("method", METHODS)
def test_a_method_arrives_as_it_was_named(
    direct: Any, library: ModuleType, origin: Origin, method: str, data: bytes | None
) -> None:
    request = library.Request(origin.url, data, method=method)
    assert request.get_method() == method
    with direct.open(request, timeout=10) as response:
        assert (response.status, bool(response.read())) == (200, method != "HEAD")
    assert (origin.requests[0].method, origin.requests[0].body_length) == (method, len(data or b""))


@pytest.mark.parametrize(("data", "method"), [(None, "GET"), (b"x", "POST"), (b"", "POST")])
def test_without_a_method_the_data_decides(library: ModuleType, data: bytes | None, method: str) -> None:
    assert library.Request("http://localhost/", data).get_method() == method


def test_arguments_go_by_position_as_in_urllib2(library: ModuleType) -> None:
    request = library.Request("http://localhost/", b"x", {"A": "b"}, "here.example", True, "PUT")
    assert request.get_origin_req_host() == "here.example"
    assert request.is_unverifiable()
    assert request.get_method() == "PUT"


def test_the_accessors_of_python_2_are_there(library: ModuleType) -> None:
    request = library.Request("http://localhost:8080/path?query")
    assert not request.has_data()
    request.add_data(b"x")
    assert (request.has_data(), request.get_data(), request.get_method()) == (True, b"x", "POST")
    assert (request.get_type(), request.get_host(), request.get_selector()) == ("http", "localhost:8080", "/path?query")
    request.set_proxy("proxy.example:3128", "http")
    assert request.get_host() == "proxy.example:3128"
    assert request.get_selector() == "http://localhost:8080/path?query"


def test_the_head_that_is_sent_is_that_of_the_standard_library(
    direct: Any, library: ModuleType, origin: Origin
) -> None:
    request = library.Request(origin.url, headers={"X-Mine": "1"})
    direct.open(request, timeout=10).read()
    names = [name for name, _ in origin.requests[0].headers]
    assert names == ["Accept-Encoding", "Host", "User-Agent", "X-Mine", "Connection"]
    seen = origin.requests[0]
    assert (seen.header("Accept-Encoding"), seen.header("Host")) == ("identity", origin.netloc)
    assert str(seen.header("User-Agent")).startswith("Python-urllib/3.")


def test_unredirected_headers_override_the_others(direct: Any, library: ModuleType, origin: Origin) -> None:
    request = library.Request(origin.url, headers={"X-Mine": "redirected"})
    request.add_unredirected_header("X-Mine", "not redirected")
    direct.open(request, timeout=10).read()
    assert [value for name, value in origin.requests[0].headers if name == "X-Mine"] == ["not redirected"]


def connection_state(request: Any) -> list[Any]:
    return [
        value
        for value in vars(request).values()
        if isinstance(value, (socket.socket, http.client.HTTPConnection, http.client.HTTPResponse))
    ]


def test_a_request_is_the_same_before_and_after_it_is_opened(direct: Any, library: ModuleType, origin: Origin) -> None:
    request = library.Request(origin.url, headers={"Accept": "text/plain"})
    before = vars(copy.deepcopy(request))
    direct.open(request, timeout=10).read()
    added = {"timeout": 10, "unredirected_hdrs": request.unredirected_hdrs}
    assert vars(request) == {**before, **added}
    assert set(request.unredirected_hdrs) == {"Host", "User-agent"}


@pytest.mark.parametrize("used", [False, True])
def test_a_request_can_be_copied(direct: Any, library: ModuleType, origin: Origin, used: bool) -> None:
    request = library.Request(f"http://user:secret@{origin.netloc}/basic/user/secret", b"data")
    if used:
        direct.open(request, timeout=10).read()
    assert connection_state(request) == []
    twin = copy.deepcopy(request)
    assert direct.open(twin, timeout=10).status == 200


def test_a_request_goes_through_a_tunnel_as_often_as_it_is_opened(
    library: ModuleType, tls_origin: Origin, basic_proxy: Proxy, client_context: ssl.SSLContext
) -> None:
    opener = library.build_opener(
        library.ProxyHandler({"https": basic_proxy.url_with_login}), library.HTTPSHandler(context=client_context)
    )
    request = library.Request(tls_origin.url)
    for _ in range(3):
        assert opener.open(request, timeout=10).read()
    opener.close()
    assert connection_state(request) == []
    assert {seen.method for seen in basic_proxy.requests} == {"CONNECT"}
    assert len(tls_origin.requests) == 3


@pytest.mark.parametrize("again", [False, True])
def test_set_proxy_sends_it_by_way_of_a_proxy(library: ModuleType, origin: Origin, proxy: Proxy, again: bool) -> None:
    opener = library.build_opener()
    request = library.Request(f"{origin.url}/x")
    request.set_proxy(proxy.netloc, "http")
    for _ in range(1 + again):
        opener.open(request, timeout=10).read()
    opener.close()
    assert [seen.target for seen in proxy.requests] == [f"{origin.url}/x"] * (1 + again)


def test_set_proxy_opens_a_tunnel_for_https(
    library: ModuleType, tls_origin: Origin, proxy: Proxy, client_context: ssl.SSLContext
) -> None:
    opener = library.build_opener(library.HTTPSHandler(context=client_context))
    request = library.Request(tls_origin.url)
    request.set_proxy(proxy.netloc, "http")
    assert opener.open(request, timeout=10).read()
    opener.close()
    assert [seen.target for seen in proxy.requests] == [tls_origin.netloc]


@pytest.mark.parametrize("through_proxy", [False, True])
def test_a_fragment_is_not_sent(library: ModuleType, origin: Origin, proxy: Proxy, through_proxy: bool) -> None:
    opener = library.build_opener(library.ProxyHandler({"http": proxy.url} if through_proxy else {}))
    response = opener.open(f"{origin.url}/page#part", timeout=10)
    response.read()
    assert response.url == f"{origin.url}/page#part"
    assert origin.requests[0].path == "/page"
    opener.close()


@pytest.mark.parametrize("path", ["/a b", "/a\r\nb", "/a\x00b"])
def test_a_url_with_a_space_or_a_control_character_is_refused(direct: Any, origin: Origin, path: str) -> None:
    with pytest.raises(http.client.InvalidURL):
        direct.open(origin.url + path, timeout=10)
    assert origin.requests == []


def test_a_url_with_userinfo_is_not_remembered() -> None:
    url = "http://user:secret@many.example/"
    assert urllib2.Request(url).host == "user:secret@many.example"
    assert not any("secret" in origin for origin in request_module._origins)


@pytest.mark.parametrize("name", ["get_method", "get_full_url"])
def test_a_method_that_a_program_puts_into_one_request_is_asked(name: str) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.respond(b"", "204 No Content")

    with ScriptedPeer(script) as peer, contextlib.closing(urllib2.build_opener(urllib2.ProxyHandler({}))) as opener:
        request = urllib.request.Request(peer.url, data=b"data")
        value = {"get_method": "PUT", "get_full_url": peer.url + "?other"}[name]
        setattr(request, name, lambda: value)
        with opener.open(request) as response:
            assert response.url == (value if name == "get_full_url" else peer.url)
        assert peer.heads[0].split(b" ")[0] == (b"PUT" if name == "get_method" else b"POST")
