"""Instrumentation sees the requests of the program: CONNECT is none of them, and gets none of its fields."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import urllib3
from support.certs import Authority
from support.origin import Origin
from support.proxy import Proxy

import coda_network
from coda_network import httplib

STEPS = ("putrequest", "endheaders")


def by_hand(url: str, proxy: Proxy, context: ssl.SSLContext) -> None:
    connection = http.client.HTTPSConnection(*proxy.address, context=context, timeout=10)
    with contextlib.closing(connection):
        connection.set_tunnel("localhost", int(url.rpartition(":")[2]))
        for _ in range(2):
            connection.request("GET", "/")
            connection.getresponse().read()


def by_an_opener(url: str, proxy: Proxy, context: ssl.SSLContext) -> None:
    handlers = urllib.request.ProxyHandler({"https": proxy.url}), urllib.request.HTTPSHandler(context=context)
    opener = urllib.request.build_opener(*handlers)
    for _ in range(2):
        with opener.open(url, timeout=10) as response:
            response.read()
    getattr(opener, "close", lambda: None)()


def by_urllib3(url: str, proxy: Proxy, context: ssl.SSLContext) -> None:
    with urllib3.ProxyManager(proxy.url, ssl_context=context) as manager:
        for _ in range(2):
            manager.request("GET", url)


def by_a_subclass(url: str, proxy: Proxy, context: ssl.SSLContext) -> None:
    class Connection(http.client.HTTPSConnection):
        def putrequest(self, method: str, *arguments: Any, **options: Any) -> None:
            assert method == "GET"  # http.client sends CONNECT past the methods
            super().putrequest(method, *arguments, **options)

    with contextlib.closing(Connection(*proxy.address, context=context, timeout=10)) as connection:
        connection.set_tunnel("localhost", int(url.rpartition(":")[2]))
        for _ in range(2):
            connection.request("GET", "/")
            connection.getresponse().read()


@contextlib.contextmanager
def traced() -> Iterator[list[tuple[str, str]]]:
    """Wrap the steps of a request as instrumentation does, which gives each a field of its own; note who came."""
    seen: list[tuple[str, str]] = []
    putrequest, endheaders = (vars(http.client.HTTPConnection)[name] for name in STEPS)

    def traced_putrequest(self: Any, method: str, url: str, *arguments: Any, **options: Any) -> None:
        seen.append(("putrequest", method))
        putrequest(self, method, url, *arguments, **options)

    def traced_endheaders(self: Any, *arguments: Any, **options: Any) -> None:
        seen.append(("endheaders", ""))
        self.putheader("Sentry-Trace", "of the program")
        endheaders(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as attributes:
        for name, wrapper in zip(STEPS, (traced_putrequest, traced_endheaders), strict=True):
            attributes.setattr(http.client.HTTPConnection, name, wrapper)
        yield seen


@contextlib.contextmanager
def arranged(order: str) -> Iterator[list[tuple[str, str]]]:
    """Wrap without the patch, before it, or behind it."""
    with contextlib.ExitStack() as stack:
        if order == "behind":
            stack.enter_context(coda_network.patched())
        seen = stack.enter_context(traced())
        if order == "before":
            stack.enter_context(coda_network.patched())
        yield seen


@pytest.mark.parametrize("order", ["without", "before", "behind"])
@pytest.mark.parametrize("client", [by_hand, by_an_opener, by_urllib3, by_a_subclass])
def test_connect_is_no_request_of_the_program(
    client: Callable[..., None], order: str, ca: Authority, tls_origin: Origin, proxy: Proxy
) -> None:
    url = tls_origin.url.replace("127.0.0.1", "localhost")
    with arranged(order) as seen:
        client(url, proxy, ca.client_context())
    assert seen == [("putrequest", "GET"), ("endheaders", "")] * 2
    assert [each.header("Sentry-Trace") for each in tls_origin.requests] == ["of the program"] * 2
    assert [each.method for each in proxy.requests] in (["CONNECT"], ["CONNECT"] * 2)
    assert [each.header("Sentry-Trace") for each in proxy.requests] == [None] * len(proxy.requests)


def test_a_subclass_of_ours_sees_connect(ca: Authority, tls_origin: Origin, proxy: Proxy) -> None:
    seen: list[str] = []

    class Connection(httplib.HTTPSConnection):
        def putrequest(self, method: str, *arguments: Any, **options: Any) -> None:
            seen.append(method)
            super().putrequest(method, *arguments, **options)

    with contextlib.closing(Connection(*proxy.address, context=ca.client_context(), timeout=10)) as connection:
        connection.set_tunnel("localhost", tls_origin.address[1])
        connection.request("GET", "/")
        connection.getresponse().read()
    assert seen == ["GET", "CONNECT"]
