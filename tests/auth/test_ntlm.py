"""NTLM against pyspnego's acceptor, which verifies the proof, and against the published values of MS-NLMP."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import struct
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import spnego
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spnego.channel_bindings import GssChannelBindings
from support import tokens
from support.certs import Authority

from coda_network._auth import ntlm
from coda_network._auth.channel_binding import end_point
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, Peer, Role
from coda_network._wire.challenge import Challenge

PROXY = Peer(Role.PROXY, "proxy.coda.test", 3128)
GET = Outgoing("GET", "http://www.example.org/")
START = Challenge("ntlm")
PASSWORD = "p\u00e4ss w\u00f6rd \u20ac\u5bc6\u7801 \\@;'\""
token_of = partial(tokens.token_of, scheme="NTLM")
challenge_with = partial(tokens.challenge_with, scheme="NTLM")


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may log in at the acceptor: a line for each spelling of a name. NTLMv2 only."""
    lines = [
        f"CODA:alice:{PASSWORD}",
        f":alice@coda.test:{PASSWORD}",
        f":alice:{PASSWORD}",
        f"K\u00d6LN:j\u00e4s\u00f8n:{PASSWORD}",
    ]
    (tmp_path / "users").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    monkeypatch.setenv("LM_COMPAT_LEVEL", "5")


def client(username: str = "CODA\\alice", password: str = PASSWORD, peer: Peer = PROXY) -> ntlm.Ntlm:
    return ntlm.create(Credentials(username, password), peer)


def acceptor(bindings: GssChannelBindings | None = None) -> spnego.ContextProxy:
    return spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm, channel_bindings=bindings)


def log_in(scheme: ntlm.Ntlm, server: spnego.ContextProxy) -> None:
    """Do the whole handshake.

    :raises SpnegoError: the acceptor finds the proof wrong
    """
    type_2 = server.step(token_of(scheme.step(START, GET)))
    assert not scheme.complete
    header = scheme.step(challenge_with(type_2), GET)
    assert scheme.complete
    server.step(token_of(header))
    assert server.complete


@pytest.mark.parametrize(
    ("username", "principal"),
    [
        ("CODA\\alice", "CODA\\alice"),
        ("alice@coda.test", "alice@coda.test"),
        ("alice", "alice"),
        ("K\u00d6LN\\j\u00e4s\u00f8n", "K\u00d6LN\\j\u00e4s\u00f8n"),
    ],
)
def test_the_acceptor_accepts_every_spelling_of_a_user_name(username: str, principal: str) -> None:
    server = acceptor()
    log_in(client(username), server)
    assert server.client_principal == principal


@pytest.mark.parametrize("username", ["CODA\\alice", "alice@coda.test", "alice"])
def test_the_acceptor_refuses_a_wrong_password(username: str) -> None:
    with pytest.raises(spnego.exceptions.SpnegoError):
        log_in(client(username, PASSWORD.lower() + "x"), acceptor())


def test_the_first_message_is_long_enough_for_gss_ntlmssp() -> None:
    token = token_of(client().step(START, GET))
    assert token.startswith(b"NTLMSSP\0\x01\0\0\0")
    assert len(token) >= 40


def field(message: bytes, offset: int) -> bytes:
    """The payload that the descriptor at ``offset`` points to (MS-NLMP section 2.2.1.3)."""
    length, _, start = struct.unpack_from("<HHI", message, offset)
    return message[start : start + length]


