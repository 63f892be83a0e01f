"""A proxy that cannot be used is an error that names what is wrong, for every client; nobody goes around it."""

from __future__ import annotations

import contextlib
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.hop_scripts import socks5_hop
from support.origin import Origin
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import create_connection, do_download, proxies, urllib2
from coda_network._route.pac import PACError

SCHEMES = "the scheme of a proxy must be one of http, https, socks4, socks4a, socks5, socks5h"
PORT = "the port in a network address is not a number from 0 to 65535"

BAD = [
    ("gopher://u:secret@127.0.0.1:1", SCHEMES),
    ("socks://u:secret@127.0.0.1:1", SCHEMES),
    ("socks5://u:secret@127.0.0.1:99999", PORT),
    ("https://u:secret@127.0.0.1:99999", PORT),
    ("socks5://u:secret@127.0.0.1:port", PORT),
    ("socks5://", "a network address has no host"),
    ("socks4://u:secret@127.0.0.1:1", "socks4 has user names, but no passwords; socks5 has both"),
    ("socks4a://u:secret@127.0.0.1:1", "socks4a has user names, but no passwords; socks5 has both"),
    (f"socks5h://u:{'secret' * 50}@127.0.0.1:1", "the password for a SOCKS proxy has more than 255 bytes"),
    (f"socks5h://{'secret' * 50}:p@127.0.0.1:1", "the user name for a SOCKS proxy has more than 255 bytes"),
    (["http://127.0.0.1:1", "gopher://u:secret@127.0.0.1:1"], f"hop 2 of the chain: {SCHEMES}"),
    (["socks4://u:secret@127.0.0.1:1", "http://127.0.0.1:1"], "socks4 has user names, but no passwords"),
    (["http://127.0.0.1:99999", "http://127.0.0.1:1"], f"hop 1 of the chain: {PORT}"),
    (["http://127.0.0.1:1", "DIRECT"], "hop 2 of the chain: DIRECT is no proxy: it stands for a whole route"),
    (["direct"], "DIRECT is no proxy: it stands for a whole route"),
    (["http://127.0.0.1:1", None], "hop 2 of the chain: a proxy is named by a text, not by NoneType"),
    (5, "a proxy is named by a text, a chain by several, not by int"),
    (b"http://u:secret@127.0.0.1:1", "a proxy is named by a text, a chain by several, not by bytes"),
    ({"http": "http://u:secret@127.0.0.1:1"}, "a proxy is named by a text, a chain by several, not by dict"),
]


def open_with(library: Any, url: str, *handlers: Any) -> None:
    opener = library.build_opener(*handlers)
    with contextlib.closing(opener):
        opener.open(url, timeout=5)


def by_handler(given: Any, origin: Origin) -> None:
    open_with(urllib2, origin.url, urllib2.ProxyHandler({"http": given}))


def by_patched_handler(given: Any, origin: Origin) -> None:
    with coda_network.patched(https_proxies=True):
        open_with(urllib.request, origin.url, urllib.request.ProxyHandler({"http": given}))


def by_choice(given: Any, origin: Origin) -> None:
    open_with(urllib2, origin.url, urllib2.ProxyHandler(choose=lambda url: [given, "DIRECT"]))


def by_patched_choice(given: Any, origin: Origin) -> None:
    with coda_network.patched(choose=lambda url: [given, "DIRECT"]):
        open_with(urllib.request, origin.url)


def by_download(given: Any, origin: Origin) -> None:
    do_download(origin.url, proxy_handlers=urllib2.ProxyHandler({"http": given}), timeout_sec=5)


def by_socket(given: Any, origin: Origin) -> None:
    create_connection(origin.address, 5, proxy=given).close()


def by_route(given: Any, origin: Origin) -> None:
    routes = proxies.find(origin.url, choose=lambda url: [given, "DIRECT"])
    proxies.connect(routes, origin.address, 5).close()


CLIENTS = [by_handler, by_patched_handler, by_choice, by_patched_choice, by_download, by_socket, by_route]


