"""Authorizations and tokens are described by kind and length, and by nothing else of what is in them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._auth.tokens import describe

KERBEROS = bytes.fromhex("06092a864886f712010202")


def ntlm(number: int, before: bytes = b"") -> str:
    return base64.b64encode(before + b"NTLMSSP\0" + number.to_bytes(4, "little") + bytes(28)).decode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Basic YWxpY2U6c2VjcmV0", "Basic, user name and password"),
        ('Digest username="a", algorithm=SHA-256, qop=auth', "Digest, proof by SHA-256, 48 characters"),
        ('Digest username="a"', "Digest, proof by MD5, 19 characters"),
        ('Digest algorithm="no name"', "Digest, proof by an unknown algorithm, 26 characters"),
        (f"NTLM {ntlm(1)}", "NTLM type 1 (negotiate), 40 bytes"),
        (f"ntlm {ntlm(2)}", "NTLM type 2 (challenge), 40 bytes"),
        (f"NTLM {ntlm(3)}", "NTLM type 3 (authenticate), 40 bytes"),
        (f"NTLM {ntlm(9)}", "NTLM message of an unknown type, 40 bytes"),
        (f"Negotiate {ntlm(1)}", "Negotiate, NTLM type 1 (negotiate), 40 bytes"),
        (f"Negotiate {ntlm(1, b'xx')}", "Negotiate, SPNEGO with NTLM type 1 (negotiate), 42 bytes"),
        # What offers both mechanisms holds the token of one only.
        (f"Negotiate {ntlm(1, KERBEROS)}", "Negotiate, SPNEGO with NTLM type 1 (negotiate), 51 bytes"),
        (f"Negotiate {base64.b64encode(b'`' + KERBEROS).decode()}", "Negotiate, SPNEGO with Kerberos, 12 bytes"),
        ("Negotiate oQcwBaADCgEA", "Negotiate, SPNEGO, 9 bytes"),
        ("NTLM ***", "a token that is not base64, 3 characters"),
        ("Bearer secret", "an authorization of another scheme, 13 characters"),
        ("", "an authorization of another scheme, 0 characters"),
    ],
)
def test_an_authorization_is_described_by_kind_and_length(value: str, expected: str) -> None:
    assert describe(value) == expected


@given(st.text())
def test_no_part_of_an_authorization_is_repeated(secret: str) -> None:
    encoded = base64.b64encode(f"secret{secret}secret".encode("utf-8", "surrogatepass")).decode()
    for scheme in ("Basic", "NTLM", "Negotiate", "Bearer"):
        assert encoded not in describe(f"{scheme} {encoded}")


@given(st.text())
def test_any_text_can_be_described(value: str) -> None:
    assert describe(value)
    assert describe(f"Digest {value}")
