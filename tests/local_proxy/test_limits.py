"""Who may use the local proxy, how long anything may take, and how it ends."""

from __future__ import annotations

import base64
import threading
import time
from contextlib import ExitStack
from ipaddress import ip_network
from pathlib import Path

import pytest
from support.local import RawClient, local_proxy
from support.origin import Origin
from support.peer import ScriptedPeer, Wire

from coda_network._local_proxy.access import is_allowed
from coda_network._local_proxy.command import proxy_parser, routes_of
from coda_network._local_proxy.filters import FilterRequest, FilterResponse, load_filter
from coda_network._local_proxy.settings import LOOPBACK, Limits, Settings
from coda_network._route.named import named_routes


def basic(password: str) -> str:
    return f"Proxy-Authorization: Basic {base64.b64encode(f'coda:{password}'.encode()).decode()}"


@pytest.mark.parametrize("line", ["X: y", basic("wrong"), basic(""), "Proxy-Authorization: Bearer s3cret"])
def test_without_the_secret_nothing_is_served(origin: Origin, line: str) -> None:
    with local_proxy(secret="s3cret") as proxy, RawClient(proxy) as client:
        for _ in range(2):
            status, head, _ = client.get(origin.url, line)
            assert status == 407
            assert b"Proxy-Authenticate: Basic" in head
        client.send(f"CONNECT {origin.netloc} HTTP/1.1\r\nHost: x\r\n{line}\r\n\r\n".encode())
        assert client.response()[0] == 407
    assert origin.connections == 0


def test_with_the_secret_everything_is_served_and_it_goes_no_further(origin: Origin) -> None:
    with local_proxy(secret="s3cret") as proxy, RawClient(proxy) as client:
        assert client.get(origin.url, basic("s3cret"))[0] == 200
        assert "s3cret" in proxy.url
        assert "s3cret" not in repr(proxy.settings)
    assert origin.requests[0].header("Proxy-Authorization") is None


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("10.1.2.3", True), ("10.2.0.1", False)],
)
def test_the_networks_whose_clients_are_served(host: str, allowed: bool) -> None:
    settings = Settings(named_routes([[]]), allow=(*LOOPBACK, ip_network("10.1.0.0/16")))
    assert is_allowed(settings, host) is allowed


def test_a_client_of_another_network_gets_403() -> None:
    with local_proxy(allow=(ip_network("10.0.0.0/8"),)) as proxy, RawClient(proxy) as client:
        client.send(b"GET http://x/ HTTP/1.1\r\n\r\n")
        assert client.response()[0] == 403


def test_one_client_too_many_gets_503(origin: Origin) -> None:
    with local_proxy(limits=Limits(clients=1, drain=0.2)) as proxy:
        with RawClient(proxy) as one:
            assert one.get(origin.url)[0] == 200
            with RawClient(proxy) as two:
                assert two.response()[0] == 503
        deadline = time.monotonic() + 5
        while proxy.metrics_line().startswith("clients=1") and time.monotonic() < deadline:
            time.sleep(0.01)
        with RawClient(proxy) as three:
            assert three.get(origin.url)[0] == 200


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET http://site/ HTTP/1.1\r\nX: y", 408),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n", 400),
        (b"GET http://site/ HTTP/1.1\r\nX: " + b"y" * 2**20 + b"\r\n\r\n", 431),
        (b"POST http://127.0.0.1:1/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc", 408),
    ],
)
def test_half_a_request_for_ever_and_garbage_end(sent: bytes, status: int) -> None:
    with local_proxy(limits=Limits(head=0.3, transfer=0.3, drain=0.2)) as proxy, RawClient(proxy) as client:
        began = time.monotonic()
        try:
            client.send(sent)
        except ConnectionError:
            pass  # it has refused before all of it was sent
        assert client.response()[0] == status
        assert client.file.read() == b""
        assert time.monotonic() - began < 15


def test_bytes_that_drip_do_not_extend_the_time_for_a_head() -> None:
    with local_proxy(limits=Limits(head=0.4, drain=0.2)) as proxy, RawClient(proxy) as client:

        def drip() -> None:
            for byte in b"GET http://site/ HTTP/1.1\r\n" + b"X: y\r\n" * 200:
                client.send(bytes((byte,)))
                time.sleep(0.02)

        with pytest.raises(ConnectionError):
            drip()


def test_a_silent_client_is_left(origin: Origin) -> None:
    with local_proxy(limits=Limits(idle=0.2, head=0.2, drain=0.2)) as proxy, RawClient(proxy) as client:
        assert client.get(origin.url)[0] == 200
        assert client.file.read() == b""
        with RawClient(proxy) as silent:
            assert silent.file.read() == b""


