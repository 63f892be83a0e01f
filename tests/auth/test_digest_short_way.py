"""With a nonce that was accepted before the authorization is the one of the long way, character for character."""

from __future__ import annotations

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st
from support.digest_server import ALGORITHMS, GET, PEER, DigestServer, mufasa

from coda_network._auth import digest, digest_nonces
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing

# Few of each, so that the same ones come again: what is remembered is then what is looked at.
TEXTS = st.sampled_from(["plain", '100% "sure"', "back\\slash %s", "caf\xe9", "tab\tin", "line\nend", ""])
URIS = st.sampled_from(
    ["/", "http://here.example/%41?a=%s", '/"odd"', "/back\\slash", "/caf\xe9", "here.example:443", "/a\x7f", "/\n", ""]
)
PARAMS = st.fixed_dictionaries(
    {},
    optional={
        "algorithm": st.sampled_from([*ALGORITHMS, "MD5-sess", "sha-256"]),
        "qop": st.sampled_from(["auth", "auth-int", "auth,auth-int", ""]),
        "opaque": TEXTS,
        "userhash": st.just("true"),
    },
)


@given(
    TEXTS,
    TEXTS,
    PARAMS,
    st.lists(st.tuples(st.sampled_from(["GET", "POST", "BREW"]), URIS, st.sampled_from([None, b"", b"body"]))),
    st.sampled_from([None, "next", "next 100%", 'a "quoted" one']),
)
def test_again_makes_what_the_long_way_makes(
    username: str,
    realm: str,
    params: dict[str, str],
    requests: list[tuple[str, str, bytes | None]],
    next_nonce: str | None,
) -> None:
    challenge = DigestServer(b"", b"", realm.encode("latin-1"), **params).challenge()
    user = Credentials(username, "secret")
    short, long = digest.create(user, PEER), digest.create(user, PEER)
    with mock.patch.object(digest_nonces, "new_cnonce", return_value=b"c0"):
        with mock.patch.object(digest, "new_cnonce", return_value=b"c0"):
            for scheme in (short, long):
                try:
                    scheme.step(challenge, Outgoing("GET", "/"))
                except CannotServe:
                    return
            for number, (method, uri, body) in enumerate(requests):
                if number == 1 and next_nonce is not None:
                    for scheme in (short, long):
                        scheme._state.accepted(next_nonce.encode())
                outgoing = Outgoing(method, uri, body)
                use = long._state.next_use()
                assert use is not None
                try:
                    expected: str | None = long._authorization(use, outgoing)
                except CannotServe:
                    expected = None
                assert short.again(outgoing) == expected
            assert list(short._awaiting) == list(long._awaiting)


def test_no_two_requests_have_the_same_cnonce_however_many_are_made_at_once() -> None:
    made = [digest_nonces.new_cnonce() for _ in range(5 * digest_nonces.BLOCK)]
    assert len(set(made)) == len(made)
    assert all(len(cnonce) == 32 and int(cnonce, 16) >= 0 for cnonce in made)


def test_a_short_authorization_is_accepted_by_a_server_that_verifies_it() -> None:
    server = mufasa(qop="auth", algorithm="SHA-256", opaque="100%")
    scheme = digest.create(Credentials("Mufasa", "Circle of Life"), PEER)
    assert server.verifies(scheme.step(server.challenge(), GET))
    for uri in ("/%41?q=%s", "/%41?q=%s", "/other"):
        again = scheme.again(Outgoing("GET", uri))
        assert again is not None
        assert server.verifies(again, Outgoing("GET", uri))
