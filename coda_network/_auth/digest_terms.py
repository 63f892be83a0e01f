"""What a Digest challenge asks for (RFC 7616 section 3.3), and how strong it is."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from typing import NamedTuple

from coda_network._auth.scheme import CannotServe
from coda_network._wire.challenge import Challenge

# Weakest first (RFC 7616 sections 3.7 and 6.1). SHA is in no RFC, but servers written between RFC 2617 and RFC 7616
# offer it. A "-sess" at the end of the name says how the key is made, not how strong the hash is.
_HASHES = {"MD5": "md5", "SHA": "sha1", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_STRENGTH = {name: place for place, name in enumerate(_HASHES, start=1)}


class Terms(NamedTuple):
    """What one challenge asks for, checked.

    :param realm: like ``nonce`` and ``opaque``, the octets of the peer's field
    :param algorithm: as the peer spells it; None where it names none, which means MD5
    :param hash_name: the algorithm in upper case, without "-sess"
    :param session: whether it is a "-sess" algorithm
    :param qop: the qualities of protection that are offered; none in challenges of RFC 2069
    :param utf8: whether the challenge says ``charset=UTF-8``
    :param userhash: whether the user name is to be sent as a hash
    """

    realm: bytes
    nonce: bytes
    opaque: bytes | None
    algorithm: str | None
    hash_name: str
    session: bool
    qop: tuple[str, ...]
    utf8: bool
    userhash: bool

    def hash(self, data: bytes) -> bytes:
        """Return H(data) of RFC 7616: the digest in lower-case hexadecimal digits."""
        return new_hash_of(self.hash_name)(data).hexdigest().encode("ascii")


@functools.cache
def new_hash_of(hash_name: str) -> Callable[[bytes], hashlib._Hash]:
    """Return what makes a hash object that has taken in some bytes; each proof asks for it twice.

    ``usedforsecurity=False`` allows MD5 in FIPS builds: the peer has chosen the algorithm, not we.

    :raises CannotServe: this Python does not have the hash
    """
    name = _HASHES[hash_name]
    make = getattr(hashlib, name, None)  # half the time of ``hashlib.new()``; SHA-512-256 has no function
    new = functools.partial(make or functools.partial(hashlib.new, name), usedforsecurity=False)
    try:
        new(b"")
    except ValueError:
        raise CannotServe(f"Digest: this Python's hashlib has no {hash_name}") from None
    return new


def octets(text: str) -> bytes:
    """Return the octets of a field value, which was decoded as Latin-1 (RFC 9110 section 5.5)."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def is_true(value: str | None) -> bool:
    return value is not None and value.lower() == "true"


def read_terms(challenge: Challenge) -> Terms:
    """Check a challenge and return what it asks for.

    :raises CannotServe: it lacks what RFC 7616 requires, or asks for something unknown
    """
    given = challenge.params
    for name in ("realm", "nonce"):
        if name not in given:
            raise CannotServe(f"Digest: the challenge has no {name}")

    algorithm = given.get("algorithm")
    hash_name, session = _split_algorithm(algorithm or "MD5")
    if hash_name not in _HASHES:
        raise CannotServe("Digest: the challenge names an unknown algorithm")
    new_hash_of(hash_name)  # raises CannotServe if this Python does not have it

    # A list in a quoted string. A missing or empty one means the formula of RFC 2069.
    qop = tuple(option.strip().lower() for option in given.get("qop", "").split(",") if option.strip())
    if qop and not {"auth", "auth-int"}.intersection(qop):
        raise CannotServe("Digest: the challenge names no known quality of protection")

    opaque = given.get("opaque")
    return Terms(
        realm=octets(given["realm"]),
        nonce=octets(given["nonce"]),
        opaque=None if opaque is None else octets(opaque),
        algorithm=algorithm or None,
        hash_name=hash_name,
        session=session,
        qop=qop,
        utf8=given.get("charset", "").lower() == "utf-8",
        userhash=is_true(given.get("userhash")),
    )


def _split_algorithm(algorithm: str) -> tuple[str, bool]:
    name = algorithm.upper()
    return (name[: -len("-SESS")], True) if name.endswith("-SESS") else (name, False)


def strength(challenge: Challenge) -> int:
    """Return how strong the hash of a Digest challenge is: a greater number is stronger, 0 means it cannot be served.

    RFC 7616 section 3.7 lets the client take the first challenge that it can serve. An attacker on the way could put
    the weakest first, so the strongest is taken.
    """
    try:
        return _STRENGTH[read_terms(challenge).hash_name]
    except CannotServe:
        return 0
