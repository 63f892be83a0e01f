"""ConnectionReader binding ``tls-server-end-point`` (RFC 5929 section 4): ties a login to its TLS connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spnego.channel_bindings import GssChannelBindings


def end_point(certificate: bytes) -> bytes | None:
    """The application data for the peer's certificate: ``tls-server-end-point:`` and the certificate's hash.

    ``certificate`` is in DER form. The hash is the one of the certificate's signature, but SHA-256 instead of
    MD5 and SHA-1 (RFC 5929 section 4.1). Returns None where the RFC leaves the binding undefined (a signature
    without a hash of its own, such as Ed25519) and for what is no certificate: a peer that insists will then
    refuse.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes

    try:
        parsed = x509.load_der_x509_certificate(certificate)
        algorithm = parsed.signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        return None
    if algorithm is None:
        return None
    if algorithm.name in ("md5", "sha1"):
        algorithm = hashes.SHA256()
    return b"tls-server-end-point:" + parsed.fingerprint(algorithm)


def channel_bindings(certificate: bytes | None) -> GssChannelBindings | None:
    """The channel bindings in GSS-API's form (RFC 2744 section 3.11, without addresses), None without TLS."""
    if certificate is None:
        return None
    data = end_point(certificate)
    if data is None:
        return None
    from spnego.channel_bindings import GssChannelBindings

    return GssChannelBindings(application_data=data)
