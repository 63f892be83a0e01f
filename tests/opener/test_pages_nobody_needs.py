"""A redirect's page is not waited for, and what is no URL is an error that names it."""

from __future__ import annotations

import time
from types import ModuleType
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import do_download, httplib, urllib2

SOON = 15.0  # the rule is a quarter of a second for each page; without it these tests wait for ever


@pytest.mark.parametrize("framing", ["", "Content-Length: 9000000000\r\n", "Transfer-Encoding: chunked\r\n"])
@pytest.mark.parametrize("status", [301, 302, 303, 307])
def test_a_redirect_is_followed_although_its_page_has_no_end(direct: Any, status: int, framing: str) -> None:
    def script(wire: Wire) -> None:
        if b"GET /there " in wire.read_head():
            wire.respond(b"there")
        else:
            wire.send(f"HTTP/1.1 {status} X\r\nLocation: /there\r\n{framing}\r\n<h1>".encode())
            wire.read_to_end()

    with ScriptedPeer(script) as peer:
        started = time.monotonic()
        with direct.open(peer.url, timeout=None) as response:
            assert response.read() == b"there"
        assert time.monotonic() - started < SOON


@pytest.mark.parametrize("location", ["http://[::1", "//:x", "http://host:99999/", "http://host:port/"])
def test_a_location_that_is_no_url_is_a_documented_error(direct: Any, location: str) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"page", "302 Found", f"Location: {location}")

    with ScriptedPeer(script) as peer:
        with pytest.raises((URLError, httplib.InvalidURL)) as caught:
            direct.open(peer.url, timeout=10)
        if isinstance(caught.value, HTTPError):
            caught.value.close()


def test_the_page_of_a_redirect_that_is_not_followed_is_the_programs(direct: Any) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"page", "302 Found", "Location: mailto:alice@example.org")

    with ScriptedPeer(script) as peer, pytest.raises(HTTPError) as caught:
        direct.open(peer.url, timeout=10)
    with caught.value as error:
        assert error.read() == b"page"


@pytest.mark.parametrize("port", [65536, 99999, -1])
def test_a_port_that_is_none_is_refused_by_name(port: int) -> None:
    with pytest.raises(OSError, match=f"port {port} is not between 0 and 65535"):
        httplib.HTTPConnection("127.0.0.1", port).connect()


def test_a_redirect_to_ftp_stays_within_the_time_of_a_download(library: ModuleType) -> None:
    def ftp(wire: Wire) -> None:
        wire.send(b"220-welcome\r\n")
        for _ in range(100):
            wire.send(b"220-more\r\n")
            time.sleep(0.1)

    with ScriptedPeer(ftp) as files:

        def script(wire: Wire) -> None:
            wire.read_head()
            wire.respond(b"", "302 Found", f"Location: ftp://{files.netloc}/file")

        with ScriptedPeer(script) as peer:
            started = time.monotonic()
            with pytest.raises(URLError):
                do_download(peer.url, proxy_handlers=urllib2.ProxyHandler({}), timeout_sec=1)
            assert time.monotonic() - started < SOON
