"""`create_download_handle()` and `build_opener()`: what they send, and a stream that does not end in silence."""

from __future__ import annotations

import datetime
import io
import socket
from http.client import IncompleteRead
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from support.accounts import ALICE
from support.nginx import Nginx
from support.origin import Origin, patterned
from support.peer import ScriptedPeer, Wire
from support.proxy import REALM, Proxy

from coda_network import build_opener, create_download_handle, urllib2
from coda_network.utilities import SocketKeepalive

EAST = datetime.timezone(datetime.timedelta(hours=2))
SUNDAY = "Sun, 06 Nov 1994 08:49:37 GMT"


def test_a_handle_is_the_response(origin: Origin) -> None:
    with create_download_handle(f"{origin.url}/bytes/10") as handle:
        assert (handle.code, handle.status, handle.reason, handle.geturl()) == (
            200,
            200,
            "OK",
            f"{origin.url}/bytes/10",
        )
        assert handle.headers["content-length"] == handle.info()["Content-Length"] == "10"
        assert (handle.read(4), handle.read(), handle.read()) == (patterned(10)[:4], patterned(10)[4:], b"")
        assert repr(handle) == "<DownloadHandle 200>"


def test_headers_and_method_are_sent(origin: Origin) -> None:
    headers = {"X-Kind": "test", "User-Agent": "mine/1.0"}
    with create_download_handle(origin.url, b"body", headers=headers, method="PUT") as handle:
        handle.read()
    [seen] = origin.requests
    assert (seen.method, seen.body_length, seen.header("x-kind"), seen.header("user-agent")) == (
        "PUT",
        4,
        "test",
        "mine/1.0",
    )
    assert headers == {"X-Kind": "test", "User-Agent": "mine/1.0"}, "the caller's own are left alone"


@pytest.mark.parametrize(
    ("last_modified", "sent"),
    [
        (datetime.datetime(1994, 11, 6, 8, 49, 37), SUNDAY),
        (datetime.datetime(1994, 11, 6, 10, 49, 37, 999999, tzinfo=EAST), SUNDAY),
        (784111777, SUNDAY),
        (784111777.9, SUNDAY),
        (SUNDAY, SUNDAY),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    ],
)
def test_dates_are_sent_in_gmt(monkeypatch: pytest.MonkeyPatch, origin: Origin, last_modified: Any, sent: str) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with create_download_handle(origin.url, last_modified=last_modified):
        pass
    assert origin.requests[0].header("If-Modified-Since") == sent


@pytest.mark.parametrize("last_modified", [datetime.date(1994, 11, 6), b"Sun", [1]])
def test_what_is_no_point_in_time_is_a_type_error(last_modified: Any) -> None:
    with pytest.raises(TypeError, match="a datetime, a number of seconds since 1970, or an HTTP date"):
        create_download_handle("http://127.0.0.1:1/", last_modified=last_modified)


@pytest.mark.parametrize("etag", ['"abc"', 'W/"abc"', '"a", "b"', "*"])
def test_an_etag_is_sent_as_it_is(origin: Origin, etag: str) -> None:
    with create_download_handle(origin.url, etag=etag):
        pass
    assert origin.requests[0].header("If-None-Match") == etag


@pytest.mark.servers
@pytest.mark.parametrize("timeout_sec", [None, 20])
def test_not_modified_is_a_response(nginx: Nginx, timeout_sec: float | None) -> None:
    url = nginx.url + nginx.small.path
    with create_download_handle(url) as handle:
        content, etag, date = handle.read(), handle.headers["ETag"], handle.headers["Last-Modified"]
    for condition in ({"etag": etag}, {"last_modified": date}):
        with create_download_handle(url, **condition, timeout_sec=timeout_sec) as handle:
            assert (handle.code, handle.read()) == (304, b"")
    for condition in ({"etag": '"other"'}, {"last_modified": 0}):
        with create_download_handle(url, **condition, timeout_sec=timeout_sec) as handle:
            assert (handle.code, handle.read()) == (200, content)


