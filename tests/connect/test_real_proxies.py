"""Sockets through a real squid, with each of its logins, and through several of them."""

from __future__ import annotations

import socket
import ssl
import urllib.request
from collections.abc import Iterator

import pytest
from support.accounts import ALICE, BOB, Account
from support.certs import Authority
from support.nginx import Nginx
from support.peer import ScriptedPeer, Wire
from support.squid import Squid

from coda_network import create_connection, ntlm_auth, urllib2
from coda_network.connect import TunnelError, create_connect_handle, do_connect_chain

BANNER = b"SSH-2.0-test\r\n"
LOGINS = ["squid_basic", "squid_digest", "squid_ntlm", "squid_negotiate_ntlm"]


@pytest.fixture
def talker() -> Iterator[ScriptedPeer]:
    """A server of a line protocol, that speaks first and echoes a line."""

    def script(wire: Wire) -> None:
        wire.send(BANNER)
        wire.send(wire.read_exactly(5))

    with ScriptedPeer(script) as peer:
        yield peer


def converse(sock: socket.socket) -> None:
    with sock, sock.makefile("rb") as file:
        assert file.readline() == BANNER
        sock.sendall(b"echo\n")
        assert file.read() == b"echo\n"


@pytest.fixture
def squid_with(request: pytest.FixtureRequest) -> Squid:
    found: Squid = request.getfixturevalue(request.param)
    return found


@pytest.mark.servers
@pytest.mark.parametrize(
    ("squid_with", "account"),
    # squid's Basic does not say in which encoding it wants names, so bob's umlaut has no safe form there.
    [*((name, ALICE) for name in LOGINS), *((name, BOB) for name in LOGINS if name != "squid_basic")],
    indirect=["squid_with"],
)
def test_the_login_in_the_url_serves_what_the_proxy_asks_for(
    squid_with: Squid, account: Account, talker: ScriptedPeer
) -> None:
    qualified = "ntlm" in type(squid_with._login).__name__.lower()
    converse(create_connection(talker.address, 10, proxy=squid_with.url_for(account, qualified=qualified)))


@pytest.mark.servers
@pytest.mark.parametrize("squid_with", ["squid_basic", "squid_digest", "squid_ntlm"], indirect=True)
def test_a_wrong_password_is_407(squid_with: Squid, talker: ScriptedPeer) -> None:
    with pytest.raises(TunnelError, match="407") as caught:
        create_connection(talker.address, 10, proxy=f"http://alice:wrong@{squid_with.netloc}")
    assert caught.value.report is not None
    assert talker.connections == 0


@pytest.mark.servers
def test_the_way_to_the_proxy_can_be_encrypted(
    squid_basic: Squid, ca: Authority, monkeypatch: pytest.MonkeyPatch, talker: ScriptedPeer
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    url = squid_basic.tls_url.replace("://", f"://{ALICE.userinfo}@")
    sock = create_connection(talker.address, 10, proxy=url)
    assert isinstance(sock, ssl.SSLSocket)
    converse(sock)


@pytest.mark.servers
def test_a_proxy_whose_certificate_nobody_trusts_is_refused(squid: Squid) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        create_connection(("127.0.0.1", 1), 10, proxy=squid.tls_url)


@pytest.mark.servers
def test_a_target_that_refuses_is_the_proxys_503(squid: Squid) -> None:
    with pytest.raises(OSError, match="Tunnel connection failed: 503"):
        create_connection(("127.0.0.1", 1), 10, proxy=squid.url)


@pytest.mark.servers
def test_a_tls_client_that_checks_certificates_by_hand_works_unchanged(
    squid_ntlm: Squid, nginx: Nginx, client_context: ssl.SSLContext
) -> None:
    proxy = squid_ntlm.url_for(ALICE, qualified=True)
    with create_connection(("127.0.0.1", nginx.https_port), 10, proxy=proxy) as sock:
        with client_context.wrap_socket(sock, server_hostname="localhost") as tls:
            assert ("DNS", "localhost") in tls.getpeercert()["subjectAltName"]
            tls.sendall(b"GET /small.bin HTTP/1.0\r\nHost: localhost\r\n\r\n")
            response = b"".join(iter(lambda: tls.recv(65536), b""))
    assert response.startswith(b"HTTP/1.1 200 OK\r\n")
    assert response.endswith(nginx.small.place.read_bytes())


@pytest.mark.servers
def test_proxies_stand_one_behind_the_other(
    squid_basic: Squid, squid_ntlm: Squid, squid_digest: Squid, talker: ScriptedPeer
) -> None:
    proxies = [
        squid_basic.url_for(ALICE),
        squid_ntlm.url_for(BOB, qualified=True),
        squid_digest.url_for(ALICE),
    ]
    converse(do_connect_chain(proxies, talker.netloc, 10))


@pytest.mark.servers
def test_a_refusal_in_a_chain_names_the_status(squid_basic: Squid, squid_digest: Squid) -> None:
    with pytest.raises(TunnelError, match="407"):
        do_connect_chain([squid_basic.url_for(ALICE), squid_digest.url], ("127.0.0.1", 1), 10)


# -- through the handlers of an opener


@pytest.mark.servers
@pytest.mark.parametrize("form", ["https://{}", "{}", "https://{}/ignored"])
@pytest.mark.parametrize("squid_with", ["squid", *LOGINS], indirect=True)
def test_a_connect_handle_has_a_connected_socket(squid_with: Squid, form: str, talker: ScriptedPeer) -> None:
    proxies = urllib2.ProxyHandler({"https": squid_with.url})
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, squid_with.netloc, ALICE.user, ALICE.password)
    logins = [
        urllib2.ProxyBasicAuthHandler(passwords),
        urllib2.ProxyDigestAuthHandler(passwords),
        ntlm_auth.ProxyNtlmAuthHandler(),
    ]
    logins[2].add_password(None, squid_with.netloc, ALICE.qualified, ALICE.password)
    if squid_with._login is not None and type(squid_with._login).__name__ == "NegotiateNTLMLogin":
        proxies = urllib2.ProxyHandler({"https": squid_with.url_for(ALICE, qualified=True)})
    handle = create_connect_handle(form.format(talker.netloc), proxies, logins, timeout_sec=10)
    assert (handle.status, handle.connect_sock.gettimeout()) == (200, 10)
    converse(handle.connect_sock)


@pytest.mark.servers
def test_the_standard_librarys_own_handlers_serve_as_well(squid_digest: Squid, talker: ScriptedPeer) -> None:
    proxies = urllib.request.ProxyHandler({"https": squid_digest.url_for(ALICE)})
    converse(create_connect_handle(talker.netloc, proxies, timeout_sec=10).connect_sock)
