"""How many connections requests take."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.relaying import CountingRelay

MANY = 100


def read(opener: Any, url: Any, **options: Any) -> bytes:
    with opener.open(url, timeout=10, **options) as response:
        return response.read()


def test_requests_to_one_host_share_one_connection(direct: Any, origin: Origin) -> None:
    for number in range(MANY):
        read(direct, f"{origin.url}/{number}")
    assert (len(origin.requests), origin.connections) == (MANY, 1)


@pytest.mark.parametrize(("most", "connections"), [(100, 3), (3, 3), (2, 6)])
def test_an_opener_keeps_as_many_idle_connections_as_it_is_told(
    library: ModuleType, most: int, connections: int
) -> None:
    opener = library.build_opener(library.ProxyHandler({}))
    opener.max_idle = most
    with Origin() as one, Origin() as two, Origin() as three:
        for _ in range(2):
            for origin in (one, two, three):
                read(opener, origin.url)
        opener.close()
        assert one.connections + two.connections + three.connections == connections


def test_the_limits_of_an_opener_are_checked_with_its_first_request(library: ModuleType, origin: Origin) -> None:
    opener = library.build_opener(library.ProxyHandler({}))
    opener.max_idle_per_host = -1
    with pytest.raises(ValueError, match="negative"):
        read(opener, origin.url)


def test_requests_over_tls_share_one_connection(
    library: ModuleType, tls_origin: Origin, client_context: ssl.SSLContext
) -> None:
    opener = library.build_opener(library.HTTPSHandler(context=client_context))
    for number in range(MANY):
        read(opener, f"{tls_origin.url}/{number}")
    opener.close()
    assert (len(tls_origin.requests), tls_origin.connections) == (MANY, 1)


def test_urlopen_keeps_its_connections(library: ModuleType, origin: Origin) -> None:
    for _ in range(MANY):
        library.urlopen(origin.url, timeout=10).read()
    assert origin.connections == 1


def test_urlopen_with_a_context_keeps_its_connections(
    library: ModuleType, tls_origin: Origin, client_context: ssl.SSLContext
) -> None:
    for _ in range(10):
        library.urlopen(tls_origin.url, timeout=10, context=client_context).read()
    assert tls_origin.connections == 1


def test_another_context_is_another_connection(
    library: ModuleType, tls_origin: Origin, client_context: ssl.SSLContext, ca: Any
) -> None:
    for context in (client_context, ca.client_context(), client_context):
        library.urlopen(tls_origin.url, timeout=10, context=context).read()
    assert tls_origin.connections == 2


def test_requests_through_a_proxy_share_one_connection_to_it(library: ModuleType, origin: Origin, proxy: Proxy) -> None:
    opener = library.build_opener(library.ProxyHandler({"http": proxy.url}))
    for number in range(MANY):
        read(opener, f"{origin.url}/{number}")
    opener.close()
    assert (len(proxy.requests), proxy.connections) == (MANY, 1)


def test_requests_through_a_tunnel_share_it(
    library: ModuleType, tls_origin: Origin, proxy: Proxy, client_context: ssl.SSLContext
) -> None:
    handlers = library.ProxyHandler({"https": proxy.url}), library.HTTPSHandler(context=client_context)
    opener = library.build_opener(*handlers)
    for number in range(MANY):
        read(opener, f"{tls_origin.url}/{number}")
    opener.close()
    assert (len(tls_origin.requests), tls_origin.connections, proxy.connections) == (MANY, 1, 1)


@pytest.mark.parametrize(
    ("path", "connections"),
    [
        ("/close", 5),
        ("/keep-alive", 1),
        ("/http10", 5),
        ("/http10-keep-alive", 1),
        ("/no-length", 5),
        ("/chunked", 1),
        ("/status/204", 1),
        ("/bytes/0", 1),
        ("/bytes/100000", 1),
    ],
)
def test_a_connection_is_reused_only_where_the_server_keeps_it_open(
    direct: Any, origin: Origin, path: str, connections: int
) -> None:
    for _ in range(5):
        read(direct, origin.url + path)
    assert origin.connections == connections


def test_a_connection_close_of_the_program_is_honoured(direct: Any, library: ModuleType, origin: Origin) -> None:
    for _ in range(3):
        read(direct, library.Request(origin.url, headers={"Connection": "close"}))
    assert origin.connections == 3
    assert origin.requests[0].header("Connection") == "close"


def test_a_connection_close_of_the_program_ends_it_also_where_the_server_would_go_on(
    direct: Any, library: ModuleType
) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"body")

    with ScriptedPeer(script) as peer:
        for value in ("close", "Close", "keep-alive, close", "close"):
            assert direct.open(library.Request(peer.url, headers={"Connection": value})).read() == b"body"
        assert direct.open(peer.url).read() == direct.open(peer.url).read() == b"body"
        assert peer.connections == 5


def test_the_server_is_asked_to_keep_the_connection(direct: Any, origin: Origin) -> None:
    read(direct, origin.url)
    assert [value for name, value in origin.requests[0].headers if name == "Connection"] == ["keep-alive"]


def test_a_handler_without_an_opener_closes_its_connection(library: ModuleType, origin: Origin) -> None:
    request = library.Request(origin.url)
    request.timeout = 10
    for _ in range(2):
        library.HTTPHandler().http_open(request).read()
    assert origin.connections == 2
    assert [seen.header("Connection") for seen in origin.requests] == ["close", "close"]


@pytest.mark.parametrize(
    ("announced", "connections"),
    [
        ("timeout=60", 1),
        ("timeout=60, max=5", 1),
        ("timeout=1", 2),
        ("timeout=0", 2),
        ("max=0", 2),
        ("timeout=60, max=0", 2),
        ("nonsense", 1),
    ],
)
def test_the_limits_of_the_keep_alive_field_are_honoured(direct: Any, announced: str, connections: int) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"x", "200 OK", "Connection: keep-alive", f"Keep-Alive: {announced}")

    with ScriptedPeer(script) as peer:
        for _ in range(2):
            read(direct, peer.url)
    assert peer.connections == connections


def test_an_unread_response_holds_its_connection(direct: Any, origin: Origin) -> None:
    first = direct.open(f"{origin.url}/bytes/100000", timeout=10)
    second = direct.open(f"{origin.url}/bytes/7", timeout=10)
    assert len(second.read()) == 7
    assert len(first.read()) == 100000
    read(direct, origin.url)
    assert origin.connections == 2


@pytest.mark.parametrize("part", [0, 10, 70000])
@pytest.mark.parametrize("end", [lambda response: response.close(), lambda response: None], ids=["closed", "dropped"])
def test_a_response_read_in_part_does_not_spoil_the_next_request(
    direct: Any, origin: Origin, part: int, end: Callable[[Any], None]
) -> None:
    response = direct.open(f"{origin.url}/bytes/1000000", timeout=10)
    response.read(part)
    end(response)
    del response
    assert read(direct, f"{origin.url}/bytes/3") == bytes(3)
    assert origin.connections == 2


def test_bytes_behind_a_response_do_not_spoil_the_next_request(direct: Any) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        wire.read_to_end()

    def honest(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"good")

    with ScriptedPeer([script, honest]) as peer:
        assert [read(direct, peer.url) for _ in range(2)] == [b"ok", b"good"]


def test_the_response_to_head_releases_its_connection(direct: Any, library: ModuleType, origin: Origin) -> None:
    for _ in range(3):
        with direct.open(library.Request(f"{origin.url}/bytes/9", method="HEAD"), timeout=10) as response:
            assert (response.headers["Content-Length"], response.read()) == ("9", b"")
    assert origin.connections == 1


def test_an_error_that_is_read_or_dropped_releases_its_connection(
    direct: Any, library: ModuleType, origin: Origin
) -> None:
    for _ in range(3):
        with pytest.raises(library.HTTPError) as caught:
            direct.open(f"{origin.url}/status/404", timeout=10)
        assert caught.value.read().startswith(b"{")
        caught.value.close()
    assert origin.connections == 1


def test_requests_over_other_routes_use_other_connections(library: ModuleType, origin: Origin, proxy: Proxy) -> None:
    with CountingRelay(origin.address) as relay:
        opener = library.build_opener(library.ProxyHandler({}))
        request = library.Request(f"http://{relay.netloc}/")
        read(opener, request)
        by_proxy = library.Request(f"http://{relay.netloc}/")
        by_proxy.set_proxy(proxy.netloc, "http")
        read(opener, by_proxy)
        read(opener, request)
        opener.close()
    assert (relay.connections, proxy.connections) == (2, 1)


def test_each_opener_has_connections_of_its_own(library: ModuleType, origin: Origin) -> None:
    for _ in range(2):
        opener = library.build_opener()
        read(opener, origin.url)
        opener.close()
    assert origin.connections == 2


def test_unhashable_options_make_a_connection_for_one_request(direct: Any, library: ModuleType, origin: Origin) -> None:
    class Handler(library.HTTPHandler):
        def http_open(self, request: Any) -> Any:
            import http.client

            from coda_network import httplib

            class Connection(httplib.HTTPConnection):
                def __init__(self, host: str, timeout: float, marks: list[int]) -> None:
                    super().__init__(host, timeout=timeout)

            assert issubclass(Connection, http.client.HTTPConnection)
            return self.do_open(Connection, request, marks=[1])

    opener = library.build_opener(Handler)
    for _ in range(2):
        read(opener, origin.url)
    opener.close()
    assert origin.connections == 2