def test_an_error_of_the_server_is_an_http_error_with_its_body(origin: Origin) -> None:
    with pytest.raises(HTTPError, match="HTTP Error 404") as caught:
        create_download_handle(f"{origin.url}/status/404")
    with caught.value as error:
        assert b"/status/404" in error.read()


def test_a_refused_tunnel_is_a_url_error_with_the_code(basic_proxy: Proxy) -> None:
    with pytest.raises(URLError, match="407 Proxy Authentication Required") as caught:
        create_download_handle("https://far.example/", proxy_handlers=urllib2.ProxyHandler({"https": basic_proxy.url}))
    assert caught.value.code == 407
    caught.value.fp.close()


# -- a body that ends early


def cut(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab\ncd")


READERS: dict[str, Any] = {
    "read": lambda handle: handle.read(),
    "read in pieces": lambda handle: list(iter(lambda: handle.read(2), b"")),
    "read more": lambda handle: (handle.read(100), handle.read(100)),
    "read1": lambda handle: list(iter(handle.read1, b"")),
    "readinto": lambda handle: (handle.readinto(bytearray(9)), handle.readinto(bytearray(9))),
    "readline": lambda handle: list(iter(handle.readline, b"")),
    "readlines": lambda handle: handle.readlines(),
    "lines": list,
    "text": lambda handle: io.TextIOWrapper(handle).read(),
}


@pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))
def test_a_body_that_ends_early_raises_however_it_is_read(read: Any) -> None:
    with ScriptedPeer(cut) as peer, create_download_handle(peer.url) as handle:
        with pytest.raises(IncompleteRead):
            read(handle)


@pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))
@pytest.mark.parametrize("path", ["/bytes/10", "/bytes/0", "/status/204", "/no-length", "/chunked"])
def test_a_whole_body_does_not(origin: Origin, read: Any, path: str) -> None:
    with create_download_handle(origin.url + path) as handle:
        read(handle)
        handle.read()


def test_closing_early_is_no_error(origin: Origin) -> None:
    handle = create_download_handle(f"{origin.url}/bytes/1000000")
    handle.read(10)
    handle.close()
    assert handle.read() == b""


# -- the opener


@pytest.mark.parametrize("keepalive", [True, SocketKeepalive(idle=61, interval=7, count=3)])
def test_an_opener_sets_the_keepalive_of_sockets(origin: Origin, keepalive: bool | SocketKeepalive) -> None:
    opener = build_opener(keepalive=keepalive)
    seen = []
    original = socket.socket.setsockopt

    def note(sock: socket.socket, *option: Any) -> None:
        seen.append(option)
        original(sock, *option)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "setsockopt", note)
        opener.open(origin.url).read()
    opener.close()
    assert (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1) in seen
    if isinstance(keepalive, SocketKeepalive):
        assert (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 61) in seen


def test_an_opener_without_arguments_reuses_its_connections(origin: Origin) -> None:
    opener = build_opener()
    for _ in range(3):
        with opener.open(f"{origin.url}/bytes/5") as response:
            response.read()
    opener.close()
    assert origin.connections == 1


@pytest.mark.parametrize("several", [False, True], ids=["one handler", "a list"])
def test_handlers_come_alone_or_in_lists(origin: Origin, basic_proxy: Proxy, several: bool) -> None:
    proxy: Any = urllib2.ProxyHandler({"http": basic_proxy.url})
    login: Any = urllib2.ProxyBasicAuthHandler()
    login.add_password(REALM, basic_proxy.netloc, ALICE.user, ALICE.password)
    opener = build_opener(None, [proxy] if several else proxy, (login,) if several else login)
    with opener.open(f"{origin.url}/bytes/5") as response:
        assert response.read() == patterned(5)
    opener.close()
