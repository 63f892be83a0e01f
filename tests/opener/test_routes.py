"""Openers over routes: chains, choices, what is tried when a proxy is dead, and what is not."""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from support.accounts import ALICE
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.servers import free_port

import coda_network
from coda_network import proxies, urllib2
from coda_network._route import back_off
from coda_network._route.back_off import DeadRoutes, dead_routes
from coda_network._route.route import Route, parse_hops


@pytest.fixture(autouse=True)
def forget_the_dead() -> Iterator[None]:
    dead_routes.clear()
    yield
    dead_routes.clear()


def fetch(url: Any, *handlers: Any, timeout: float = 5) -> bytes:
    opener: Any = urllib2.build_opener(*handlers)
    with contextlib.closing(opener), opener.open(url, timeout=timeout) as response:
        return response.read()  # type: ignore[no-any-return]  # bytes


def dead() -> str:
    return f"http://127.0.0.1:{free_port()}"


def test_a_choice_is_asked_for_each_url_without_its_secrets(origin: Origin, proxy: Proxy) -> None:
    asked = []

    def choose(url: str) -> list[str]:
        asked.append(url)
        return [proxy.url] if "by" in url else ["DIRECT"]

    opener: Any = urllib2.build_opener(urllib2.ProxyHandler(choose=choose))
    with contextlib.closing(opener):
        for path in ("/by", "/not", "/by"):
            opener.open(f"http://user:secret@{origin.netloc}{path}#end", timeout=5).read()
    assert asked == [f"{origin.url}/by", f"{origin.url}/not", f"{origin.url}/by"]
    assert [request.target for request in proxy.requests] == [f"{origin.url}/by"] * 2
    assert proxy.connections == 1


@pytest.mark.parametrize("kind", [str, list, tuple, lambda url: [[url]]])
def test_a_choice_may_be_one_url_several_or_a_chain(origin: Origin, proxy: Proxy, kind: Any) -> None:
    given = kind(proxy.url) if kind is str else kind([proxy.url]) if kind in (list, tuple) else kind(proxy.url)
    assert fetch(origin.url, urllib2.ProxyHandler(choose=lambda url: given))
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("found", [None, [], "", [""], ["gopher://x"], [42], [[]], ["http://h:99999"]])
def test_a_choice_that_says_nothing_usable_is_an_error_and_never_direct(origin: Origin, found: Any) -> None:
    with pytest.raises(urllib2.URLError):
        fetch(origin.url, urllib2.ProxyHandler(choose=lambda url: found))
    assert origin.requests == []


