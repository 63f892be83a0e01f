"""No error shows a password, a token or an authorization: not in its texts, in its frames, in logs or debug output.

Every public way in, with every kind of failure of a peer; test_secrets_in_input.py has what the program gives.
"""

from __future__ import annotations

import http.client
import logging
import socket

import pytest
from support.leaks import check, leaks, secrets_in
from support.ntlm_peer import NtlmPeer
from support.peer import ClientGone, Script, ScriptedPeer, Wire
from support.ways_in import (
    LOGIN,
    WAYS,
    download,
    httplib_request,
    patched_http_client,
    plain_socket,
    proxy_url,
    site_url,
)

pytestmark = pytest.mark.usefixtures("users")


# -- the failures: what is at the address


def silent(wire: Wire) -> None:
    wire.read_to_end()


def cut_head(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def reset(wire: Wire) -> None:
    wire.read_head()
    wire.reset()


def no_http(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"SSH-2.0-OpenSSH_9.2\r\n")


def refused_login(wire: Wire) -> None:
    for head in wire.read_heads():
        is_proxy = head.startswith((b"CONNECT ", b"GET http:"))
        status = "407 Proxy Authentication Required" if is_proxy else "401 Unauthorized"
        wire.respond(b"no", status, f"{'Proxy' if is_proxy else 'WWW'}-Authenticate: Basic realm=here")


def refused_ntlm(wire: Wire) -> None:
    NtlmPeer("site")(wire)


def refused_proxy_ntlm(wire: Wire) -> None:
    NtlmPeer("proxy")(wire)


def redirect(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"", "302 Found", f"Location: gopher://{LOGIN}@127.0.0.9/")


def contradiction(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nbody")


FAILURES = (silent, cut_head, reset, no_http, refused_login, refused_ntlm, refused_proxy_ntlm, redirect, contradiction)


def lenient(script: Script) -> Script:
    """Return a script that does not mind a client which leaves, or speaks TLS."""

    def run(wire: Wire) -> None:
        try:
            script(wire)
        except ClientGone:
            pass

    return run


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
def test_no_failure_of_a_peer_shows_a_secret(failure, caplog):
    caplog.set_level(logging.DEBUG, "coda_network")
    failed = 0
    with ScriptedPeer(lenient(failure)) as peer:
        for way in WAYS:
            failed += check(way, peer.netloc) is not None

    assert failed > len(WAYS) // 3
    assert secrets_in(caplog.text) == []


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nobody_who_listens_is_an_error_without_secrets(way):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert check(way, f"127.0.0.1:{bound.getsockname()[1]}") is not None


@pytest.mark.parametrize("failure", [refused_login, refused_ntlm, refused_proxy_ntlm], ids=lambda kind: kind.__name__)
def test_debug_output_shows_no_secret(failure, capsys, monkeypatch):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with ScriptedPeer(lenient(failure)) as peer:
        for way in WAYS:
            check(way, peer.netloc)
    printed = capsys.readouterr().out
    assert "header:" in printed
    assert secrets_in(printed) == []


def test_an_interrupt_shows_no_secret(monkeypatch):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(socket, "getaddrinfo", interrupted)
    for way in (site_url, proxy_url, httplib_request, plain_socket, download, patched_http_client):
        with pytest.raises(KeyboardInterrupt) as caught:
            way("127.0.0.1:9")
        assert leaks(caught.value) == []