class TestPublishedValues:
    """MS-NLMP section 4.2.4: User, Domain, Password, an 8 byte challenge, and NTLMv2."""

    TYPE_2 = bytes.fromhex(
        "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef0000000000000000240024004400000006007017"
        "0000000f53006500720076006500720002000c0044006f006d00610069006e0001000c0053006500720076006500720000000000"
    )
    KEY = bytes.fromhex("0c868a403bfd7a93a3001ef22ef02e3f")  # ResponseKeyNT, section 4.2.4.1.1
    LM_RESPONSE = bytes.fromhex("86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa")  # section 4.2.4.2.1

    @pytest.fixture
    def type_3(self, monkeypatch: pytest.MonkeyPatch) -> bytes:
        scheme = client("Domain\\User", "Password")
        scheme.step(START, GET)
        monkeypatch.setattr(os, "urandom", lambda size: b"\xaa" * size)
        return token_of(scheme.step(challenge_with(self.TYPE_2), GET))

    def test_names_and_lm_response_are_as_published(self, type_3: bytes) -> None:
        assert field(type_3, 28).decode("utf-16-le") == "Domain"
        assert field(type_3, 36).decode("utf-16-le") == "User"
        assert field(type_3, 12) == self.LM_RESPONSE

    def test_the_proof_is_made_with_the_published_key(self, type_3: bytes) -> None:
        # The published proof itself is over an all-zero time and no target name; ours has both.
        response = field(type_3, 20)
        proof, temp = response[:16], response[16:]
        server_challenge = bytes.fromhex("0123456789abcdef")
        assert proof == hmac.new(self.KEY, server_challenge + temp, hashlib.md5).digest()
        assert temp[16:24] == b"\xaa" * 8

    def test_the_target_is_the_http_service_of_the_host(self, type_3: bytes) -> None:
        assert "HTTP/proxy.coda.test".encode("utf-16-le") in field(type_3, 20)


def test_the_message_integrity_code_covers_all_three_messages() -> None:
    scheme, server = client(), acceptor()
    type_1 = token_of(scheme.step(START, GET))
    type_2 = server.step(type_1)
    assert type_2 is not None
    type_3 = token_of(scheme.step(challenge_with(type_2), GET))
    spoilt = bytearray(type_3)
    spoilt[80] ^= 1  # MS-NLMP section 2.2.1.3: the code is at 72 to 88
    with pytest.raises(spnego.exceptions.SpnegoError, match="MIC"):
        server.step(bytes(spoilt))


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """Two certificates in DER form."""
    found = []
    for name in ("one", "other"):
        pem = Authority(tmp_path_factory.mktemp(name)).server_certificate.read_bytes()
        found.append(x509.load_pem_x509_certificates(pem)[0].public_bytes(Encoding.DER))
    return found


class TestChannelBinding:
    @staticmethod
    def bindings(certificate: bytes) -> GssChannelBindings:
        return GssChannelBindings(application_data=end_point(certificate))

    def test_the_acceptor_finds_its_own_certificate(self, certificates: list[bytes]) -> None:
        peer = PROXY._replace(tls_certificate=certificates[0])
        log_in(client(peer=peer), acceptor(self.bindings(certificates[0])))

    def test_the_acceptor_refuses_the_certificate_of_a_man_in_the_middle(self, certificates: list[bytes]) -> None:
        peer = PROXY._replace(tls_certificate=certificates[1])
        with pytest.raises(spnego.exceptions.BadBindingsError):
            log_in(client(peer=peer), acceptor(self.bindings(certificates[0])))

    def test_the_acceptor_refuses_a_login_without_a_certificate(self, certificates: list[bytes]) -> None:
        with pytest.raises(spnego.exceptions.BadBindingsError):
            log_in(client(), acceptor(self.bindings(certificates[0])))


class TestStates:
    def test_the_table_has_every_state_with_and_without_a_token(self) -> None:
        assert set(ntlm.NEXT) == {(state, token) for state in ntlm.State for token in (False, True)}

    def scheme_in(self, state: ntlm.State) -> ntlm.Ntlm:
        scheme = client()
        if state is not ntlm.State.IDLE:
            type_1 = token_of(scheme.step(START, GET))
            if state is not ntlm.State.STARTED:
                scheme.step(challenge_with(acceptor().step(type_1)), GET)
        if state is ntlm.State.ACCEPTED:
            scheme.accepted(None)
        return scheme

    @pytest.mark.parametrize("state", ntlm.State)
    @pytest.mark.parametrize("with_token", [False, True])
    def test_a_challenge_leads_where_the_table_says(self, state: ntlm.State, with_token: bool) -> None:
        scheme = self.scheme_in(state)
        assert repr(scheme) == f"<NTLM: {state.value}>"
        type_1 = token_of(client().step(START, GET))
        challenge = challenge_with(acceptor().step(type_1)) if with_token else START
        following = ntlm.NEXT[state, with_token]
        if isinstance(following, str):
            with pytest.raises(CannotServe, match=f"^{following}$"):
                scheme.step(challenge, GET)
        else:
            token = token_of(scheme.step(challenge, GET))
            assert token[8] == (3 if with_token else 1)
            assert repr(scheme) == f"<NTLM: {following.value}>"

    def test_a_challenge_without_a_token_after_type_3_is_a_refusal(self) -> None:
        with pytest.raises(CannotServe, match="the user name or password was refused"):
            self.scheme_in(ntlm.State.PROOF_SENT).step(START, GET)

    def test_a_peer_may_accept_before_type_3(self) -> None:
        scheme = self.scheme_in(ntlm.State.STARTED)
        scheme.accepted(None)
        assert scheme.complete

    def test_acceptance_without_a_challenge_changes_nothing(self) -> None:
        scheme = client()
        scheme.accepted(None)
        assert not scheme.complete

    def test_a_connection_that_is_logged_in_can_be_logged_in_again(self) -> None:
        scheme = self.scheme_in(ntlm.State.ACCEPTED)
        server = acceptor()
        type_2 = server.step(token_of(scheme.step(START, GET)))
        server.step(token_of(scheme.step(challenge_with(type_2), GET)))
        assert server.complete

    def test_further_requests_need_no_authorization(self) -> None:
        scheme = self.scheme_in(ntlm.State.ACCEPTED)
        assert scheme.binds_connection
        assert scheme.again(GET) is None


