"""Channel binding ``tls-server-end-point`` (RFC 5929 section 4): it ties a login to its TLS connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from spnego.channel_bindings import GssChannelBindings


def end_point(certificate: bytes) -> bytes | None:
    """Return the application data of the binding: ``tls-server-end-point:`` and the hash of the peer's certificate.

    The hash function is that of the certificate's signature, but SHA-256 in place of MD5 and SHA-1 (RFC 5929 section
    4.1).

    :param certificate: in DER form
    :returns: None where the RFC defines no binding (for signatures without a hash of their own, such as Ed25519), and
        for bytes that are not a certificate; a peer that insists on a binding then refuses the login
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
    """Return the channel bindings in GSS-API's form (RFC 2744 section 3.11), without addresses.

    :param certificate: in DER form, None without TLS
    :returns: None where there is nothing to bind to
    """
    if certificate is None:
        return None
    data = end_point(certificate)
    if data is None:
        return None
    from spnego.channel_bindings import GssChannelBindings

    return GssChannelBindings(application_data=data)
