"""The channel binding tls-server-end-point for certificates of all kinds (RFC 5929 section 4.1)."""

from __future__ import annotations

import datetime
import hashlib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from coda_network._auth.channel_binding import channel_bindings, end_point

RSA = rsa.generate_private_key(65537, 2048)


def certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey,
    algorithm: hashes.SHA256 | hashes.SHA384 | hashes.SHA512 | None,
    *,
    pss: bool = False,
) -> bytes:
    """A self-signed certificate in DER form."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "proxy.coda.test")])
    now = datetime.datetime(2026, 1, 1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
    )
    if pss:
        scheme = padding.PSS(padding.MGF1(hashes.SHA384()), padding.PSS.DIGEST_LENGTH)
        return builder.sign(key, algorithm, rsa_padding=scheme).public_bytes(Encoding.DER)
    return builder.sign(key, algorithm).public_bytes(Encoding.DER)


def signed_with_sha1() -> bytes:
    """A certificate that claims a signature with SHA-1; libraries make none today."""
    sha256_with_rsa, sha1_with_rsa = (bytes.fromhex(f"06092a864886f70d0101{last}") for last in ("0b", "05"))
    der = certificate(RSA, hashes.SHA256())
    assert der.count(sha256_with_rsa) == 2
    return der.replace(sha256_with_rsa, sha1_with_rsa)


CASES = {
    "RSA, SHA-256": (certificate(RSA, hashes.SHA256()), "sha256"),
    "RSA, SHA-512": (certificate(RSA, hashes.SHA512()), "sha512"),
    "RSA-PSS, SHA-384": (certificate(RSA, hashes.SHA384(), pss=True), "sha384"),
    "ECDSA, SHA-384": (certificate(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()), "sha384"),
    "RSA, SHA-1: SHA-256 instead": (signed_with_sha1(), "sha256"),
}


@pytest.mark.parametrize("name", CASES)
def test_the_hash_function_is_that_of_the_signature(name: str) -> None:
    der, algorithm = CASES[name]
    expected = b"tls-server-end-point:" + hashlib.new(algorithm, der).digest()
    assert end_point(der) == expected
    bindings = channel_bindings(der)
    assert bindings is not None
    assert bindings.application_data == expected


@pytest.mark.parametrize("der", [certificate(ed25519.Ed25519PrivateKey.generate(), None), b"", b"no certificate"])
def test_there_is_no_binding_where_the_rfc_defines_none(der: bytes) -> None:
    assert end_point(der) is None
    assert channel_bindings(der) is None


def test_there_is_no_binding_without_tls() -> None:
    assert channel_bindings(None) is None
