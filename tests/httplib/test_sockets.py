"""The socket of a connection: keepalive, TCP_NODELAY, and TLS with certificates on both sides."""

from __future__ import annotations

import http.client
import socket
import ssl

import pytest
from support.certs import CLIENT_KEY_PASSWORD, CLIENT_NAME, Authority
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import httplib

TIMES = httplib.SocketKeepalive(idle=45, interval=6, count=4)
OPTIONS = [
    (getattr(socket, name), value)
    for name, value in (("TCP_KEEPIDLE", 45), ("TCP_KEEPINTVL", 6), ("TCP_KEEPCNT", 4))
    if hasattr(socket, name)
]


def open_by(way: str, origin: Origin, tls_origin: Origin, proxy: Proxy, context: ssl.SSLContext, **options):
    """Return a connection over which a request got its response."""
    if way == "http":
        connection = httplib.HTTPConnection(*origin.address, **options)
    elif way == "https":
        connection = httplib.HTTPSConnection(*tls_origin.address, context=context, **options)
    elif way == "tunnel":
        connection = httplib.HTTPConnection(*proxy.address, **options)
        connection.set_tunnel(*origin.address)
    else:
        connection = httplib.HTTPSConnection(*proxy.address, context=context, **options)
        connection.set_tunnel(*tls_origin.address)
    connection.request("GET", "/bytes/10")
    assert len(connection.getresponse().read()) == 10
    return connection


@pytest.fixture(params=["http", "https", "tunnel", "https tunnel"])
def opened(request, origin, tls_origin, proxy, client_context):
    made = []

    def make(**options):
        made.append(open_by(request.param, origin, tls_origin, proxy, client_context, **options))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


def test_keepalive_is_off_where_nobody_asked(opened):
    sock = opened().sock
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0


@pytest.mark.parametrize("name", ["socket_keepalive", "tcp_keepalive"])
def test_keepalive_is_on_the_very_socket(opened, name):
    sock = opened(**{name: True}).sock
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1


def test_keepalive_has_the_times_that_were_given(opened):
    sock = opened(socket_keepalive=TIMES).sock
    assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert [(option, sock.getsockopt(socket.IPPROTO_TCP, option)) for option, _ in OPTIONS] == OPTIONS


def test_small_segments_are_sent_at_once(opened):
    assert opened().sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_the_timeout_is_that_of_the_connection(opened):
    assert opened(timeout=7).sock.gettimeout() == 7


@pytest.mark.parametrize("way", ["direct", "tunnel"])
@pytest.mark.parametrize("form", ["combined", "two files", "with password"])
def test_a_server_that_demands_a_certificate_accepts_ours(way, form, ca: Authority, proxy: Proxy, client_context):
    cert = {
        "combined": str(ca.client_combined),
        "two files": (ca.client_certificate, ca.client_key),
        "with password": (ca.client_certificate, ca.client_encrypted_key, CLIENT_KEY_PASSWORD),
    }[form]
    with Origin(ca.server_context(require_client=True)) as server:
        if way == "direct":
            connection = httplib.HTTPSConnection(*server.address, context=client_context, cert=cert)
        else:
            connection = httplib.HTTPSConnection(*proxy.address, context=client_context, cert=cert)
            connection.set_tunnel(*server.address)
        connection.request("GET", "/")
        assert CLIENT_NAME.encode() in connection.getresponse().read()
        connection.close()


def status(connection: http.client.HTTPConnection) -> int:
    connection.request("GET", "/")
    return connection.getresponse().status


@pytest.mark.parametrize("way", ["direct", "tunnel"])
def test_a_server_that_demands_a_certificate_refuses_without(way, ca: Authority, proxy: Proxy, client_context):
    with Origin(ca.server_context(require_client=True)) as server:
        address = server.address if way == "direct" else proxy.address
        connection = httplib.HTTPSConnection(*address, context=client_context)
        if way == "tunnel":
            connection.set_tunnel(*server.address)
        # With TLS 1.3 the refusal comes behind the handshake.
        with pytest.raises((ssl.SSLError, ConnectionError)):
            status(connection)
        connection.close()


def test_a_certificate_is_used_with_the_default_context_too(ca: Authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    with Origin(ca.server_context(require_client=True)) as server:
        connection = httplib.HTTPSConnection(*server.address, cert=str(ca.client_combined))
        connection.request("GET", "/")
        assert CLIENT_NAME.encode() in connection.getresponse().read()
        connection.close()


def test_the_certificate_of_the_server_is_checked(tls_origin: Origin):
    connection = httplib.HTTPSConnection(*tls_origin.address)
    with pytest.raises(ssl.SSLCertVerificationError):
        connection.request("GET", "/")


def test_the_name_in_the_certificate_is_checked(tls_origin: Origin, proxy: Proxy, client_context):
    connection = httplib.HTTPSConnection("127.0.0.3", tls_origin.port, context=client_context)
    connection._create_connection = lambda address, *rest: socket.create_connection(tls_origin.address)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"127\.0\.0\.3"):
        connection.request("GET", "/")


@pytest.mark.parametrize("host", ["[::1]", "::1"])
def test_an_ipv6_address_is_checked_against_the_certificate_without_its_brackets(host, ca: Authority, client_context):
    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n")
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        wire.start_tls(ca.server_context())
        assert b"\r\nHost: [::1]\r\n" in wire.read_head()
        wire.respond(b"body")

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPSConnection(*peer.address, context=client_context)
        connection.set_tunnel(host, 443)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"body"
        connection.close()


def test_the_plain_connect_can_be_replaced_for_unix_sockets(monkeypatch):
    ours, theirs = socket.socketpair()
    monkeypatch.setattr(httplib.HTTPConnection, "connect", lambda self: setattr(self, "sock", ours))
    connection = httplib.HTTPConnection("nowhere.invalid")
    connection.request("GET", "/unix")
    assert theirs.recv(1000).startswith(b"GET /unix HTTP/1.1\r\nHost: nowhere.invalid\r\n")
    theirs.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody")
    assert connection.getresponse().read() == b"body"
    connection.close()
    theirs.close()


def test_a_long_poll_survives_on_a_socket_with_keepalive():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number in range(3):
            wire.read_exactly(1)
            wire.send(b"5\r\nnews%d\r\n" % number)
        wire.send(b"0\r\n\r\n")
        wire.read_head()
        wire.respond(b"bye")

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address, socket_keepalive=TIMES)
        connection.request("GET", "/poll")
        response = connection.getresponse()
        for number in range(3):
            connection.sock.sendall(b".")
            assert response.read1() == b"news%d" % number
        assert response.read1() == b""
        connection.request("GET", "/next")
        assert connection.getresponse().read() == b"bye"
        connection.close()
    assert peer.connections == 1


def test_the_default_context_is_that_of_http_client(monkeypatch):
    made = []

    def context(*arguments, **options):
        made.append(ssl.create_default_context(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(ssl, "_create_default_https_context", context)
    assert httplib.HTTPSConnection("host")._context is made[0]
    assert made[0].post_handshake_auth
    assert isinstance(httplib.HTTPSConnection("host"), http.client.HTTPSConnection)
