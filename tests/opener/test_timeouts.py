"""``open(timeout=Timeout(...))``: one clock for redirects and proxies, and none left on a kept connection."""

from __future__ import annotations

import contextlib
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any
from urllib.error import URLError

import pytest
from support.certs import Authority
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import Timeout, create_download_handle, do_download, patched, urllib2
from coda_network._net.deadline_socket import DeadlineSocket
from coda_network.utilities import Retry

SHORT = 0.25
LONG = dict.fromkeys(("connect", "read", "total"), 30)


def only(limit: str) -> Timeout:
    return Timeout(**{**LONG, limit: SHORT})


@contextlib.contextmanager
def ends_in_time() -> Iterator[None]:
    begin = time.monotonic()
    with pytest.raises((TimeoutError, URLError)) as caught:
        yield
    assert isinstance(getattr(caught.value, "reason", caught.value), TimeoutError)
    assert SHORT * 0.9 <= time.monotonic() - begin < SHORT + 15


def silence(wire: Wire) -> None:
    wire.read_to_end()


def dripping_body(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    wire.send_slowly(b"x" * 3000, pause=0.01)


def redirects(wire: Wire) -> None:
    for _ in wire.read_heads():
        time.sleep(SHORT / 3)
        wire.respond(b"", "302 Found", f"Location: /{len(wire.heads)}")


def ok(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"ok")


def fetch(url: str, timeout: Any, *handlers: Any) -> bytes:
    opener: Any = urllib2.build_opener(*handlers)
    with contextlib.closing(opener), opener.open(url, timeout=timeout) as response:
        return response.read()  # type: ignore[no-any-return]  # bytes


RESPONSES = [(silence, "read"), (silence, "total"), (dripping_body, "total"), (redirects, "total")]


@pytest.mark.parametrize(("script", "limit"), RESPONSES)
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("by_proxy", [False, True])
def test_a_response_that_does_not_come(
    script: Callable[[Wire], None], limit: str, scheme: str, by_proxy: bool, proxy: Proxy, ca: Authority
) -> None:
    tls = ca.server_context() if scheme == "https" else None
    with ScriptedPeer(script, tls=tls) as peer:
        # An http proxy passes on what the script says: here it is the script itself.
        proxies = {"http": peer.url, "https": proxy.url} if by_proxy else {}
        tls_handler = urllib2.HTTPSHandler(context=ca.client_context())
        with ends_in_time():
            fetch(peer.url, only(limit), urllib2.ProxyHandler(proxies), tls_handler)


@pytest.mark.parametrize("limit", ["connect", "total"])
@pytest.mark.parametrize("kind", ["http", "https", "socks5h"])
def test_a_proxy_that_says_nothing(kind: str, limit: str) -> None:
    with ScriptedPeer(silence) as peer, ends_in_time():
        fetch("https://far.example/", only(limit), urllib2.ProxyHandler({"https": f"{kind}://{peer.netloc}"}))


@pytest.mark.parametrize("limit", ["connect", "total"])
def test_a_chain_whose_second_proxy_says_nothing(proxy: Proxy, limit: str) -> None:
    with ScriptedPeer(silence) as second, ends_in_time():
        fetch("https://far.example/", only(limit), urllib2.ProxyHandler({"https": [proxy.url, second.url]}))


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("order", [(5.0, "total"), ("total", 5.0), ("total", "total"), ("total", None)])
def test_a_kept_connection_has_the_limits_of_its_request_alone(order: Any, tls: bool, ca: Authority) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"ok")
        wire.read_head()
        time.sleep(SHORT * 0.6)
        wire.respond(b"ok")

    first, second = (only(each) if isinstance(each, str) else each for each in order)
    opener: Any = urllib2.build_opener(urllib2.HTTPSHandler(context=ca.client_context()))
    with ScriptedPeer(script, tls=ca.server_context() if tls else None) as peer, contextlib.closing(opener):
        assert opener.open(peer.url, timeout=first).read() == b"ok"
        time.sleep(SHORT * 1.2)
        assert opener.open(peer.url, timeout=second).read() == b"ok"
        assert peer.connections == 1


@pytest.mark.parametrize("tls", [False, True])
def test_a_kept_connection_that_knew_no_deadline_learns_it(tls: bool, ca: Authority) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"ok")
        dripping_body(wire)

    opener: Any = urllib2.build_opener(urllib2.HTTPSHandler(context=ca.client_context()))
    with ScriptedPeer(script, tls=ca.server_context() if tls else None) as peer, contextlib.closing(opener):
        assert opener.open(peer.url, timeout=5).read() == b"ok"
        with ends_in_time(), opener.open(peer.url, timeout=only("total")) as response:
            response.read()
        assert peer.connections == 1


@pytest.mark.parametrize("role", ["site", "proxy", "tunnel"])
def test_total_is_for_logins_too(role: str) -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            time.sleep(SHORT * 0.85)
            if b"Authorization: Basic " in head:
                wire.respond(b"welcome")
            elif role == "site":
                wire.respond(b"who?", "401 Unauthorized", "WWW-Authenticate: Basic realm=x")
            else:
                wire.respond(b"who?", "407 Proxy Authentication Required", "Proxy-Authenticate: Basic realm=x")

    with ScriptedPeer(script) as peer, ends_in_time():
        if role == "site":
            fetch(f"http://alice:secret@{peer.netloc}/", only("total"), urllib2.ProxyHandler({}))
        else:
            proxies = dict.fromkeys(("http", "https"), f"http://alice:secret@{peer.netloc}")
            url = "http://site.example/" if role == "proxy" else "https://site.example/"
            fetch(url, only("total"), urllib2.ProxyHandler(proxies))


def test_urlopen_takes_it_and_so_does_the_patched_one() -> None:
    with ScriptedPeer(dripping_body) as peer:
        with ends_in_time(), urllib2.urlopen(peer.url, timeout=only("total")) as response:
            response.read()
        with patched(), ends_in_time(), urllib.request.urlopen(peer.url, timeout=only("total")) as response:
            response.read()


def test_a_download_takes_it() -> None:
    with ScriptedPeer(dripping_body) as peer:
        with ends_in_time():
            do_download(peer.url, timeout_sec=only("total"))
        with ends_in_time(), create_download_handle(peer.url, timeout_sec=only("total")) as handle:
            handle.read()
    with ScriptedPeer(ok) as peer:
        assert do_download(peer.url, timeout_sec=Timeout(**LONG)) == (200, b"ok")


def test_a_download_that_is_silent_ends_by_read() -> None:
    with ScriptedPeer(silence) as peer, ends_in_time():
        do_download(peer.url, timeout_sec=only("read"), retry=Retry(attempts=1))


def test_a_plain_timeout_leaves_the_socket_as_it_is() -> None:
    with ScriptedPeer(ok) as peer:
        opener: Any = urllib2.build_opener()
        with contextlib.closing(opener), opener.open(peer.url, timeout=5.0) as response:
            assert not isinstance(response.fp.raw._sock, DeadlineSocket)
