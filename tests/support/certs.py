"""Certificates made at run time, good enough for VERIFY_X509_STRICT (the default since Python 3.13)."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme
from cryptography.hazmat.primitives import serialization

SERVER_NAMES = ("localhost", "127.0.0.1", "::1")
CLIENT_NAME = "alice@coda.test"
CLIENT_KEY_PASSWORD = "Schlüssel 1"


class Authority:
    """A certificate authority with a server and a client certificate, all as PEM files in `directory`.

    `bundle` is the authority's own certificate. The files are readable by everybody: servers that drop their
    privileges read them, and nothing in them outlives the tests.
    """

    def __init__(self, directory: Path) -> None:
        self._ca = trustme.CA(organization_name="coda_network tests")
        self.bundle = self._write(directory / "ca.pem", self._ca.cert_pem.bytes())
        server = self._ca.issue_cert(*SERVER_NAMES)
        self.server_certificate = self._write(directory / "server.pem", _chain(server))
        self.server_key = self._write(directory / "server.key", server.private_key_pem.bytes())
        client = self._ca.issue_cert(CLIENT_NAME, common_name=CLIENT_NAME)
        self.client_certificate = self._write(directory / "client.pem", _chain(client))
        self.client_key = self._write(directory / "client.key", client.private_key_pem.bytes())
        self.client_combined = self._write(
            directory / "client-and-key.pem", client.private_key_pem.bytes() + _chain(client)
        )
        self.client_encrypted_key = self._write(directory / "client-encrypted.key", _encrypted(client))

    def server_context(self, *names: str, require_client: bool = False) -> ssl.SSLContext:
        """Return a context for a server called `names`, by default localhost and the loopback addresses.

        With `require_client` the handshake fails for a client that shows no certificate of this authority.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if names:
            self._ca.issue_cert(*names).configure_cert(context)
        else:
            context.load_cert_chain(self.server_certificate, self.server_key)
        if require_client:
            context.load_verify_locations(self.bundle)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return a new context that trusts this authority only, strict on every Python version."""
        context = ssl.create_default_context(cafile=str(self.bundle))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    @staticmethod
    def _write(path: Path, content: bytes) -> Path:
        path.write_bytes(content)
        path.chmod(0o644)
        return path


def _chain(certificate: trustme.LeafCert) -> bytes:
    return b"".join(blob.bytes() for blob in certificate.cert_chain_pems)


def _encrypted(certificate: trustme.LeafCert) -> bytes:
    key = serialization.load_pem_private_key(certificate.private_key_pem.bytes(), password=None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(CLIENT_KEY_PASSWORD.encode()),
    )
