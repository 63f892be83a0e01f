"""Digest against a server that verifies every proof; hostile challenges; nonces counted and renewed."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.digest_server import ALGORITHMS, GET, PEER, DigestServer, client, mufasa

from coda_network._auth import digest, digest_nonces, digest_terms
from coda_network._auth.scheme import CannotServe, Outgoing
from coda_network._wire.challenge import Challenge, parse_challenges


@pytest.mark.parametrize("algorithm", [*ALGORITHMS, *(f"{name}-sess" for name in ALGORITHMS), "sha-256", None])
@pytest.mark.parametrize("qop", ["auth", "auth-int", "auth,auth-int", "foo , AUTH", "", None])
def test_a_verifying_server_accepts_every_algorithm_and_protection(algorithm: str | None, qop: str | None) -> None:
    given_params = {"algorithm": algorithm, "qop": qop, "opaque": "5ccc"}
    server = mufasa(**{name: value for name, value in given_params.items() if value is not None})
    scheme = client()
    assert not scheme.complete
    assert server.verifies(scheme.step(server.challenge(), GET))
    assert scheme.complete
    again = scheme.again(GET)
    assert again is not None
    assert server.verifies(again)


def test_the_server_of_these_tests_refuses_a_wrong_password() -> None:
    server = mufasa(qop="auth")
    assert not server.verifies(client(password="Circle of life").step(server.challenge(), GET))


@pytest.mark.parametrize(
    "outgoing",
    [
        Outgoing("CONNECT", "www.example.org:443"),
        Outgoing("GET", "http://www.example.org/absolute?form"),
        Outgoing("OPTIONS", "*"),
        Outgoing("BREW", '/pot"with\\odd,characters'),
    ],
)
def test_method_and_uri_are_signed_exactly_as_on_the_request_line(outgoing: Outgoing) -> None:
    server = mufasa(qop="auth")
    assert server.verifies(client().step(server.challenge(), outgoing), outgoing)


@pytest.mark.parametrize("username", ['a"b', "a\\b", "DOMAIN\\user", '\\"', "a,b=c", " ", "tab\tin", "o'brien"])
@pytest.mark.parametrize("realm", [b'"', b"\\", b'a\\"b, c="d"', "Stra\u00dfe".encode()])
def test_odd_names_and_realms_are_quoted_and_read_back_by_the_server(username: str, realm: bytes) -> None:
    server = DigestServer(username.encode(), b"secret", realm, qop="auth", opaque='o"\\')
    assert server.verifies(client(username, "secret").step(server.challenge(), GET))


@pytest.mark.parametrize("username", ["J\u00e4s\u00f8n Doe", "\u5f20\u4e09", "plain"])
@pytest.mark.parametrize("charset", ["UTF-8", "utf-8", None])
@pytest.mark.parametrize("userhash", ["true", "false", None])
def test_names_and_passwords_are_utf_8_whether_the_server_says_so_or_not(
    username: str, charset: str | None, userhash: str | None
) -> None:
    params = {"charset": charset, "userhash": userhash, "algorithm": "SHA-256", "qop": "auth"}
    server = DigestServer(
        username.encode(),
        "gehe\u00edm\u20ac".encode(),
        **{name: value for name, value in params.items() if value is not None},
    )
    assert server.verifies(client(username, "gehe\u00edm\u20ac").step(server.challenge(), GET))
    expected = {"userhash": b"true"} if userhash == "true" else {}
    assert {name: server.fields[name] for name in ("userhash",) if name in server.fields} == expected
    assert ("username*" in server.fields) == (charset is not None and userhash != "true" and username != "plain")


def test_a_decomposed_name_is_composed_where_the_server_wants_utf_8() -> None:
    server = DigestServer("J\u00e4s".encode(), b"secret", qop="auth", charset="UTF-8")
    assert server.verifies(client("Ja\u0308s", "secret").step(server.challenge(), GET))


@pytest.mark.parametrize("username", ["a\nb", "a\r\nInjected: yes", "\0", "\x7f"])
def test_a_name_that_no_field_can_have_is_refused(username: str) -> None:
    with pytest.raises(CannotServe, match="control character"):
        client(username).step(mufasa(qop="auth").challenge(), GET)


def test_a_name_that_no_field_can_have_is_sent_as_a_hash_if_possible() -> None:
    server = DigestServer(b"a\nb", b"secret", qop="auth", userhash="true")
    assert server.verifies(client("a\nb", "secret").step(server.challenge(), GET))


def test_a_password_that_is_not_valid_text_is_reported_and_not_shown() -> None:
    with pytest.raises(CannotServe) as caught:
        client(password="geheim\ud800").step(mufasa(qop="auth").challenge(), GET)
    assert "geheim" not in str(caught.value)
    assert "ud800" not in str(caught.value)


class TestBody:
    """auth-int covers the body (RFC 7616 section 3.4.3)."""

    @pytest.fixture
    def server(self) -> DigestServer:
        return mufasa(qop="auth-int", algorithm="SHA-256")

    @pytest.mark.parametrize("body", [b"", b"a=b", bytes(200_000), bytearray(b"x"), memoryview(b"y")])
    def test_bytes_are_hashed(self, server: DigestServer, body: bytes) -> None:
        outgoing = Outgoing("POST", "/", body)
        assert server.verifies(client().step(server.challenge(), outgoing), outgoing, bytes(body))

    @pytest.mark.parametrize("start", [0, 5])
    def test_a_file_is_hashed_from_its_position_and_set_back_to_it(
        self, server: DigestServer, tmp_path: Path, start: int
    ) -> None:
        content = b"head:" + b"z" * 150_000
        (tmp_path / "body").write_bytes(content)
        with open(tmp_path / "body", "rb") as file:
            file.seek(start)
            outgoing = Outgoing("PUT", "/", file)
            assert server.verifies(client().step(server.challenge(), outgoing), outgoing, content[start:])
            assert file.tell() == start

    def test_a_body_that_can_be_read_only_once_is_refused_and_not_used_up(self, server: DigestServer) -> None:
        def generated() -> Iterator[bytes]:
            yield b"once"

        for body in (generated(), io.StringIO("text")):
            # Programs hand these over all the same.
            outgoing = Outgoing("POST", "/", body)
            scheme = client()
            with pytest.raises(CannotServe, match="auth-int"):
                scheme.step(server.challenge(), outgoing)
            assert scheme.again(outgoing) is None
            assert next(iter(body)) in (b"once", "text")

    def test_auth_is_preferred_so_that_a_body_is_not_read_twice(self) -> None:
        server = mufasa(qop="auth-int, auth")
        assert server.verifies(
            client().step(server.challenge(), Outgoing("POST", GET.uri, b"body")), GET._replace(method="POST")
        )
        assert server.fields["qop"] == b"auth"


class TestNonces:
    """Counting, renewing and refusing."""

    @pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess"])
    def test_many_threads_use_one_nonce_with_a_count_of_their_own_each(self, algorithm: str) -> None:
        server = mufasa(qop="auth", algorithm=algorithm)
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        headers: list[str | None] = []

        def requests() -> None:
            for _ in range(25):
                headers.append(scheme.again(GET))
                scheme.accepted(None)

        threads = [threading.Thread(target=requests) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(header is not None and server.verifies(header) for header in headers)
        assert {nc for _, nc in server.used} == {f"{count:08x}" for count in range(1, 202)}

    def test_there_is_no_authorization_before_the_first_challenge(self) -> None:
        assert client().again(GET) is None

    def test_a_second_challenge_is_a_refusal(self) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        scheme.step(server.challenge(), GET)
        with pytest.raises(CannotServe, match="the user name or password was refused"):
            scheme.step(server.challenge(), GET)

    @pytest.mark.parametrize("algorithm", ["SHA-256", "SHA-256-sess"])
    def test_a_stale_nonce_is_renewed(self, algorithm: str) -> None:
        server = mufasa(qop="auth", algorithm=algorithm)
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        assert server.verifies(scheme.step(server.challenge(stale=True), GET))
        assert server.fields["nc"] == b"00000001"
        again = scheme.again(GET)
        assert again is not None
        assert server.verifies(again)

    def test_a_server_that_calls_every_nonce_stale_is_given_up(self) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        scheme.step(server.challenge(), GET)
        for _ in range(digest_nonces.STALE_LIMIT):
            scheme.step(server.challenge(stale=True), GET)
        with pytest.raises(CannotServe, match="stale"):
            scheme.step(server.challenge(stale=True), GET)

    @pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess"])
    def test_nextnonce_is_used_and_counted_from_one(self, algorithm: str) -> None:
        server = mufasa(qop="auth", algorithm=algorithm)
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        server.nonces.append(b"nonce-next")
        scheme.accepted('nextnonce="nonce-next"')
        for count in (b"00000001", b"00000002"):
            again = scheme.again(GET)
            assert again is not None
            assert server.verifies(again)
            assert (server.fields["nonce"], server.fields["nc"]) == (b"nonce-next", count)
            scheme.accepted('nextnonce="nonce-next"')

    def test_a_nonce_that_is_given_twice_is_counted_on(self) -> None:
        state = digest.DigestState()
        terms = digest_terms.read_terms(mufasa(qop="auth").challenge())
        assert [state.adopt(terms, stale=False).nc, state.adopt(terms, stale=True).nc] == [1, 2]


class TestProofOfTheServer:
    """rspauth in Authentication-Info (RFC 7616 section 3.5)."""

    @pytest.mark.parametrize("algorithm", ["MD5", "SHA-512-256", "SHA-256-sess"])
    def test_the_right_proof_is_accepted_in_any_order_of_the_responses(self, algorithm: str) -> None:
        server = mufasa(qop="auth", algorithm=algorithm)
        scheme = client()
        headers = [scheme.step(server.challenge(), GET), scheme.again(GET), scheme.again(GET)]
        proofs = []
        for header in headers:
            assert header is not None
            assert server.verifies(header)
            proofs.append(server.proof())
        for proof in reversed(proofs):
            scheme.accepted(proof)

    @pytest.mark.parametrize("short", [True, False])
    def test_a_wrong_proof_is_refused(self, short: bool) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        server.password = b"not known to this server"
        proof = server.proof().partition(",")[0] if short else server.proof()
        with pytest.raises(CannotServe, match="rspauth"):
            scheme.accepted(proof)

    @pytest.mark.parametrize("nc", ["00000002", "x", "", "-1"])
    def test_a_proof_for_a_count_that_was_never_sent_is_refused(self, nc: str) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        with pytest.raises(CannotServe, match="rspauth"):
            scheme.accepted(server.proof().replace("nc=00000001", f"nc={nc}"))

    def test_a_proof_for_another_request_is_refused(self) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        proof = server.proof()
        scheme.accepted(proof)
        with pytest.raises(CannotServe, match="rspauth"):
            scheme.accepted(proof)

    def test_a_proof_that_names_no_request_is_compared_with_all_that_await_one(self) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        scheme.accepted(server.proof().partition(",")[0])

    def test_a_proof_over_a_body_that_was_not_read_is_not_checked(self) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        scheme.accepted('rspauth="00", qop=auth-int')

    def test_requests_that_never_get_a_response_are_forgotten(self) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        scheme.step(server.challenge(), GET)
        for _ in range(digest.AWAITING_LIMIT * 2):
            header = scheme.again(GET)
        assert header is not None
        assert server.verifies(header)
        scheme.accepted(server.proof())

    @pytest.mark.parametrize("info", [None, "", "junk", 'nextnonce="', "=,=,", "rspauth", "nextnonce=", "\x00"])
    def test_a_malformed_authentication_info_is_ignored(self, info: str | None) -> None:
        server = mufasa(qop="auth")
        scheme = client()
        assert server.verifies(scheme.step(server.challenge(), GET))
        scheme.accepted(info)
        again = scheme.again(GET)
        assert again is not None
        assert server.verifies(again)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"nonce": "n"}, "no realm"),
        ({"realm": "r"}, "no nonce"),
        ({"realm": "r", "nonce": "n", "algorithm": "MD6"}, "unknown algorithm"),
        ({"realm": "r", "nonce": "n", "algorithm": "-sess"}, "unknown algorithm"),
        ({"realm": "r", "nonce": "n", "qop": "auth-conf"}, "no known quality of protection"),
        ({"realm": "r\n", "nonce": "n"}, "control character"),
        ({"realm": "r", "nonce": "n", "opaque": "\r\nA: b"}, "control character"),
    ],
)
def test_a_challenge_that_cannot_be_served_is_reported(params: dict[str, str], reason: str) -> None:
    with pytest.raises(CannotServe, match=reason):
        client().step(Challenge("digest", None, params), GET)


def test_without_a_user_name_the_reason_is_reported() -> None:
    with pytest.raises(CannotServe, match="no user name given"):
        digest.create(None, PEER)


def test_the_stronger_hash_has_the_greater_strength() -> None:
    challenges = [mufasa(algorithm=name).challenge() for name in ("MD6", *ALGORITHMS)]
    strengths = [digest_terms.strength(challenge) for challenge in challenges]
    assert strengths[0] == 0
    assert strengths == sorted(set(strengths))
    assert digest_terms.strength(mufasa().challenge()) == strengths[1]
    assert digest_terms.strength(mufasa(algorithm="SHA-256-sess").challenge()) == strengths[3]


def test_nothing_that_can_be_printed_shows_the_password() -> None:
    scheme = client(password="geheim")
    scheme.step(mufasa(qop="auth").challenge(), GET)
    shown = repr(scheme) + repr(vars(scheme))
    assert "geheim" not in shown
    key = hashlib.md5(b"Mufasa:the realm:geheim").hexdigest()
    assert "key hidden" in shown
    assert key not in shown


names = st.sampled_from(["realm", "nonce", "qop", "algorithm", "opaque", "stale", "charset", "userhash", "domain"])
values = st.text(max_size=20) | st.sampled_from(["auth", "auth-int", "MD5-sess", "SHA-256", "true", "UTF-8", "\udcff"])


def outcome(challenge: Challenge, info: str = "") -> str:
    """Return the authorization for a challenge, or the documented error; anything else fails the test."""
    scheme = client()
    try:
        header = scheme.step(challenge, GET)
        scheme.accepted(info)
    except CannotServe as reason:
        return str(reason)
    return header


def is_sendable_or_a_reason(text: str) -> bool:
    return text.startswith("Digest: ") or (
        text.startswith("Digest ") and not set("\r\n\0") & set(text) and text.encode("latin-1") != b""
    )


@given(params=st.dictionaries(names, values), info=st.text(max_size=60))
def test_any_challenge_gives_an_authorization_or_cannot_serve(params: dict[str, str], info: str) -> None:
    challenge = Challenge("digest", None, {"realm": "r", "nonce": "n", **params})
    assert is_sendable_or_a_reason(outcome(challenge, info))


@given(line=st.text(max_size=100))
def test_any_challenge_line_gives_an_authorization_or_cannot_serve(line: str) -> None:
    for challenge in parse_challenges(["Digest realm=r, nonce=n, " + line]):
        assert is_sendable_or_a_reason(outcome(challenge))
