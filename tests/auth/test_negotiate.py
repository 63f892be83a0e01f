"""Negotiate against pyspnego's acceptor (NTLM inside SPNEGO and without it), and with scripted Kerberos."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import pytest
import spnego
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import SpnegoError
from support import tokens
from support.tokens import encoded

from coda_network._auth import negotiate, security_context
from coda_network._auth.channel_binding import channel_bindings
from coda_network._auth.credentials import Credentials
from coda_network._auth.negotiate import MOVES, Move, State
from coda_network._auth.scheme import CannotServe, Outgoing, Peer, Role
from coda_network._wire.challenge import Challenge

SITE = Peer(Role.ORIGIN, "www.coda.test", 443)
GET = Outgoing("GET", "/")
START = Challenge("negotiate")
PASSWORD = "p\u00e4ss w\u00f6rd \u20ac"
KERBEROS_MODULES = ("gssapi", "krb5", "sspilib")
token_of = partial(tokens.token_of, scheme="Negotiate")
challenge_with = partial(tokens.challenge_with, scheme="Negotiate")


@pytest.fixture(autouse=True)
def without_kerberos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may log in at the acceptor, and a machine without Kerberos, whatever is installed on this one."""
    (tmp_path / "users").write_text(f"CODA:alice:{PASSWORD}\n:alice@coda.test:{PASSWORD}", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    monkeypatch.setenv("LM_COMPAT_LEVEL", "5")
    monkeypatch.setenv("KRB5_CONFIG", str(tmp_path / "no-krb5.conf"))
    for module in KERBEROS_MODULES:
        monkeypatch.setitem(sys.modules, module, None)


def client(username: str = "CODA\\alice", password: str = PASSWORD, peer: Peer = SITE) -> negotiate.Negotiate:
    return negotiate.create(Credentials(username, password), peer)


def acceptor(protocol: str = "negotiate", bindings: GssChannelBindings | None = None) -> spnego.ContextProxy:
    options = spnego.NegotiateOptions
    own = options.use_negotiate if protocol == "negotiate" else options.use_ntlm
    return spnego.server(protocol=protocol, options=own, channel_bindings=bindings)


def log_in(scheme: negotiate.Negotiate, server: spnego.ContextProxy) -> bytes | None:
    """Do the whole handshake; return the acceptor's last token.

    :raises SpnegoError: the acceptor finds the proof wrong
    """
    challenge = server.step(token_of(scheme.step(START, GET)))
    assert not scheme.complete
    header = scheme.step(challenge_with(challenge), GET)
    assert scheme.complete
    final = server.step(token_of(header))
    assert server.complete
    return final


class TestNtlmInsideSpnego:
    @pytest.mark.parametrize("username", ["CODA\\alice", "alice@coda.test"])
    def test_the_acceptor_accepts_and_its_last_token_is_checked(self, username: str) -> None:
        scheme, server = client(username), acceptor()
        final = log_in(scheme, server)
        assert server.client_principal == username
        assert server.negotiated_protocol == "ntlm"
        scheme.accepted(f"Negotiate {encoded(final)}")
        assert scheme.complete
        assert scheme.again(GET) is None
        assert scheme.binds_connection

    def test_a_last_token_from_another_peer_is_refused(self) -> None:
        scheme, other = client(), client()
        log_in(scheme, acceptor())
        final = log_in(other, acceptor())
        with pytest.raises(CannotServe, match=r"^Negotiate: .*did not prove who it is$"):
            scheme.accepted(f"Negotiate {encoded(final)}")

    @pytest.mark.parametrize("info", [None, "", "Negotiate", "Negotiate ", 'nextnonce="x"', "NTLM TlRM"])
    def test_a_peer_may_leave_the_last_token_out(self, info: str | None) -> None:
        scheme = client()
        log_in(scheme, acceptor())
        scheme.accepted(info)
        assert scheme.complete

    def test_a_wrong_password_is_refused(self) -> None:
        scheme = client(password="wrong")
        with pytest.raises(SpnegoError):
            log_in(scheme, acceptor())
        assert scheme.complete, "what comes now is a refusal, and no other scheme may send the password again"
        with pytest.raises(CannotServe, match="Negotiate: the user name or password was refused"):
            scheme.step(START, GET)

    def test_the_acceptor_finds_its_own_certificate(self, certificate: bytes) -> None:
        peer = SITE._replace(tls_certificate=certificate)
        log_in(client(peer=peer), acceptor(bindings=channel_bindings(certificate)))

    def test_the_acceptor_refuses_a_login_without_a_certificate(self, certificate: bytes) -> None:
        with pytest.raises(SpnegoError):
            log_in(client(), acceptor(bindings=channel_bindings(certificate)))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A certificate in DER form."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from support.certs import Authority

    pem = Authority(tmp_path_factory.mktemp("certificate")).server_certificate.read_bytes()
    return x509.load_pem_x509_certificates(pem)[0].public_bytes(Encoding.DER)


class TestNtlmWithoutSpnego:
    """Squid's negotiate_wrapper gives bare NTLM messages to one helper, and all else to Kerberos's."""

    def test_it_is_tried_after_the_peer_did_not_accept_the_first_token(self) -> None:
        scheme, server = client(), acceptor("ntlm")
        assert token_of(scheme.step(START, GET))[:1] == b"\x60"  # a GSS-API token (RFC 2743 section 3.1)
        type_1 = token_of(scheme.step(START, GET))
        assert type_1.startswith(b"NTLMSSP\0\x01")
        assert not scheme.complete
        server.step(token_of(scheme.step(challenge_with(server.step(type_1)), GET)))
        assert scheme.complete
        assert server.client_principal == "CODA\\alice"
        scheme.accepted("Negotiate " + encoded(b"nothing that would make sense"))

    def test_it_is_tried_only_once(self) -> None:
        scheme = client()
        scheme.step(START, GET)
        scheme.step(START, GET)
        with pytest.raises(CannotServe, match="refused"):
            scheme.step(START, GET)


class Scripted:
    """A stand-in for pyspnego's context, with the tokens that it is given."""

    negotiated_protocol = "kerberos"

    def __init__(self, *tokens: bytes | Exception | None) -> None:
        self.tokens = list(tokens)
        self.seen: list[bytes | None] = []
        self.asked: dict[str, object] = {}

    @property
    def complete(self) -> bool:
        return not self.tokens

    def step(self, token: bytes | None) -> bytes | None:
        self.seen.append(token)
        token = self.tokens.pop(0)
        if isinstance(token, Exception):
            raise token
        return token


class TestKerberos:
    """With a scripted ticket; real ones are tested where there is a KDC."""

    @pytest.fixture
    def context(self, monkeypatch: pytest.MonkeyPatch) -> Scripted:
        context = Scripted(b"ap-req", None)

        def new_client(**options: object) -> Scripted:
            context.asked = options
            return context

        monkeypatch.setattr(spnego, "client", new_client)
        monkeypatch.setattr(negotiate, "has_tickets", lambda: True)
        return context

    @pytest.mark.parametrize("credentials", [None, Credentials("", ""), Credentials("alice@CODA.TEST", "x")])
    def test_a_ticket_for_the_http_service_of_the_host_is_sent(
        self, context: Scripted, credentials: Credentials | None
    ) -> None:
        scheme = negotiate.create(credentials, SITE)
        assert token_of(scheme.step(START, GET)) == b"ap-req"
        assert (context.asked["service"], context.asked["hostname"]) == ("HTTP", "www.coda.test")
        named = credentials is not None and credentials.username != ""
        assert context.asked["username"] == ("alice@CODA.TEST" if named else None)
        scheme.accepted("Negotiate " + encoded(b"ap-rep"))
        assert context.seen == [None, b"ap-rep"]
        assert scheme.complete

    def test_a_refused_ticket_is_reported_as_a_ticket(self, context: Scripted) -> None:
        scheme = client("alice@CODA.TEST")
        scheme.step(START, GET)
        assert not scheme.complete
        with pytest.raises(CannotServe, match="Negotiate: the ticket was refused"):
            scheme.step(START, GET)

    def test_a_challenge_after_the_end_of_the_handshake_is_a_refusal(self, context: Scripted) -> None:
        scheme = negotiate.create(None, SITE)
        scheme.step(START, GET)
        with pytest.raises(CannotServe, match="Negotiate: the ticket was refused"):
            scheme.step(challenge_with(b"more"), GET)

    def test_a_peer_that_cannot_prove_who_it_is_is_refused(self, context: Scripted) -> None:
        context.tokens = [b"ap-req", SpnegoError(1, context_msg="wrong key")]
        scheme = negotiate.create(None, SITE)
        scheme.step(START, GET)
        with pytest.raises(CannotServe, match=r"wrong key; the peer did not prove who it is$"):
            scheme.accepted("Negotiate " + encoded(b"forged"))

    def test_the_cause_of_pyspnegos_error_is_reported(self, context: Scripted) -> None:
        class GSSError(Exception):
            __module__ = "gssapi.raw.misc"

        cause = SpnegoError(1, base_error=GSSError("Ticket\nexpired"), context_msg="Processing")
        context.tokens = [SpnegoError(2, base_error=cause)]
        with pytest.raises(CannotServe, match=r"^Negotiate: Ticket expired$"):
            client().step(START, GET)

    def test_the_text_of_an_unknown_error_is_not_shown(self, context: Scripted) -> None:
        context.tokens = [ValueError("geheim")]
        with pytest.raises(CannotServe, match=r"\(ValueError\)") as caught:
            client(password="geheim").step(START, GET)
        assert "geheim" not in str(caught.value)


class TestReasons:
    def test_without_credentials_and_kerberos_the_reason_is_reported(self) -> None:
        with pytest.raises(CannotServe, match=r"^Negotiate: no ticket, and pyspnego\[kerberos\] is not installed$"):
            negotiate.create(None, SITE)

    def test_without_a_ticket_no_user_of_the_servers_file_is_logged_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(negotiate, "has_tickets", lambda: True)
        with pytest.raises(CannotServe, match=r"^Negotiate: no ticket for HTTP@www\.coda\.test: "):
            negotiate.create(None, SITE).step(START, GET)

    def test_without_a_ticket_and_a_servers_file_the_reason_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(negotiate, "has_tickets", lambda: True)
        monkeypatch.delenv("NTLM_USER_FILE")
        with pytest.raises(CannotServe, match=r"^Negotiate: no ticket for HTTP@www\.coda\.test: "):
            negotiate.create(None, SITE).step(START, GET)

    @pytest.mark.parametrize(
        ("installed", "expected"),
        [(["gssapi", "krb5"], True), (["sspilib"], True), (["gssapi"], False), (["krb5"], False)],
    )
    def test_kerberos_is_found_by_its_libraries(
        self, monkeypatch: pytest.MonkeyPatch, installed: list[str], expected: bool
    ) -> None:
        for module in installed:
            monkeypatch.setitem(sys.modules, module, ModuleType(module))
        assert security_context.has_tickets() is expected

    def test_without_pyspnego_the_reason_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "spnego", None)
        with pytest.raises(CannotServe, match=r"^Negotiate: pyspnego is not installed$"):
            client()

    @pytest.mark.parametrize("token", ["not base64!", "====", "\u00e9", "AAAA"])
    def test_a_token_that_cannot_be_read_is_reported(self, token: str) -> None:
        scheme = client()
        scheme.step(START, GET)
        with pytest.raises(CannotServe, match=r"^Negotiate: "):
            scheme.step(Challenge("negotiate", token), GET)


