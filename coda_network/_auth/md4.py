"""MD4 (RFC 1320), which OpenSSL 3 no longer offers and NTLM needs. It is broken: use it for nothing else."""

from __future__ import annotations

import struct

_MASK = 0xFFFFFFFF

# RFC 1320 section 3.4: for each round the additive constant, the order of the words, and the four shifts.
_ROUNDS = (
    (0x00000000, (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), (3, 7, 11, 19)),
    (0x5A827999, (0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), (3, 5, 9, 13)),
    (0x6ED9EBA1, (0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15), (3, 9, 11, 15)),
)


def md4(data: bytes) -> bytes:
    """Return the MD4 digest of *data*: 16 bytes."""
    state: tuple[int, ...] = (0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476)
    # Sections 3.1 and 3.2: one bit, zeros up to 56 bytes modulo 64, then the length in bits.
    padded = data + b"\x80" + bytes((55 - len(data)) % 64) + struct.pack("<Q", 8 * len(data) & (2**64 - 1))
    for start in range(0, len(padded), 64):
        mixed = _mix(state, struct.unpack_from("<16I", padded, start))
        state = tuple((old + new) & _MASK for old, new in zip(state, mixed, strict=True))
    return struct.pack("<4I", *state)


def _mix(state: tuple[int, ...], words: tuple[int, ...]) -> tuple[int, ...]:
    """Return the state after the three rounds of 16 steps over one block (section 3.4)."""
    a, b, c, d = state
    for number, (constant, order, shifts) in enumerate(_ROUNDS):
        for step, word in enumerate(order):
            if number == 0:
                chosen = (b & c) | (~b & d)
            elif number == 1:
                chosen = (b & c) | (b & d) | (c & d)
            else:
                chosen = b ^ c ^ d
            total = (a + chosen + words[word] + constant) & _MASK
            shift = shifts[step % 4]
            # Each step changes one of the four variables; they are rotated, so that all steps are the same line.
            a, b, c, d = d, ((total << shift) | (total >> (32 - shift))) & _MASK, b, c
    return a, b, c, d