class TestReasons:
    @pytest.mark.parametrize("credentials", [None, Credentials("", "x"), Credentials("CODA\\", "x")])
    def test_without_a_user_name_the_reason_is_reported(self, credentials: Credentials | None) -> None:
        with pytest.raises(CannotServe, match="NTLM: no user name given"):
            ntlm.create(credentials, PROXY)

    def test_without_pyspnego_the_reason_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "spnego", None)
        with pytest.raises(CannotServe, match="NTLM: pyspnego is not installed"):
            client()

    @pytest.mark.parametrize("token", ["TlRMTVNTUAAC", "not base64!", "====", "\u00e9", "TlRM"])
    def test_a_token_that_is_not_a_challenge_is_reported(self, token: str) -> None:
        scheme = client()
        scheme.step(START, GET)
        with pytest.raises(CannotServe, match=r"^NTLM: "):
            scheme.step(Challenge("ntlm", token), GET)

    def test_a_password_that_cannot_be_encoded_is_not_shown(self) -> None:
        scheme = client("CODA\\alice\ud800", "geheim\ud800")
        try:
            log_in(scheme, acceptor())
        except (CannotServe, spnego.exceptions.SpnegoError) as reason:
            shown = str(reason)
        assert "geheim" not in shown
        assert "ud800" not in shown


def test_no_repr_or_log_shows_the_password_or_a_token(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        scheme = client()
        header = scheme.step(START, GET)
        type_2 = acceptor().step(token_of(header))
        proof = scheme.step(challenge_with(type_2), GET)
    assert "NTLM: a token of 40 bytes goes out" in caplog.text
    assert "token withheld" in caplog.text
    for secret in (PASSWORD, header.partition(" ")[2], proof.partition(" ")[2]):
        assert secret not in caplog.text
        assert secret not in repr(scheme)
        assert secret not in repr(vars(scheme))


def test_pyspnego_and_cryptography_are_loaded_only_when_they_are_used() -> None:
    program = (
        "import sys; import coda_network._auth.ntlm, coda_network._auth.negotiate, coda_network._auth.ntlm3;"
        "sys.exit(', '.join({'spnego', 'cryptography', 'ntlm3', 'gssapi'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def junk_after_type_1(token: bytes) -> str:
    scheme = client()
    scheme.step(START, GET)
    try:
        return scheme.step(challenge_with(token), GET)
    except CannotServe as reason:
        return str(reason)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    token=st.binary(max_size=200)
    | st.binary(max_size=200).map(lambda rest: b"NTLMSSP\0\x02\0\0\0" + rest)
    | st.tuples(st.integers(0, len(TestPublishedValues.TYPE_2) - 1), st.integers(0, 255)).map(
        lambda place: (
            TestPublishedValues.TYPE_2[: place[0]] + bytes([place[1]]) + TestPublishedValues.TYPE_2[place[0] + 1 :]
        )
    )
)
def test_any_token_gives_an_authorization_or_cannot_serve(token: bytes) -> None:
    assert junk_after_type_1(token).startswith(("NTLM: ", "NTLM TlRMTVNTUAAD"))