def test_a_connection_has_a_longest_life(origin: Origin) -> None:
    with local_proxy(limits=Limits(total=0.3, drain=0.2)) as proxy, RawClient(proxy) as client:
        client.send(f"CONNECT {origin.netloc} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.head()
        assert client.file.read() == b""


def test_the_end_waits_for_requests_under_way_and_for_nobody_else(origin: Origin) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def script(wire: Wire) -> None:
        wire.read_head()
        asked.set()
        assert go_on.wait(5)
        wire.respond(b"in time")

    with ScriptedPeer(script) as peer, local_proxy(limits=Limits(drain=5)) as proxy:
        with RawClient(proxy) as idle, RawClient(proxy) as busy:
            assert idle.get(origin.url)[0] == 200
            busy.send(f"GET {peer.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert asked.wait(5)
            closing = threading.Thread(target=proxy.close)
            closing.start()
            assert idle.file.read() == b""
            with pytest.raises(ConnectionError):
                RawClient(proxy)
            go_on.set()
            status, head, body = busy.response()
            assert (status, body) == (200, b"in time")
            assert b"Connection: close" in head
            closing.join(5)
            assert not closing.is_alive()


def test_the_end_does_not_wait_for_ever() -> None:
    with ScriptedPeer(lambda wire: wire.read_to_end()) as peer, local_proxy(limits=Limits(drain=0.2)) as proxy:
        with RawClient(proxy) as client:
            client.send(f"CONNECT {peer.netloc} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            client.head()
            began = time.monotonic()
            proxy.close()
            assert time.monotonic() - began < 15
            assert client.file.read() == b""


def test_the_end_does_not_wait_for_one_upstream_after_the_other() -> None:
    with ExitStack() as stack:
        asked = threading.Semaphore(0)

        def script(wire: Wire) -> None:
            wire.read_head()
            asked.release()
            wire.read_to_end()

        peer = stack.enter_context(ScriptedPeer(script))
        proxy = stack.enter_context(local_proxy(limits=Limits(drain=0, transfer=30)))
        for _ in range(6):
            client = stack.enter_context(RawClient(proxy))
            client.send(f"GET {peer.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert asked.acquire(timeout=10)
        began = time.monotonic()
        proxy.close()
        assert time.monotonic() - began < 15, "they have 30 seconds each"


def test_the_access_log_has_one_line_a_request_and_no_secret(origin: Origin) -> None:
    lines: list[str] = []
    with local_proxy(access_log=lines.append) as proxy, RawClient(proxy) as client:
        client.get(f"{origin.url.replace('//', '//user:pw@')}/a?token=secret")
        client.get("http://127.0.0.1:1/")
        client.send(f"CONNECT {origin.netloc} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.head()
    assert len(lines) == 3
    assert lines[0].startswith("127.0.0.1 - - [")
    assert f'"GET {origin.url}/a?... HTTP/1.1" 200 ' in lines[0]
    assert '" 502 ' in lines[1]
    assert f'"CONNECT {origin.netloc} HTTP/1.1" 200 ' in lines[2]
    assert "secret" not in "".join(lines)
    assert "pw" not in "".join(lines)
    assert "requests=3 tunnels=1" in proxy.metrics_line()


# -- filters


def without_cookies(request: FilterRequest, response: FilterResponse | None = None) -> object:
    if response is None:
        request.remove("Cookie")
        return (403, "no banners here") if "banner" in request.url else None
    response.remove("Set-Cookie")
    response.set("X-Filtered", "yes")
    return None


def broken(request: FilterRequest, response: FilterResponse | None = None) -> None:
    raise RuntimeError("secret of the filter")


def test_a_filter_changes_and_refuses(origin: Origin) -> None:
    with local_proxy(filters=(without_cookies,)) as proxy, RawClient(proxy) as client:
        status, head, _ = client.get(f"{origin.url}/cookie/a/b", "Cookie: c=d")
        assert status == 200
        assert b"Set-Cookie" not in head
        assert b"X-Filtered: yes" in head
        status, _, body = client.get(f"{origin.url}/banner.gif")
        assert status == 403
        assert b"no banners here" in body
        client.send(b"CONNECT banner.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.response()[0] == 403
    assert [request.header("Cookie") for request in origin.requests] == [None]


def test_a_filter_that_fails_fails_the_request_alone(origin: Origin) -> None:
    with local_proxy(filters=(broken,)) as proxy, RawClient(proxy) as client:
        for _ in range(2):
            status, _, body = client.get(origin.url)
            assert status == 500
            assert b"secret" not in body


def test_filters_are_found_by_name() -> None:
    assert load_filter("os.path:join") is __import__("os").path.join
    for text in ("os", "os:", ":join", "no_such_module:x", "os:no_such_name", "os:sep"):
        with pytest.raises(ValueError, match="filter"):
            load_filter(text)


def test_a_pac_file_chooses_the_ways(tmp_path: Path) -> None:
    script = tmp_path / "proxy.pac"
    script.write_text('function FindProxyForURL(url, host) { return "PROXY p.example:1; DIRECT"; }', encoding="utf-8")
    options = proxy_parser("proxy").parse_args(["--pac", str(script)])
    assert [route.urls for route in routes_of(options)("http://site/")] == [["http://p.example:1"], []]
