"""The opener of a download is what `build_opener()` makes, though it is put together in another way."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.error import URLError

import pytest
from support.origin import Origin
from support.proxy import Proxy

from coda_network import create_download_handle, do_download, ntlm_auth, urllib2
from coda_network._download.handlers import (
    DownloadFTPHandler,
    DownloadHTTPHandler,
    DownloadHTTPSHandler,
    NotModifiedHandler,
)
from coda_network._download.opener import download_opener
from coda_network._net.deadline import Deadline
from coda_network._route.choose import may_find_a_proxy


class Early(urllib.request.BaseHandler):
    handler_order = 50

    def http_request(self, req: Any) -> Any:
        return req

    def http_error_404(self, *arguments: Any) -> None:
        return None


class NoRedirects(urllib2.HTTPRedirectHandler):
    def redirect_request(self, *arguments: Any) -> None:
        return None


GIVEN: dict[str, Callable[[], list[Any]]] = {
    "nothing": list,
    "a proxy": lambda: [urllib2.ProxyHandler({"http": "http://proxy.example:3128"})],
    "no proxy": lambda: [urllib2.ProxyHandler({})],
    "the standard library's own": lambda: [urllib.request.ProxyHandler({"https": "http://proxy.example:3128"})],
    "logins": lambda: [
        urllib2.HTTPBasicAuthHandler(),
        urllib2.ProxyDigestAuthHandler(),
        ntlm_auth.HTTPNtlmAuthHandler(),
    ],
    "cookies": lambda: [urllib2.HTTPCookieProcessor()],
    "one of the program": lambda: [Early()],
    "one in a default's place": lambda: [NoRedirects()],
    "transports": lambda: [urllib2.HTTPSHandler(), urllib2.HTTPHandler()],
    "a class": lambda: [urllib2.HTTPBasicAuthHandler],
}


def kinds(table: Any) -> Any:
    if isinstance(table, dict):
        return {key: kinds(inner) for key, inner in table.items()}
    return [type(handler) for handler in table]


@pytest.mark.parametrize("environment", [{}, {"http_proxy": "http://a.example"}, {"ALL_PROXY": "b.example"}], ids=str)
@pytest.mark.parametrize("given", GIVEN.values(), ids=list(GIVEN))
def test_every_handler_has_its_place(
    monkeypatch: pytest.MonkeyPatch, given: Callable[[], list[Any]], environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    handlers = given()
    deadline = Deadline(5)
    ours = download_opener(handlers, deadline, None)
    expected = urllib2.build_opener(
        *given(), NotModifiedHandler, DownloadHTTPHandler, DownloadHTTPSHandler, DownloadFTPHandler
    )
    assert vars(ours).keys() == vars(expected).keys()  # there is no table that was not thought of
    for table in ("handlers", "handle_open", "handle_error", "process_request", "process_response"):
        assert kinds(getattr(ours, table)) == kinds(getattr(expected, table)), table
    assert ours.addheaders == expected.addheaders
    present = vars(ours)["handlers"]
    assert all(handler.parent is ours for handler in present)
    wanted = {handler for handler in handlers if not isinstance(handler, (type, urllib2.ProxyHandler))}
    assert wanted <= {*present}
    limited = [each for each in present if isinstance(each, (DownloadHTTPHandler, DownloadHTTPSHandler))]
    assert all(handler._deadline is deadline for handler in limited)


def test_no_two_openers_have_a_handler_in_common() -> None:
    first, second = (vars(download_opener([], None, None))["handlers"] for _ in range(2))
    assert not {*first} & {*second}


def test_a_handler_of_the_caller_comes_before_ours(origin: Origin) -> None:
    class Mine(urllib.request.BaseHandler):
        def http_error_304(self, *arguments: Any) -> None:
            raise URLError("seen")

    with pytest.raises(URLError, match="seen"):
        create_download_handle(f"{origin.url}/status/304", auth_handlers=Mine())


@pytest.mark.parametrize("name", ["http_proxy", "HTTP_PROXY", "Http_Proxy"])
def test_a_proxy_of_the_environment_is_used_from_when_it_is_there(
    monkeypatch: pytest.MonkeyPatch, origin: Origin, proxy: Proxy, name: str
) -> None:
    assert do_download(origin.url)[0] == 200
    assert not proxy.requests
    monkeypatch.setenv(name, proxy.url)
    assert do_download(origin.url)[0] == 200
    assert len(proxy.requests) == 1
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert do_download(origin.url)[0] == 200
    assert len(proxy.requests) == 1


def test_a_program_may_say_what_the_proxies_are(monkeypatch: pytest.MonkeyPatch, origin: Origin, proxy: Proxy) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": proxy.url})
    assert do_download(origin.url)[0] == 200
    assert len(proxy.requests) == 1


def test_debugging_that_is_switched_on_later_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], origin: Origin
) -> None:
    do_download(origin.url)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    do_download(origin.url)
    assert "send: b'GET / HTTP/1.1" in capsys.readouterr().out


@pytest.mark.parametrize("timeout_sec", [None, 20])
def test_what_is_no_http_is_opened_as_urllib_does(timeout_sec: float | None) -> None:
    assert do_download("data:,hello", timeout_sec=timeout_sec)[1] == b"hello"
    with pytest.raises(URLError, match="unknown url type: gopher"):
        do_download("gopher://127.0.0.1/", timeout_sec=timeout_sec)


def test_the_environment_is_not_read_where_it_names_no_proxy(monkeypatch: pytest.MonkeyPatch, origin: Origin) -> None:
    def fail() -> None:
        raise AssertionError("there is no proxy in the environment")

    monkeypatch.setattr(urllib.request, "getproxies_environment", fail)
    monkeypatch.setattr(urllib.request, "getproxies", fail)
    assert not may_find_a_proxy()
    assert do_download(origin.url)[0] == 200
