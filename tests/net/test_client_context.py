"""The TLS context of a client, and its certificate."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.certs import CLIENT_KEY_PASSWORD, Authority

from coda_network._net.tls import cert_parts, client_context


@contextlib.contextmanager
def handshaking(context: ssl.SSLContext) -> Iterator[tuple[str, int]]:
    """A server that sends the subject of the client's certificate to its only client."""

    def serve() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as plain:
            with context.wrap_socket(plain, server_side=True) as sock:
                certificate = sock.getpeercert() or {}
                names = dict(pair[0] for pair in certificate.get("subject", ()))
                sock.sendall(str(names.get("commonName")).encode())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve)
        server.start()
        try:
            yield listener.getsockname()
        finally:
            server.join(10)


def shown_name(context: ssl.SSLContext, address: tuple[str, int]) -> str:
    with socket.create_connection(address, 10) as plain:
        with context.wrap_socket(plain, server_hostname="localhost") as sock:
            return sock.recv(100).decode()


def certs(ca: Authority) -> dict[str, object]:
    return {
        "one file, as text": str(ca.client_combined),
        "one file, as path": ca.client_combined,
        "certificate and key": (ca.client_certificate, ca.client_key),
        "as a list": [str(ca.client_certificate), str(ca.client_key)],
        "no second file": (ca.client_combined, None),
        "key without password": (ca.client_certificate, ca.client_key, None),
        "password": (ca.client_certificate, ca.client_encrypted_key, CLIENT_KEY_PASSWORD),
        "password in bytes": (ca.client_certificate, ca.client_encrypted_key, CLIENT_KEY_PASSWORD.encode()),
    }


FORMS = (
    "one file, as text",
    "one file, as path",
    "certificate and key",
    "as a list",
    "no second file",
    "key without password",
    "password",
    "password in bytes",
)


@pytest.mark.parametrize("form", FORMS)
def test_the_server_gets_the_client_certificate(ca: Authority, form: str) -> None:
    given = ca.client_context()
    context = client_context(given, certs(ca)[form])
    # The caller's own context is the one that now has the certificate.
    assert context is given
    with handshaking(ca.server_context(require_client=True)) as address:
        assert shown_name(context, address) == "alice@coda.test"


def test_a_server_that_demands_a_certificate_refuses_a_client_without(ca: Authority) -> None:
    with handshaking(ca.server_context(require_client=True)) as address:
        with pytest.raises(OSError):
            assert shown_name(client_context(ca.client_context()), address)


# The default context


def test_the_default_context_checks_certificates_and_names() -> None:
    context = client_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.post_handshake_auth


def test_each_default_context_is_a_new_one() -> None:
    assert client_context() is not client_context()


def test_the_default_context_is_made_by_the_function_that_programs_replace(
    monkeypatch: pytest.MonkeyPatch, ca: Authority
) -> None:
    unchecked = ssl._create_unverified_context
    monkeypatch.setattr(ssl, "_create_default_https_context", unchecked)
    context = client_context()
    assert context.verify_mode is ssl.CERT_NONE
    with handshaking(ca.server_context("other.example")) as address:
        assert shown_name(context, address) == "None"


def test_the_default_context_offers_http_1_1(monkeypatch: pytest.MonkeyPatch, ca: Authority) -> None:
    monkeypatch.setattr(ssl, "_create_default_https_context", ca.client_context)
    server = ca.server_context()
    server.set_alpn_protocols(["h2", "http/1.1"])
    with handshaking(server) as address:
        with socket.create_connection(address, 10) as plain:
            with client_context().wrap_socket(plain, server_hostname="localhost") as sock:
                assert sock.selected_alpn_protocol() == "http/1.1"
                sock.recv(100)


def test_a_given_context_is_not_changed(ca: Authority) -> None:
    given = ca.client_context()
    assert client_context(given) is given
    assert not given.post_handshake_auth


def test_a_certificate_may_be_asked_for_after_the_handshake(ca: Authority) -> None:
    given = ca.client_context()
    client_context(given, ca.client_combined)
    assert given.post_handshake_auth


# Errors

SECRET = "not the password"


@pytest.mark.parametrize("missing", ["certificate", "key"])
def test_the_error_names_a_missing_file(ca: Authority, missing: str) -> None:
    files = {"certificate": ca.client_certificate, "key": ca.client_key, missing: "/no/such/file"}
    with pytest.raises(FileNotFoundError) as raised:
        client_context(ca.client_context(), (files["certificate"], files["key"]))
    assert raised.value.filename == "/no/such/file"


def test_the_error_names_a_folder(ca: Authority, tmp_path: Path) -> None:
    with pytest.raises(OSError) as raised:
        client_context(ca.client_context(), tmp_path)
    assert raised.value.filename == str(tmp_path)


def test_the_error_for_a_wrong_password_does_not_repeat_it(ca: Authority) -> None:
    with pytest.raises(ssl.SSLError) as raised:
        client_context(ca.client_context(), (ca.client_certificate, ca.client_encrypted_key, SECRET))
    message = str(raised.value)
    assert "the password is wrong" in message
    assert str(ca.client_encrypted_key) in message
    assert SECRET not in message + str(raised.value.__cause__)


def test_a_missing_password_is_an_error_and_not_asked_for_on_the_terminal(ca: Authority) -> None:
    with pytest.raises(ssl.SSLError) as raised:
        client_context(ca.client_context(), (ca.client_certificate, ca.client_encrypted_key))
    assert str(raised.value) == (
        f"the private key in {str(ca.client_encrypted_key)!r} is encrypted and no password was given"
    )


def test_the_error_says_when_the_key_belongs_to_another_certificate(ca: Authority) -> None:
    with pytest.raises(ssl.SSLError, match="the key does not belong to the certificate"):
        client_context(ca.client_context(), (ca.client_certificate, ca.server_key))


def test_the_error_names_a_file_that_is_not_in_pem_format(ca: Authority, tmp_path: Path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("hello")
    with pytest.raises(ssl.SSLError, match="no certificate or no key in PEM format") as raised:
        client_context(ca.client_context(), junk)
    assert str(junk) in str(raised.value)


@pytest.mark.parametrize("cert", [(), ("a",), ("a", "b", SECRET, "d"), 5, ["a"]])
def test_another_form_of_cert_is_a_type_error_that_does_not_repeat_it(cert: object) -> None:
    with pytest.raises(TypeError) as raised:
        cert_parts(cert)
    assert SECRET not in str(raised.value)


def test_ssl_is_not_imported_before_a_context_is_needed() -> None:
    program = "import sys, coda_network._net.tls; sys.exit('ssl' in sys.modules or 'typing' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
