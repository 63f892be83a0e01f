"""The tokens of NTLM and Negotiate, as they stand in header fields (RFC 4559 section 4)."""

from __future__ import annotations

import base64

from coda_network._wire.challenge import Challenge


def token_of(header: str | None, scheme: str) -> bytes:
    """Return the token of an authorization, which has to be for *scheme*."""
    assert header is not None
    named, _, token = header.partition(" ")
    assert named == scheme
    return base64.b64decode(token, validate=True)


def encoded(token: bytes | None) -> str:
    assert token is not None
    return base64.b64encode(token).decode()


def challenge_with(token: bytes | None, scheme: str) -> Challenge:
    """Return a challenge that goes on with a handshake."""
    return Challenge(scheme.lower(), encoded(token))