def check(client: Callable[[Any, Origin], None], given: Any, message: str, origin: Origin) -> None:
    with pytest.raises((OSError, ValueError)) as caught:
        client(given, origin)
    said = str(caught.value)
    assert message in said
    assert "secret" not in said
    assert origin.connections == 0


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(("given", "message"), BAD)
def test_what_is_wrong_is_named_and_nothing_is_direct(
    client: Callable[[Any, Origin], None], given: Any, message: str, origin: Origin
) -> None:
    check(client, given, message, origin)


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("scheme", ["socks4", "socks4a", "socks5", "socks5h"])
def test_the_package_that_is_missing_is_named(
    client: Callable[[Any, Origin], None], scheme: str, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    monkeypatch.setitem(sys.modules, "python_socks.sync", None)
    message = f"a {scheme} proxy needs the package python-socks: pip install 'coda_network[socks]'"
    check(client, f"{scheme}://127.0.0.1:1", message, origin)


def no_connect(wire: Wire) -> None:
    """A web server that somebody took for a proxy."""
    for _ in wire.read_heads():
        wire.respond(b"no tunnels here", "405 Method Not Allowed")


# A download returns the status, also that of a proxy.
@pytest.mark.parametrize("client", [client for client in CLIENTS if client is not by_download])
@pytest.mark.parametrize("place", [1, 2])
def test_a_hop_that_opens_no_tunnels_is_named_with_its_place(
    client: Callable[[Any, Origin], None], place: int, origin: Origin
) -> None:
    with ScriptedPeer(no_connect) as peer, ScriptedPeer(socks5_hop) as socks:
        chain = [peer.url, "http://127.0.0.1:1"]
        if place == 2:
            chain.insert(0, f"socks5h://{socks.netloc}")
        message = f"Tunnel connection failed: 405 Method Not Allowed, by hop {place} of the chain, {peer.url}"
        check(client, chain, message, origin)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_hop_that_has_no_room_for_the_next_one_is_named(
    client: Callable[[Any, Origin], None], origin: Origin
) -> None:
    message = "socks4://127.0.0.1:1 cannot be used: SOCKS4 has no room for an IPv6 address"
    check(client, ["socks4://127.0.0.1:1", "http://[::1]:1"], message, origin)


@pytest.mark.parametrize("scheme", ["gopher://u:secret@127.0.0.1:1", "socks4://u:secret@127.0.0.1:1"])
@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_the_environment_names_one_that_cannot_be_used(
    scheme: str, name: str, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, scheme)
    for client in (lambda: open_with(urllib2, origin.url), lambda: do_download(origin.url, timeout_sec=5)):
        with pytest.raises(urllib2.URLError, match=r"the scheme of a proxy must be|socks4 has user names") as caught:
            client()
        assert "secret" not in str(caught.value)
    monkeypatch.setenv("https_proxy", scheme)
    with pytest.raises(ValueError, match=r"the scheme of a proxy must be|socks4 has user names"):
        create_connection(origin.address, 5)
    assert origin.connections == 0


HTML = "<!DOCTYPE html><html>Please log in</html>"


@pytest.mark.parametrize(("text", "message"), [(HTML, "HTML"), ("var x;", "no function FindProxyForURL")])
def test_a_file_that_is_no_pac_file_stops_whoever_is_told_to_obey_it(
    text: str, message: str, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "proxy.pac"
    path.write_text(text, encoding="utf-8")
    for call in (lambda: proxies.from_pac(str(path)), lambda: coda_network.patch(pac=str(path))):
        with pytest.raises(PACError, match=message):
            call()
    assert not coda_network.is_patched()
    monkeypatch.setenv("CODA_NETWORK_PAC", str(path))
    clients: list[Callable[[], Any]] = [
        lambda: open_with(urllib2, origin.url),
        lambda: do_download(origin.url, timeout_sec=5),
        lambda: create_connection(origin.address, 5),
        lambda: proxies.find(origin.url),
    ]
    for client in clients:
        with pytest.raises(OSError, match=message):
            client()
    assert origin.connections == 0
