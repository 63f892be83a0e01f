"""A request by way of a proxy becomes what the standard library makes of it, and asks the environment for little."""

from __future__ import annotations

import sys
import urllib.request
from types import ModuleType
from typing import Any

import pytest
from support.origin import Origin
from support.proxy import Proxy

from coda_network import urllib2
from coda_network._opener.proxy_handler import ProxyHandler

theirs = urllib.request.ProxyHandler.proxy_open

PROXIES = [
    "proxy.example:3128",
    "http://proxy.example:3128",
    "http://proxy.example:3128/path",
    "http://al%20ice:s%40cret@proxy.example:3128",
    "http://alice@proxy.example",
    "http://alice:@proxy.example",
    "https://proxy.example:3128",
    "http://[::1]:3128",
    "http://proxy%2eexample:3128",
]


class Parent:
    """An opener that notes what is opened anew."""

    def __init__(self) -> None:
        self.opened: list[tuple[Any, Any]] = []

    def open(self, request: Any, timeout: Any) -> str:
        self.opened.append((request, timeout))
        return "opened"


def sent_by(proxy_open: Any, url: str, proxy: str) -> tuple[object, ...]:
    handler: Any = urllib2.ProxyHandler({"http": proxy})
    handler.parent = parent = Parent()
    made = []
    for _ in range(2):
        request: Any = urllib2.Request(url, headers={"X": "y"})
        request.timeout = 7
        result = proxy_open(handler, request, proxy, "http")
        assert [each for each, _ in parent.opened] == [request] * len(parent.opened)
        parts = request.host, request.type, request.selector, request._tunnel_host, request.headers
        made.append((result, parts, len(parent.opened)))
        parent.opened.clear()
    assert made[0] == made[1]
    return made[0]


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("url", ["http://site.example/a?b", "https://site.example:8443/", "ftp://site.example/file"])
def test_a_request_becomes_what_the_standard_library_makes_of_it(
    url: str, proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "other.example")
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert sent_by(ProxyHandler.proxy_open, url, proxy) == sent_by(theirs, url, proxy)


def test_a_proxy_that_is_no_url_is_refused_each_time() -> None:
    handler: Any = urllib2.ProxyHandler({})
    for _ in range(2):
        with pytest.raises(ValueError, match="proxy URL"):
            handler.proxy_open(urllib2.Request("http://site.example/"), "http:/proxy.example", "http")


def test_the_environment_is_not_read_for_each_request(
    library: ModuleType, origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "other.example")
    opener = library.build_opener(library.ProxyHandler({"http": proxy.url}))
    opener.open(origin.url, timeout=10).read()
    called = []

    def note(frame: Any, event: str, argument: object) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    sys.setprofile(note)
    try:
        opener.open(origin.url, timeout=10).read()
    finally:
        sys.setprofile(None)
    opener.close()
    assert "proxy_open" in called
    assert not {"getproxies_environment", "proxy_bypass_environment", "_parse_proxy", "bypasses"} & set(called)
    assert len(proxy.requests) == 2


def test_a_function_of_the_program_decides_which_hosts_have_no_proxy(
    library: ModuleType, origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = library.build_opener(library.ProxyHandler({"http": proxy.url}))
    opener.open(origin.url, timeout=10).read()
    asked = []

    def exempt(host: str, *arguments: object) -> bool:
        asked.append(host)
        return True

    monkeypatch.setattr(urllib.request, "proxy_bypass", exempt)
    opener.open(origin.url, timeout=10).read()
    opener.close()
    assert asked == [origin.netloc]
    assert len(proxy.requests) == 1


def test_what_a_handler_remembers_of_a_proxy_shows_no_password() -> None:
    handler: Any = urllib2.ProxyHandler({})
    proxy = "http://alice:s3cret@proxy.example:3128"
    for _ in range(2):
        request = urllib2.Request("http://site.example/")
        ProxyHandler.proxy_open(handler, request, proxy, "http")
        assert request.host == "proxy.example:3128"
    shown = repr({name: value for name, value in vars(handler).items() if name != "proxies"})
    assert "s3cret" not in shown
    assert "Basic" not in shown
