"""Each kind of proxy, alone and behind another one: cut, stalled, refusing. An error in time, and no way around it.

Where exchanges are cut byte by byte, test_cuts.py has the hops too.
"""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.certs import Authority
from support.hop_scripts import http_hop, socks5_hop
from support.origin import Origin
from support.peer import ScriptedPeer, Wire

from coda_network import Timeout, connect, urllib2

SECONDS = 0.3

KINDS = ["http", "https", "socks4a", "socks5h"]
REFUSALS = {
    "http": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "https": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "socks4a": b"\x00\x5b" + bytes(6),
    "socks5h": b"\x05\xff",
}


def cut(wire: Wire, kind: str) -> None:
    wire.read_exactly(1)
    wire.close()


def reset(wire: Wire, kind: str) -> None:
    wire.read_exactly(1)
    wire.reset()


def stall(wire: Wire, kind: str) -> None:
    wire.read_to_end()


def refuse(wire: Wire, kind: str) -> None:
    wire.read_exactly(3 if kind == "socks5h" else 9)
    wire.send(REFUSALS[kind])
    wire.read_to_end()


def speak_ssh(wire: Wire, kind: str) -> None:
    wire.read_exactly(1)
    wire.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    wire.read_to_end()


@contextlib.contextmanager
def failing(kind: str, fault: Any, place: str, ca: Authority) -> Iterator[list[str]]:
    """Give the URLs of a route one of whose proxies fails: the only one, or the last one of a chain."""
    tls = ca.server_context() if kind == "https" else None
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(ScriptedPeer(lambda wire: fault(wire, kind), tls=tls))
        before = {"alone": None, "behind http": ("http", http_hop), "behind socks5h": ("socks5h", socks5_hop)}[place]
        route = []
        if before is not None:
            route.append(f"{before[0]}://{stack.enter_context(ScriptedPeer(before[1])).netloc}")
        yield [*route, f"{kind}://{peer.netloc}"]


def by_socket(route: list[str], site: Origin) -> None:
    connect.create_connection(site.address, SECONDS, proxy=route)


def by_opener(route: list[str], site: Origin) -> None:
    opener: Any = urllib2.build_opener(urllib2.ProxyHandler({"https": route}))
    with contextlib.closing(opener):
        opener.open(site.url, timeout=Timeout(total=SECONDS))


CLIENTS = {"socket": by_socket, "opener": by_opener}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("place", ["alone", "behind http", "behind socks5h"])
@pytest.mark.parametrize("fault", [cut, reset, stall, refuse, speak_ssh])
@pytest.mark.parametrize("kind", KINDS)
def test_a_proxy_that_fails_is_an_error_in_time(
    kind: str, fault: Any, place: str, client: str, ca: Authority, tls_origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    with failing(kind, fault, place, ca) as route:
        begin = time.monotonic()
        with pytest.raises((OSError, http.client.HTTPException)) as caught:
            CLIENTS[client](route, tls_origin)
        spent = time.monotonic() - begin
    reason = getattr(caught.value, "reason", caught.value)
    assert isinstance(reason, TimeoutError) is (fault is stall), reason
    assert spent < SECONDS + 15
    assert tls_origin.connections == 0
