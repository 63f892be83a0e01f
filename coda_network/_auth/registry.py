"""The login schemes: the name of each, what it needs, and which is preferred."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from coda_network._auth.scheme import SchemeFactory
from coda_network._wire.challenge import Challenge

# Characters: reports repeat no more of a name that the peer chose.
_LONGEST_NAME = 40


class Entry(NamedTuple):
    """One scheme. ``load()`` imports its module, so that a scheme costs nothing until it is used."""

    name: str
    has_realm: bool  # the credentials depend on the realm in the challenge
    needs_credentials: bool
    load: Callable[[], SchemeFactory]


def _negotiate() -> SchemeFactory:
    from coda_network._auth.negotiate import create

    return create


def _ntlm() -> SchemeFactory:
    from coda_network._auth.ntlm import create

    return create


def _ntlm3() -> SchemeFactory:
    from coda_network._auth.ntlm3 import create

    return create


def _digest() -> SchemeFactory:
    from coda_network._auth.digest import create

    return create


def _basic() -> SchemeFactory:
    from coda_network._auth.basic import create

    return create


SCHEMES: Mapping[str, Entry] = {
    # Negotiate can do without credentials: the user's session may hold Kerberos tickets.
    "negotiate": Entry("Negotiate", has_realm=False, needs_credentials=False, load=_negotiate),
    # Windows logs in as the logged-on user; elsewhere the scheme itself says that a user name is missing.
    "ntlm": Entry("NTLM", has_realm=False, needs_credentials=False, load=_ntlm),
    "digest": Entry("Digest", has_realm=True, needs_credentials=True, load=_digest),
    "basic": Entry("Basic", has_realm=True, needs_credentials=True, load=_basic),
}
"""The schemes by name in lower case, the strongest first."""

NTLM_PROVIDERS: Mapping[str, Entry] = {
    "spnego": SCHEMES["ntlm"],
    # NTLMv1 only.
    "ntlm3": SCHEMES["ntlm"]._replace(needs_credentials=True, load=_ntlm3),
}
"""What makes the messages of NTLM, by the name that a program can choose."""

_PLACES = {name: place for place, name in enumerate(SCHEMES)}


def label(challenge: Challenge) -> str:
    """Return the name of a challenge in reports: the scheme, and for Digest the algorithm if there is one."""
    entry = SCHEMES.get(challenge.scheme)
    name = entry.name if entry else challenge.scheme[:_LONGEST_NAME].capitalize()
    algorithm = challenge.params.get("algorithm") if challenge.scheme == "digest" else None
    # The peer chose the text: repeat only what looks like the name of an algorithm.
    if algorithm and len(algorithm) <= _LONGEST_NAME and algorithm.replace("-", "").isalnum():
        return f"{name} {algorithm.upper()}"
    return name


def by_strength(challenges: list[Challenge]) -> list[Challenge]:
    """Return challenges in the order in which to try them: the strongest first, unknown schemes last.

    Equally strong ones stay in the peer's order. For Digest, RFC 7616 section 3.7 goes by the peer's order; an attacker
    on the way could change it, so the strongest hash comes first.
    """
    return sorted(challenges, key=_weakness)


def _weakness(challenge: Challenge) -> tuple[int, int]:
    place = _PLACES.get(challenge.scheme, len(_PLACES))
    if challenge.scheme != "digest":
        return place, 0
    from coda_network._auth.digest_terms import strength

    return place, -strength(challenge)
