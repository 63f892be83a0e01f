"""Type 2 messages of 32 or 40 bytes, as old servers send them, without the fields of later versions of NTLM."""

from __future__ import annotations

import base64
import hmac
import struct

import pytest
from support.scripted_login import GET, PEER

from coda_network._auth.credentials import Credentials
from coda_network._auth.md4 import md4
from coda_network._auth.registry import NTLM_PROVIDERS
from coda_network._auth.tokens import with_all_fields
from coda_network._wire.challenge import Challenge

NAME = "OLD".encode("utf-16-le")
NAMES = [b"", NAME]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("header", [32, 40, 48, 56])
def test_an_old_type_2_message_gets_the_fields_that_it_lacks(header: int, name: bytes) -> None:
    fixed = b"NTLMSSP\0" + struct.pack("<IHHII", 2, len(name), len(name), header if name else 0, 0x8205)
    message = fixed + b"12345678" + bytes(header - 32) + name
    whole = with_all_fields(message)
    length, _, offset = struct.unpack_from("<HHI", whole, 12)
    assert len(whole) == max(48, header) + len(name)
    assert (whole[20:32], whole[offset : offset + length]) == (message[20:32], name)
    assert whole[32:48] == bytes(16)
    assert with_all_fields(whole) == whole


@pytest.mark.parametrize("message", [b"", b"NTLMSSP\0\x02\0\0\0", b"NTLMSSP\0\x01\0\0\0" + bytes(30), b"x" * 40])
def test_what_is_no_type_2_message_stays_as_it_is(message: bytes) -> None:
    assert with_all_fields(message) == message


@pytest.mark.parametrize("provider", ["spnego", "ntlm3"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("header", [32, 40])
def test_an_old_type_2_message_is_met(provider: str, header: int, name: bytes) -> None:
    scheme = NTLM_PROVIDERS[provider].load()(Credentials("CODA\\alice", "secret"), PEER)
    scheme.step(Challenge("ntlm"), GET)
    fixed = b"NTLMSSP\0" + struct.pack("<IHHII", 2, len(name), len(name), header if name else 0, 0x8205)
    message = fixed + b"12345678" + bytes(header - 32) + name
    proof = scheme.step(Challenge("ntlm", base64.b64encode(message).decode()), GET)
    token = base64.b64decode(proof.removeprefix("NTLM "))
    length, _, offset = struct.unpack_from("<HHI", token, 36)
    assert token[offset : offset + length].decode("utf-16-le") == "alice"


def test_the_proof_for_an_old_message_is_right() -> None:
    """NTLMv2 (MS-NLMP section 3.3.2), computed here over the server's challenge."""
    scheme = NTLM_PROVIDERS["spnego"].load()(Credentials("CODA\\alice", "secret"), PEER)
    scheme.step(Challenge("ntlm"), GET)
    message = b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 0, 0x8205) + b"12345678"
    proof = scheme.step(Challenge("ntlm", base64.b64encode(message).decode()), GET)
    token = base64.b64decode(proof.removeprefix("NTLM "))
    length, _, offset = struct.unpack_from("<HHI", token, 20)
    given = token[offset : offset + length]
    key = hmac.digest(md4("secret".encode("utf-16-le")), "ALICECODA".encode("utf-16-le"), "md5")
    assert given[:16] == hmac.digest(key, b"12345678" + given[16:], "md5")