class TestStates:
    def test_the_table_has_every_state_with_and_without_a_token(self) -> None:
        assert set(MOVES) == {(state, token) for state in State for token in (False, True)}

    def scheme_in(self, state: State) -> negotiate.Negotiate:
        scheme, server = client(), acceptor()
        if state is not State.IDLE:
            challenge = server.step(token_of(scheme.step(START, GET)))
            if state in (State.PROOF_SENT, State.ACCEPTED):
                scheme.step(challenge_with(challenge), GET)
        if state is State.ACCEPTED:
            scheme.accepted(None)
        return scheme

    @pytest.mark.parametrize("state", [state for state in State if state is not State.GOING_ON])
    @pytest.mark.parametrize("with_token", [False, True])
    def test_a_challenge_leads_where_the_table_says(self, state: State, with_token: bool) -> None:
        scheme = self.scheme_in(state)
        assert repr(scheme) == f"<Negotiate: {state.value}>"
        token = acceptor().step(token_of(client().step(START, GET)))
        move = MOVES[state, with_token]
        challenge = challenge_with(token) if with_token else START
        if move in (Move.EARLY, Move.REFUSED):
            with pytest.raises(CannotServe, match=r"^Negotiate: "):
                scheme.step(challenge, GET)
        else:
            assert scheme.step(challenge, GET).startswith("Negotiate ")

    def test_a_handshake_may_take_further_tokens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        context = Scripted(b"one", b"two", b"three", None)
        monkeypatch.setattr(spnego, "client", lambda **options: context)
        scheme = client()
        headers = [scheme.step(START, GET), *(scheme.step(challenge_with(b"more"), GET) for _ in range(2))]
        assert [token_of(header) for header in headers] == [b"one", b"two", b"three"]
        assert repr(scheme) == f"<Negotiate: {State.GOING_ON.value}>"
        with pytest.raises(CannotServe, match="refused"):
            scheme.step(START, GET)

    def test_a_connection_that_is_logged_in_can_be_logged_in_again(self) -> None:
        scheme = self.scheme_in(State.ACCEPTED)
        server = acceptor()
        challenge = server.step(token_of(scheme.step(START, GET)))
        server.step(token_of(scheme.step(challenge_with(challenge), GET)))
        assert server.complete

    def test_acceptance_without_a_challenge_changes_nothing(self) -> None:
        scheme = client()
        scheme.accepted("Negotiate AAAA")
        assert not scheme.complete


