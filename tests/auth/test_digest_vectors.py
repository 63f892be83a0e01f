"""The published examples of Digest: RFC 2617 section 3.5, RFC 7616 sections 3.9.1 and 3.9.2."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import pytest

from coda_network._auth import digest, digest_terms
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, Peer, Role
from coda_network._wire.challenge import parse_challenges

PEER = Peer(Role.ORIGIN, "www.example.org", 80)


class Example(NamedTuple):
    username: str
    password: str
    challenge: str
    uri: str
    cnonce: str
    fields: tuple[str, ...]
    """The fields that the authorization must have, spelled and quoted as published."""


CIRCLE = "Circle Of Life"
RFC_7616_CHALLENGE = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
RFC_7616_FIELDS = (
    'username="Mufasa"',
    'realm="http-auth@example.org"',
    'uri="/dir/index.html"',
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"',
    "nc=00000001",
    'cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"',
    "qop=auth",
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
)

EXAMPLES = {
    "RFC 2617 3.5": Example(
        "Mufasa",
        CIRCLE,
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        "/dir/index.html",
        "0a4f113b",
        (
            'username="Mufasa"',
            'realm="testrealm@host.com"',
            'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
            'uri="/dir/index.html"',
            "qop=auth",
            "nc=00000001",
            'cnonce="0a4f113b"',
            'response="6629fae49393a05397450978507c4ef1"',
            'opaque="5ccc069c403ebaf9f0171e9517f40e41"',
        ),
    ),
    "RFC 7616 3.9.1, MD5": Example(
        "Mufasa",
        "Circle of Life",
        RFC_7616_CHALLENGE.format(algorithm="MD5"),
        "/dir/index.html",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        (*RFC_7616_FIELDS, "algorithm=MD5", 'response="8ca523f5e9506fed4657c9700eebdbec"'),
    ),
    "RFC 7616 3.9.1, SHA-256": Example(
        "Mufasa",
        "Circle of Life",
        RFC_7616_CHALLENGE.format(algorithm="SHA-256"),
        "/dir/index.html",
        "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
        (
            *RFC_7616_FIELDS,
            "algorithm=SHA-256",
            'response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"',
        ),
    ),
}

USERHASH_EXAMPLE = Example(
    "J\N{LATIN SMALL LETTER A WITH DIAERESIS}s\N{LATIN SMALL LETTER O WITH STROKE}n Doe",
    "Secret, or not?",
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, '
    'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", '
    'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true',
    "/doe.json",
    "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
    (
        'realm="api@example.org"',
        'uri="/doe.json"',
        "algorithm=SHA-512-256",
        'nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK"',
        "nc=00000001",
        'cnonce="NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"',
        "qop=auth",
        'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS"',
        "userhash=true",
    ),
)
# Erratum 4897: the two values of section 3.9.2 were made with SHA-512 cut to 256 bits, not with SHA-512/256,
# which starts from other values (FIPS 180-4 section 5.3.6.2).
PUBLISHED = (
    'username="488869477bf257147b804c45308cd62ac4e25eb717b12b298c79e62dcea254ec"',
    'response="ae66e67d6b427bd3f120414a82e4acff38e8ecd9101d6c861229025f607a79dd"',
)
CORRECTED = (
    'username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"',
    'response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"',
)


def fields_of(example: Example, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the fields of the authorization for an example's challenge."""
    monkeypatch.setattr(digest, "new_cnonce", lambda: example.cnonce.encode())
    scheme = digest.create(Credentials(example.username, example.password), PEER)
    (challenge,) = parse_challenges([example.challenge])
    header = scheme.step(challenge, Outgoing("GET", example.uri))
    name, _, rest = header.partition(" ")
    assert name == "Digest"
    return rest.split(", ")


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_published_example_gives_the_published_authorization(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(fields_of(EXAMPLES[name], monkeypatch)) == sorted(EXAMPLES[name].fields)


def test_the_userhash_example_gives_what_the_erratum_says(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sorted(fields_of(USERHASH_EXAMPLE, monkeypatch)) == sorted((*USERHASH_EXAMPLE.fields, *CORRECTED))


def test_the_userhash_example_as_published_differs_only_in_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    def truncated(terms: digest_terms.Terms, data: bytes) -> bytes:
        return hashlib.sha512(data).hexdigest()[:64].encode()

    monkeypatch.setattr(digest_terms.Terms, "hash", truncated)
    assert sorted(fields_of(USERHASH_EXAMPLE, monkeypatch)) == sorted((*USERHASH_EXAMPLE.fields, *PUBLISHED))


def test_a_hash_that_this_python_lacks_is_reported_when_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_sha512_256(name: str, *args: object, **options: object) -> object:
        raise ValueError(f"unsupported hash type {name}")

    digest_terms.new_hash_of.cache_clear()
    monkeypatch.setattr(hashlib, "new", without_sha512_256)
    with pytest.raises(CannotServe, match="no SHA-512-256"):
        fields_of(USERHASH_EXAMPLE, monkeypatch)
    (challenge,) = parse_challenges([USERHASH_EXAMPLE.challenge])
    assert digest_terms.strength(challenge) == 0
