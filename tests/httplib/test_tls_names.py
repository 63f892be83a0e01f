"""Whose certificate is asked for: that of the site, also where a proxy of another name is in between."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any

import pytest
from support.certs import Authority
from support.peer import ScriptedPeer, Wire

from coda_network import httplib

SITE, PROXY = "localhost", "127.0.0.1"


@pytest.fixture
def asked() -> list[str | None]:
    """The names that clients asked for in their TLS handshakes (SNI); an address is not asked for."""
    return []


def server_called(name: str, ca: Authority, asked: list[str | None]) -> ssl.SSLContext:
    context = ca.server_context(name)
    context.sni_callback = lambda _, asked_for, __: asked.append(asked_for)
    return context


def behind_a_proxy(context: ssl.SSLContext) -> Callable[[Wire], None]:
    """Return a script that opens a tunnel and is the site behind it, if the client likes its certificate."""

    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(b"CONNECT localhost:443 ")
        wire.send(b"HTTP/1.1 200 Open\r\n\r\n")
        try:
            wire.start_tls(context)
            wire.read_head()
        except OSError:
            return  # the client's error is what the test is about
        wire.respond(b"welcome")

    return script


def tunnel_to_the_site(peer: ScriptedPeer, context: ssl.SSLContext) -> Any:
    assert peer.address[0] == PROXY
    connection = httplib.HTTPSConnection(*peer.address, timeout=10, context=context)
    connection.set_tunnel(SITE)
    return connection


def test_in_a_tunnel_the_certificate_is_the_sites(
    ca: Authority, client_context: ssl.SSLContext, asked: list[str | None]
) -> None:
    with ScriptedPeer(behind_a_proxy(server_called(SITE, ca, asked))) as peer:
        connection = tunnel_to_the_site(peer, client_context)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"welcome"
        connection.close()
    assert asked == [SITE]


def test_in_a_tunnel_the_certificate_of_the_proxy_is_refused(
    ca: Authority, client_context: ssl.SSLContext, asked: list[str | None]
) -> None:
    with ScriptedPeer(behind_a_proxy(server_called(PROXY, ca, asked))) as peer:
        connection = tunnel_to_the_site(peer, client_context)
        with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
            connection.connect()
        assert connection.sock is None
    assert asked == [SITE]


@pytest.mark.parametrize(("name", "fits"), [(SITE, True), (PROXY, False)])
def test_without_a_proxy_the_certificate_is_that_of_the_host(
    ca: Authority, client_context: ssl.SSLContext, asked: list[str | None], name: str, fits: bool
) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"welcome")

    with ScriptedPeer(script, tls=server_called(name, ca, asked)) as peer:
        connection = httplib.HTTPSConnection(SITE, peer.port, timeout=10, context=client_context)
        if fits:
            connection.request("GET", "/")
            assert connection.getresponse().read() == b"welcome"
        else:
            with pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
                connection.connect()
        connection.close()
    assert asked == [SITE]