def test_no_repr_or_log_shows_the_password_or_a_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    scheme, server = client(), acceptor()
    final = log_in(scheme, server)
    shown = repr(scheme) + repr(vars(scheme)) + caplog.text
    assert PASSWORD not in shown
    assert encoded(final) not in shown
    assert "token withheld" in shown


def outcome(token: bytes) -> str:
    scheme = client()
    scheme.step(START, GET)
    try:
        header = scheme.step(challenge_with(token), GET)
        scheme.accepted("Negotiate " + encoded(token))
    except CannotServe as reason:
        return str(reason)
    return header


# NegTokenResp with accept-incomplete and NTLM chosen (RFC 4178 section 4.2.2), up to its token.
RESPONSE = bytes.fromhex("a1153013a0030a0101a10c060a2b06010401823702020a")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    token=st.binary(max_size=100)
    | st.binary(max_size=100).map(lambda rest: RESPONSE + rest)
    | st.tuples(st.integers(0, len(RESPONSE) - 1), st.integers(0, 255)).map(
        lambda place: RESPONSE[: place[0]] + bytes([place[1]]) + RESPONSE[place[0] + 1 :]
    )
    | st.binary(max_size=100).map(lambda rest: b"NTLMSSP\0\x02\0\0\0" + rest)
)
def test_any_token_gives_an_authorization_or_cannot_serve(token: bytes) -> None:
    assert outcome(token).startswith(("Negotiate: ", "Negotiate "))
