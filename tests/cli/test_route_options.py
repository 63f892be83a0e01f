"""Chains and several ways by ``--proxy``, ``--pac`` and ``--tls-proxy``: the way that a command takes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certs import Authority
from support.hop_scripts import http_hop, socks5_hop
from support.origin import Origin
from support.peer import ScriptedPeer
from support.servers import free_port

from coda_network.cli import main

FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=20).status)"


def passes(name: str, options: list[str], url: str, monkeypatch: pytest.MonkeyPatch, **variables: str) -> bool:
    """Let a command get a URL; return whether it did."""
    with monkeypatch.context() as patch:
        for variable, value in variables.items():
            patch.setenv(variable, value)
        if name == "get":
            return main(["get", "-q", "-o", os.devnull, *options, url]) == 0
        line = [sys.executable, "-m", "coda_network", "run", *options, "-c", FETCH, url]
        return subprocess.run(line, capture_output=True, timeout=60, check=True).stdout.split() == [b"200"]


@pytest.fixture
def hops() -> Iterator[tuple[ScriptedPeer, ScriptedPeer]]:
    """An HTTP proxy and one of SOCKS5."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(ScriptedPeer(http_hop)), stack.enter_context(ScriptedPeer(socks5_hop))


@pytest.mark.parametrize("name", ["get", "run"])
def test_commas_make_a_chain_and_a_second_option_the_next_way(
    hops: tuple[ScriptedPeer, ScriptedPeer], origin: Origin, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = hops
    chain = f"{first.url},socks5h://{second.netloc}"
    assert passes(name, ["--proxy", f"127.0.0.1:{free_port()}", "--proxy", chain], origin.url, monkeypatch)
    assert b"".join(first.received).startswith(f"CONNECT {second.netloc} HTTP/1.1\r\n".encode())
    assert (first.connections, second.connections, origin.connections) == (1, 1, 1)


@pytest.mark.parametrize("name", ["get", "run"])
def test_a_pac_file_chooses_for_a_command(
    hops: tuple[ScriptedPeer, ScriptedPeer], origin: Origin, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    http, socks = hops
    text = f'function FindProxyForURL(url, host) {{ return "SOCKS5 {socks.netloc}; PROXY {http.netloc}"; }}'
    path = tmp_path / "proxy.pac"
    path.write_text(text, encoding="utf-8")
    assert passes(name, ["--pac", str(path)], origin.url, monkeypatch, http_proxy=http.url)
    assert (http.connections, socks.connections, origin.connections) == (0, 1, 1)


@pytest.mark.parametrize("options", [[], ["--tls-proxy"]], ids=["plain text", "TLS"])
def test_a_program_under_run_reaches_a_proxy_by_tls_where_it_is_asked_to(
    options: list[str], tls_origin: Origin, ca: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls = ca.server_context() if options else None
    with ScriptedPeer(http_hop, tls=tls) as proxy:
        variables = {"https_proxy": f"https://{proxy.netloc}", "SSL_CERT_FILE": str(ca.bundle)}
        assert passes("run", options, tls_origin.url, monkeypatch, **variables)
        assert (proxy.connections, tls_origin.connections) == (1, 1)