def test_a_dead_proxy_is_passed_over_and_comes_last_for_a_while(
    origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []
    note = dead_routes.note_failure
    monkeypatch.setattr(dead_routes, "note_failure", lambda route: (tried.append(str(route)), note(route)))
    first = dead()
    for _ in range(3):
        fetch(origin.url, urllib2.ProxyHandler(choose=lambda url: [first, proxy.url]))
    assert tried == [first]
    assert len(proxy.requests) == 3


def test_where_all_are_dead_the_error_is_the_last_ones_and_nothing_is_direct(origin: Origin) -> None:
    for _ in range(2):
        with pytest.raises(urllib2.URLError, match="refused"):
            fetch(origin.url, urllib2.ProxyHandler(choose=lambda url: [dead(), dead()]))
    assert origin.requests == []


def test_the_body_is_sent_by_the_route_that_is_there(origin: Origin, proxy: Proxy) -> None:
    request = urllib2.Request(origin.url, iter([b"one", b"two"]), {"Content-Length": "6"})
    assert fetch(request, urllib2.ProxyHandler(choose=lambda url: [dead(), proxy.url]))
    assert [(seen.method, seen.body_length) for seen in origin.requests] == [("POST", 6)]


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "502 Bad Gateway"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_says_no_is_no_reason_to_try_the_next(origin: Origin, status: str, scheme: str) -> None:
    def refuse(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"no", status, "Proxy-Authenticate: Basic realm=x")

    with ScriptedPeer(refuse) as peer, pytest.raises(urllib2.URLError, match=status[:3]) as caught:
        fetch(f"{scheme}://{origin.netloc}/", urllib2.ProxyHandler(choose=lambda url: [peer.url, "DIRECT"]))
    if isinstance(caught.value, urllib2.HTTPError):
        caught.value.close()
    assert origin.requests == []


def cut(wire: Wire) -> None:
    wire.read_exactly(1)


def stall(wire: Wire) -> None:
    wire.read_to_end()


@pytest.mark.parametrize("script", [cut, stall])
@pytest.mark.parametrize("scheme", ["http", "socks5h"])
def test_a_proxy_that_does_not_open_the_way_gives_way_to_the_next(
    script: Any, scheme: str, tls_origin: Origin, proxy: Proxy, client_context: Any
) -> None:
    with ScriptedPeer(script) as peer:
        chosen = [f"{scheme}://{peer.netloc}", proxy.url]
        handlers = urllib2.ProxyHandler(choose=lambda url: chosen), urllib2.HTTPSHandler(context=client_context)
        opener: Any = urllib2.build_opener(*handlers)
        with contextlib.closing(opener):
            for _ in range(2):
                request = urllib2.Request(tls_origin.url, iter([b"one"]), {"Content-Length": "3"})
                opener.open(request, timeout=0.5).close()
        assert peer.connections == 1
    assert [seen.body_length for seen in tls_origin.requests] == [3, 3]


@pytest.mark.parametrize("script", [cut, stall])
def test_a_request_that_a_proxy_has_had_is_sent_by_no_other(script: Any, origin: Origin, proxy: Proxy) -> None:
    with ScriptedPeer(script) as peer, pytest.raises(OSError, match=r"closed connection|timed out"):
        fetch(
            urllib2.Request(origin.url, b"order"),
            urllib2.ProxyHandler(choose=lambda url: [peer.url, proxy.url, "DIRECT"]),
            timeout=0.5,
        )
    assert (proxy.requests, origin.requests) == ([], [])


def test_when_the_time_for_all_of_it_is_over_no_further_route_is_tried(tls_origin: Origin, proxy: Proxy) -> None:
    with ScriptedPeer(stall) as peer:
        handler = urllib2.ProxyHandler(choose=lambda url: [peer.url, proxy.url])
        with pytest.raises(urllib2.URLError, match="timed out"):
            fetch(tls_origin.url, handler, timeout=coda_network.Timeout(total=0.3))
    assert proxy.connections == 0
    assert not dead_routes._until


def test_a_direct_route_that_fails_gives_way_to_a_proxy(proxy: Proxy, origin: Origin) -> None:
    with pytest.raises(urllib2.HTTPError, match="502") as caught:
        fetch(f"{dead()}/", urllib2.ProxyHandler(choose=lambda url: ["DIRECT", proxy.url]))
    caught.value.close()
    assert len(proxy.requests) == 1


def test_the_wait_doubles_to_a_limit_and_a_success_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(back_off, "monotonic", lambda: now[0])
    known = DeadRoutes()
    bad, good, direct = Route(parse_hops("bad:1")), Route(parse_hops("good:1")), Route(())
    waits = []
    for _ in range(9):
        known.note_failure(bad)
        known.note_failure(direct)
        known.note_failure(bad)  # at the same time: counts once
        begin = now[0]
        while known.in_order([bad, good, direct]) != [bad, good, direct]:
            assert known.in_order([bad, good, direct]) == [good, direct, bad]
            now[0] += 10
        waits.append(now[0] - begin)
    assert waits == [30, 60, 120, 240, 480, 960, 1800, 1800, 1800]
    known.note_failure(bad)
    known.note_success(bad)
    assert known.in_order([bad, good]) == [bad, good]


def test_a_chain_logs_in_at_each_of_its_proxies(origin: Origin, proxy: Proxy, basic_proxy: Proxy) -> None:
    chain = [proxy.url, basic_proxy.url_with_login]
    opener: Any = urllib2.build_opener(urllib2.ProxyHandler({"http": chain}))
    with contextlib.closing(opener):
        for _ in range(2):
            assert opener.open(origin.url, timeout=5).read()
    assert [request.method for request in proxy.requests] == ["CONNECT"]
    assert {request.target for request in basic_proxy.requests} == {origin.url}
    assert not any(request.header("Proxy-Authorization") for request in proxy.requests)


def test_two_routes_share_no_connection(origin: Origin, proxy: Proxy) -> None:
    routes = iter([[[proxy.url, proxy.url]], [proxy.url], [[proxy.url, proxy.url]], ["DIRECT"], [proxy.url]])
    opener: Any = urllib2.build_opener(urllib2.ProxyHandler(choose=lambda url: next(routes)))
    with contextlib.closing(opener):
        for _ in range(5):
            assert opener.open(origin.url, timeout=5).read()
    # Two for the chain, one for the proxy alone; each is used twice.
    assert proxy.connections == 3


def test_no_proxy_exempts_a_host_from_a_chain(origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert fetch(origin.url, urllib2.ProxyHandler({"http": [proxy.url, proxy.url]}))
    assert proxy.requests == []


@pytest.mark.parametrize("name", ["all_proxy", "ALL_PROXY"])
def test_all_proxy_is_the_last_resort_of_our_openers(
    origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, proxy.url)
    assert fetch(origin.url)
    assert len(proxy.requests) == 1
    monkeypatch.setenv("http_proxy", dead())
    with pytest.raises(urllib2.URLError, match="refused"):
        fetch(origin.url)
    assert len(proxy.requests) == 1


def test_the_patch_chooses_for_openers_plain_sockets_and_find(origin: Origin, proxy: Proxy) -> None:
    with coda_network.patched(choose=lambda url: [proxy.url]):
        for library in (urllib.request, urllib2):
            opener: Any = library.build_opener()
            with contextlib.closing(opener):
                assert opener.open(origin.url, timeout=5).read()
            opener = library.build_opener(library.ProxyHandler({}))
            with contextlib.closing(opener):
                assert opener.open(origin.url, timeout=5).read()
        coda_network.create_connection(origin.address, 5).close()
        [route] = proxies.find(origin.url)
        assert (str(route), route.why) == (proxy.url, "patch(), or CODA_NETWORK_PAC says so")
    assert [request.method for request in proxy.requests] == ["GET", "GET", "CONNECT"]
    assert proxies.find(origin.url)[0].is_direct


@pytest.mark.parametrize("by", ["patch", "environment"])
def test_a_pac_file_chooses_for_the_whole_process(
    origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Any, by: str
) -> None:
    path = tmp_path / "proxy.pac"
    path.write_text(f"function FindProxyForURL(url, host) {{ return 'PROXY {proxy.netloc}'; }}", encoding="utf-8")
    if by == "environment":
        monkeypatch.setenv("CODA_NETWORK_PAC", str(path))
    with coda_network.patched(pac=str(path) if by == "patch" else None):
        opener: Any = urllib.request.build_opener()
        with contextlib.closing(opener):
            assert opener.open(origin.url, timeout=5).read()
    assert len(proxy.requests) == 1


def test_choose_and_pac_together_patch_nothing() -> None:
    with pytest.raises(TypeError, match="choose or pac, not both"):
        coda_network.patch(choose=lambda url: ["DIRECT"], pac="function FindProxyForURL() {}")
    assert not coda_network.is_patched()


def test_https_in_the_url_of_a_proxy_means_plain_text_under_the_patch_unless_asked(
    tls_origin: Origin, proxy: Proxy, client_context: Any
) -> None:
    def opener_for(netloc: str) -> Any:
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({"https": f"https://{netloc}"}),
            urllib.request.HTTPSHandler(context=client_context),
        )

    def refuse(wire: Wire) -> None:
        assert wire.read_exactly(1) == b"\x16"  # a TLS handshake (RFC 8446 section 5.1)
        wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with coda_network.patched(), contextlib.closing(opener_for(proxy.netloc)) as opener:
        assert opener.open(tls_origin.url, timeout=5).read()
    with ScriptedPeer(refuse) as peer, coda_network.patched(https_proxies=True):
        with contextlib.closing(opener_for(peer.netloc)) as opener:
            with pytest.raises(urllib2.URLError, match="speaks plain text, not TLS"):
                opener.open(tls_origin.url, timeout=5)


def test_ftp_goes_over_http_proxies_only(proxy: Proxy) -> None:
    for bad in (["http://127.0.0.1:1", "socks5://127.0.0.1:1"], "socks5://127.0.0.1:1"):
        with pytest.raises(urllib2.URLError, match="ftp URLs are fetched by http"):
            fetch("ftp://site.example/file", urllib2.ProxyHandler({"ftp": bad}))


def test_find_shows_no_password_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", f"http://{ALICE.userinfo}@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "other.example")
    [route] = proxies.find("https://site.example/")
    assert (str(route), route.why) == ("http://proxy.example:3128", "named by https_proxy")
    assert ALICE.password not in repr(route) + repr(route.hops)
    [route] = proxies.find("https://other.example/")
    assert (str(route), route.why) == ("DIRECT", "no_proxy names this host: other.example")


@pytest.mark.parametrize("url", ["gopher://x/", "http:///x", "site.example", "http://h:99999/"])
def test_find_refuses_what_is_no_url_with_a_host(url: str) -> None:
    with pytest.raises(ValueError):
        proxies.find(url)


def test_the_way_that_a_handler_remembers_is_that_of_its_proxies_now():
    handler = urllib2.ProxyHandler({"http": ["socks5://first:1080"]})
    request = urllib2.Request("http://site.test/")

    def ways():
        handler.proxy_open(request, handler.proxies["http"], "http")
        return [route.urls for route in request._routes]

    assert ways() == ways() == [["socks5://first:1080"]]
    handler.proxies["http"].append("http://second:3128")
    assert ways() == [["socks5://first:1080", "http://second:3128"]]
