"""Describing an authorization or a token by kind and length: nothing else of it may be shown."""

from __future__ import annotations

import base64
import struct

from coda_network._wire.challenge import parse_challenges

_SIGNATURE = b"NTLMSSP\0"
# MS-NLMP section 2.2.1: behind the signature comes the type of the message, in 32 bits.
_MESSAGES = {1: "NTLM type 1 (negotiate)", 2: "NTLM type 2 (challenge)", 3: "NTLM type 3 (authenticate)"}
# The object identifier of Kerberos (RFC 4121 section 4.1) and the one that Windows sends beside it, in DER.
_KERBEROS = (bytes.fromhex("06092a864886f712010202"), bytes.fromhex("06092a864882f712010202"))


_HEADER = 48
"""Bytes of a type 2 message before its payload, without the version (MS-NLMP section 2.2.1.2)."""
_OLD_HEADERS = (32, 40)
"""The same for the servers of old, whose message ends with the server's challenge; some have 8 bytes more."""


def with_all_fields(message: bytes) -> bytes:
    """Return a type 2 message with the fields that old servers leave out, and other messages as they are."""
    if len(message) < _OLD_HEADERS[0] or not message.startswith(_SIGNATURE + b"\2\0\0\0"):
        return message
    length, _, offset = struct.unpack_from("<HHI", message, 12)  # of the target's name
    header = offset if length else len(message)
    if header not in _OLD_HEADERS:
        return message
    missing = bytes(_HEADER - header)
    moved = struct.pack("<I", offset + len(missing) if length else _HEADER)
    return message[:16] + moved + message[20:header] + missing + message[header:]


def describe(value: str) -> str:
    """Return what kind of authorization *value* is, or what kind of challenge with a token.

    The length of a Basic authorization is left out, because it gives away that of the password.

    :param value: of Authorization, Proxy-Authorization, WWW-Authenticate or Proxy-Authenticate
    """
    scheme, _, rest = value.strip().partition(" ")
    scheme = scheme.lower()
    if scheme == "basic":
        return "Basic, user name and password"
    if scheme == "digest":
        return f"Digest, proof by {_algorithm(value)}, {len(value)} characters"
    if scheme == "ntlm":
        return _token(rest)
    if scheme == "negotiate":
        return f"Negotiate, {_token(rest)}"
    return f"an authorization of another scheme, {len(value)} characters"


def _algorithm(value: str) -> str:
    """Return the algorithm of a Digest authorization; the peer chose the text, so only what looks like a name."""
    name = next((found.params.get("algorithm", "MD5") for found in parse_challenges([value])), "")
    return name if len(name) < 20 and name.replace("-", "").isalnum() else "an unknown algorithm"


def _token(text: str) -> str:
    try:
        token = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return f"a token that is not base64, {len(text)} characters"
    return f"{_message(token)}, {len(token)} bytes"


def _message(token: bytes) -> str:
    place = token.find(_SIGNATURE)
    if place >= 0:
        start = place + len(_SIGNATURE)
        number = int.from_bytes(token[start : start + 4], "little")
        message = _MESSAGES.get(number, "NTLM message of an unknown type")
        return message if place == 0 else f"SPNEGO with {message}"
    if any(identifier in token for identifier in _KERBEROS):
        return "SPNEGO with Kerberos"
    return "SPNEGO"
