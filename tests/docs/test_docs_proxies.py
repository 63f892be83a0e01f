"""What docs/proxies.md says of the environment is what openers and plain sockets do."""

from __future__ import annotations

import contextlib
import ssl
from typing import Any

import pytest
from support.certs import Authority
from support.origin import Origin
from support.pages import code_in, table
from support.proxy import Proxy

from coda_network import create_connection, urllib2
from coda_network._route.no_proxy import bypasses
from coda_network._wire.authority import split_authority

COLUMNS = ["an opener, http", "an opener, https", "a plain socket"]


class Clients:
    """Three kinds of connections to loopback sites, as the table has them."""

    def __init__(self, origin: Origin, tls_origin: Origin, context: ssl.SSLContext) -> None:
        self._origin = origin
        self._tls_origin = tls_origin
        self._context = context

    def connect(self, kind: str, **options: Any) -> None:
        """Make one connection of a kind; it must come through, with or without the proxy."""
        if kind == "a plain socket":
            create_connection(self._origin.address, timeout=10, **options).close()
            return
        url = self._origin.url if kind == "an opener, http" else self._tls_origin.url
        opener: Any = urllib2.build_opener(urllib2.HTTPSHandler(context=self._context))
        with contextlib.closing(opener), opener.open(url, timeout=10) as response:
            assert response.read()


@pytest.fixture
def clients(origin: Origin, tls_origin: Origin, client_context: ssl.SSLContext) -> Clients:
    return Clients(origin, tls_origin, client_context)


def cells() -> list[Any]:
    """Return variable, kind of connection, and the cell, for each cell of the table of variables."""
    rows = table("proxies.md", "variable")
    return [
        pytest.param(code_in(row[0])[0], kind, cell, id=f"{row[0]} {kind}")
        for row in rows
        for kind, cell in zip(COLUMNS, row[1:], strict=True)
    ]


@pytest.mark.parametrize("spelling", [str.lower, str.upper], ids=["lower", "upper"])
@pytest.mark.parametrize(("variable", "kind", "cell"), cells())
def test_each_variable_counts_where_the_table_says(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, proxy: Proxy, variable: str, kind: str, cell: str, spelling: Any
) -> None:
    word = cell.partition(",")[0]
    assert word in ("used", "ignored")
    if variable == "no_proxy":
        monkeypatch.setenv(spelling(variable), "localhost, 127.0.0.1")
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        clients.connect(kind)
        assert bool(proxy.requests) is (word == "ignored")
    else:
        monkeypatch.setenv(spelling(variable), proxy.url)
        clients.connect(kind)
        assert bool(proxy.requests) is (word == "used")


def test_https_proxy_comes_before_all_proxy_for_a_plain_socket(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, proxy: Proxy
) -> None:
    with Proxy() as other:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("all_proxy", other.url)
        clients.connect("a plain socket")
        assert (len(proxy.requests), len(other.requests)) == (1, 0)


@pytest.mark.parametrize("given", ["", False])
def test_nothing_given_as_the_proxy_means_no_proxy(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, proxy: Proxy, given: Any
) -> None:
    monkeypatch.setenv("https_proxy", proxy.url)
    clients.connect("a plain socket", proxy=given)
    assert not proxy.requests


def test_a_given_proxy_is_used_whatever_no_proxy_says(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, proxy: Proxy
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    clients.connect("a plain socket", proxy=proxy.url)
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("kind", "variable"),
    [("an opener, http", "http_proxy"), ("an opener, https", "https_proxy"), ("a plain socket", "all_proxy")],
)
def test_lower_case_wins_even_when_it_is_empty(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, proxy: Proxy, kind: str, variable: str
) -> None:
    monkeypatch.setenv(variable, "")
    monkeypatch.setenv(variable.upper(), proxy.url)
    clients.connect(kind)
    assert not proxy.requests


@pytest.mark.parametrize(("variable", "used"), [("HTTP_PROXY", False), ("http_proxy", True)])
def test_a_cgi_program_ignores_http_proxy_in_capitals(
    monkeypatch: pytest.MonkeyPatch, clients: Clients, proxy: Proxy, variable: str, used: bool
) -> None:
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    monkeypatch.setenv(variable, proxy.url)
    clients.connect("an opener, http")
    assert bool(proxy.requests) is used


def test_an_opener_reads_proxies_once_and_no_proxy_each_time(
    monkeypatch: pytest.MonkeyPatch, origin: Origin, proxy: Proxy
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)
    opener: Any = urllib2.build_opener()
    monkeypatch.delenv("http_proxy")
    with contextlib.closing(opener):
        opener.open(origin.url, timeout=10).read()
        assert len(proxy.requests) == 1
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        opener.open(origin.url, timeout=10).read()
        assert len(proxy.requests) == 1


def no_proxy_rows() -> list[Any]:
    return [
        pytest.param(entry, host, cells[2].partition(":")[0], id=f"{entry} {host}")
        for cells in table("proxies.md", "entry")
        for entry in code_in(cells[0])
        for host in code_in(cells[1])
    ]


@pytest.mark.parametrize(("entry", "host", "directly"), no_proxy_rows())
def test_each_row_about_no_proxy_holds(entry: str, host: str, directly: str) -> None:
    name, port = split_authority(host, 0)
    assert directly in ("yes", "no")
    assert bypasses(name, port or None, entry) is (directly == "yes")


def test_the_table_about_no_proxy_has_rows_of_both_kinds() -> None:
    said = [row.values[2] for row in no_proxy_rows()]
    assert said.count("yes") > 10
    assert said.count("no") > 5


@pytest.mark.parametrize("kind", ["an opener, http", "a plain socket"])
def test_an_https_proxy_is_reached_over_tls(
    monkeypatch: pytest.MonkeyPatch, ca: Authority, clients: Clients, kind: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    with Proxy(tls=ca.server_context()) as tls_proxy:
        monkeypatch.setenv("http_proxy" if kind == "an opener, http" else "https_proxy", tls_proxy.url)
        clients.connect(kind)
        assert len(tls_proxy.requests) == 1
