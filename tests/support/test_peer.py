"""The scripted peer does what its script says and tells when the client did not."""

from __future__ import annotations

import http.client
import socket
import ssl

import pytest

from support.certs import CLIENT_KEY_PASSWORD, Authority
from support.peer import ClientGone, ScriptedPeer, Wire


def serve_all(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"x")


def get(connection: http.client.HTTPConnection, path: str = "/") -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def test_a_response_sent_byte_by_byte_arrives_whole():
    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(b"GET /x HTTP/1.1\r\n")
        wire.send_slowly(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    with ScriptedPeer([script]) as peer:
        connection = http.client.HTTPConnection(*peer.address)
        assert get(connection, "/x") == b"hi"
        connection.close()
    assert peer.connections == 1
    assert peer.received[0].startswith(b"GET /x")
    assert peer.url == f"http://127.0.0.1:{peer.port}"


def test_a_failed_assertion_of_the_script_is_raised_instead_of_the_client_error():
    def script(wire: Wire) -> None:
        assert wire.read_head() == b"something else"

    def run() -> None:
        with ScriptedPeer(script) as peer:
            get(http.client.HTTPConnection(*peer.address))

    with pytest.raises(AssertionError, match="something else"):
        run()


def test_a_client_that_closes_before_the_script_is_done_is_reported():
    def run() -> None:
        with ScriptedPeer(lambda wire: wire.read_exactly(5)) as peer:
            with socket.create_connection(peer.address) as client:
                client.sendall(b"abc")

    with pytest.raises(ClientGone, match="5 bytes"):
        run()


def test_an_error_of_the_test_is_not_hidden_by_a_script_that_still_waits():
    def run() -> None:
        with ScriptedPeer(lambda wire: wire.read_exactly(5)) as peer:
            with socket.create_connection(peer.address):
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run()


@pytest.mark.parametrize("come", [1, 3])
def test_another_number_of_connections_than_scripts_fails(come: int):
    def run() -> None:
        with ScriptedPeer([lambda wire: None] * 2) as peer:
            for _ in range(come):
                socket.create_connection(peer.address).close()

    with pytest.raises(AssertionError, match=r"2 (connections )?were expected"):
        run()


def test_a_kept_connection_serves_many_requests_and_ends_with_the_block():
    with ScriptedPeer(serve_all) as peer:
        connection = http.client.HTTPConnection(*peer.address)
        assert [get(connection) for _ in range(3)] == [b"x"] * 3
    connection.close()
    assert (peer.connections, len(peer.heads)) == (1, 3)


def test_a_body_is_read_by_its_length():
    def script(wire: Wire) -> None:
        _, body = wire.read_request()
        wire.respond(body.upper())

    with ScriptedPeer(script) as peer:
        connection = http.client.HTTPConnection(*peer.address)
        connection.request("POST", "/", b"shout")
        assert connection.getresponse().read() == b"SHOUT"
        connection.close()


def test_a_reset_reaches_the_client():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.reset()

    with ScriptedPeer(script) as peer:
        connection = http.client.HTTPConnection(*peer.address)
        with pytest.raises(ConnectionResetError):
            get(connection)
        connection.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("with_certificate", [False, True])
def test_tls_passes_the_strict_checks_of_python_3_13(ca: Authority, host: str, with_certificate: bool):
    context = ca.client_context()
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    if with_certificate:
        context.load_cert_chain(ca.client_certificate, ca.client_encrypted_key, CLIENT_KEY_PASSWORD)
    with ScriptedPeer(serve_all, tls=ca.server_context(require_client=with_certificate)) as peer:
        connection = http.client.HTTPSConnection(host, peer.port, context=context)
        assert get(connection) == b"x"
        connection.close()


def test_tls_on_the_ipv6_loopback(ca: Authority):
    with ScriptedPeer(serve_all, tls=ca.server_context(), host="::1") as peer:
        connection = http.client.HTTPSConnection("::1", peer.port, context=ca.client_context())
        assert get(connection) == b"x"
        connection.close()
    assert peer.url == f"https://[::1]:{peer.port}"


def test_a_client_that_refuses_the_certificate_is_no_failure_of_the_peer(ca: Authority):
    with ScriptedPeer(serve_all, tls=ca.server_context("other.test")) as peer:
        connection = http.client.HTTPSConnection("localhost", peer.port, context=ca.client_context())
        with pytest.raises(ssl.SSLCertVerificationError):
            get(connection)
    assert len(peer.handshake_failures) == 1


def test_tls_can_begin_behind_the_response_to_connect(ca: Authority):
    def script(wire: Wire) -> None:
        assert wire.read_head().startswith(b"CONNECT localhost:443 ")
        wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        wire.start_tls(ca.server_context())
        serve_all(wire)

    with ScriptedPeer(script) as peer:
        connection = http.client.HTTPSConnection(*peer.address, context=ca.client_context())
        connection.set_tunnel("localhost", 443)
        assert get(connection) == b"x"
        connection.close()
