"""A login at an https:// proxy is bound to the certificate of that TLS: it succeeds there, and nowhere else."""

from __future__ import annotations

import contextlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.accounts import ALICE
from support.bound_proxy import BoundProxy, MiddleMan, certificate_of
from support.certs import Authority
from support.origin import Origin
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer
from support.proxy import Proxy

import coda_network
from coda_network import create_connection, urllib2
from coda_network.connect import TunnelError, start_tls

SCHEMES = ["NTLM", "Negotiate"]


@pytest.fixture(autouse=True)
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ca: Authority) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", [ALICE])))
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "no-krb5.conf"))
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))


@contextlib.contextmanager
def bound(scheme: str, ca: Authority) -> Iterator[tuple[BoundProxy, ScriptedPeer]]:
    script = BoundProxy(scheme, certificate_of(ca))
    with ScriptedPeer(script, tls=ca.server_context()) as peer:
        yield script, peer


def url_of(netloc: str, scheme: str = "https") -> str:
    return f"{scheme}://{ALICE.qualified_userinfo}@{netloc}"


@contextlib.contextmanager
def opener_by(proxy: Any, library: Any = urllib2) -> Iterator[Any]:
    opener = library.build_opener(library.ProxyHandler({"http": proxy, "https": proxy}))
    with contextlib.closing(opener):
        yield opener


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("client", ["opener", "patched"])
def test_requests_get_through_with_one_login_a_connection(
    scheme: str, client: str, ca: Authority, tls_origin: Origin
) -> None:
    with contextlib.ExitStack() as stack:
        script, peer = stack.enter_context(bound(scheme, ca))
        if client == "patched":
            stack.enter_context(coda_network.patched(https_proxies=True))
        library: Any = urllib2 if client == "opener" else urllib.request
        opener = stack.enter_context(opener_by(url_of(peer.netloc), library))
        for _ in range(2):
            assert opener.open("http://site.example/", timeout=10).read() == b"ok"
            assert opener.open(f"{tls_origin.url}/", timeout=10).read()
        assert (script.refusals, len(script.users), peer.connections) == ([], 2, 2)
        assert len(tls_origin.requests) == 2


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("place", ["alone", "first", "last"])
def test_a_plain_socket_gets_through_wherever_the_proxy_stands(
    scheme: str, place: str, ca: Authority, tls_origin: Origin, proxy: Proxy
) -> None:
    with bound(scheme, ca) as (script, peer):
        hops = {"alone": [], "first": [proxy.url], "last": [proxy.url]}[place]
        hops.insert(len(hops) if place == "last" else 0, url_of(peer.netloc))
        sock = create_connection(tls_origin.address, 10, proxy=hops)
        with start_tls(sock, ca.client_context(), "localhost") as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert tls.recv(12) == b"HTTP/1.1 200"
        assert (script.refusals, len(script.users), peer.connections) == ([], 1, 1)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("way", ["http", "https", "socket"])
def test_a_login_that_a_middle_man_passes_on_is_refused(
    scheme: str, way: str, ca: Authority, tls_origin: Origin
) -> None:
    with contextlib.ExitStack() as stack:
        script, peer = stack.enter_context(bound(scheme, ca))
        # It has a certificate that the client trusts, and is after the proxy's users.
        other = ca.server_context("localhost", "127.0.0.1")
        middle = stack.enter_context(ScriptedPeer(MiddleMan(peer.address, ca), tls=other))
        if way == "socket":
            with pytest.raises(TunnelError, match="407"):
                create_connection(tls_origin.address, 10, proxy=url_of(middle.netloc))
        else:
            opener = stack.enter_context(opener_by(url_of(middle.netloc)))
            url = "http://site.example/" if way == "http" else tls_origin.url
            with pytest.raises(urllib2.URLError, match="407") as caught:
                opener.open(url, timeout=10)
            failure: Any = caught.value
            assert f"{scheme}: the user name or password was refused" in str(failure.auth_report)
            if isinstance(caught.value, urllib2.HTTPError):
                caught.value.close()
        assert script.users == []
        assert script.refusals == ["the login is bound to another certificate, or to none"]
    assert tls_origin.requests == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_login_without_tls_is_bound_to_nothing(scheme: str, ca: Authority) -> None:
    script = BoundProxy(scheme, certificate_of(ca))
    with ScriptedPeer(script) as peer, opener_by(url_of(peer.netloc, "http")) as opener:
        with pytest.raises(urllib2.HTTPError, match="407") as caught:
            opener.open("http://site.example/", timeout=10)
        caught.value.close()
    assert (script.users, len(script.refusals)) == ([], 1)
