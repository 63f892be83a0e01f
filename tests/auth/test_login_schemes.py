"""The login drives the real schemes: to their end, and to a refusal that is not repeated."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import spnego
from support.scripted_login import GET, PEER, section
from support.tokens import token_of

from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login, State
from coda_network._auth.memory import LoginMemory
from coda_network._auth.scheme import Role


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may log in at the acceptor, with NTLMv2 only."""
    (tmp_path / "users").write_text("CODA:alice:right\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    monkeypatch.setenv("LM_COMPAT_LEVEL", "5")


def login_of(password: str, memory: LoginMemory | None = None) -> Login:
    login = Login(Role.PROXY, PEER, lambda realm: Credentials("CODA\\alice", password), memory=memory)
    assert login.start(GET) is None
    return login


def acceptor(scheme: str) -> spnego.ContextProxy:
    """The peer's side: NTLM bare, or inside SPNEGO."""
    options = spnego.NegotiateOptions
    return spnego.server(
        protocol=scheme.lower(), options=options.use_ntlm if scheme == "NTLM" else options.use_negotiate
    )


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_a_handshake_is_carried_to_its_end(scheme: str) -> None:
    server = acceptor(scheme)
    login = login_of("right")
    header = login.on_challenge(section([scheme, "Basic realm=r"]), GET)
    offers = ["Basic realm=r"]
    while not server.complete:
        token = server.step(token_of(header, scheme))
        if not server.complete:
            line = f"{scheme} {base64.b64encode(token or b'').decode()}"
            header = login.on_challenge(section([*offers, line]), GET)
            assert login.in_progress
    last = [f"{scheme} {base64.b64encode(token).decode()}"] if token else []
    login.on_response(section(last))
    assert server.client_principal == "CODA\\alice"
    assert login.state is State.ACCEPTED
    assert login.binds_connection
    assert login.report.entries == [(scheme, "accepted")]


@pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
def test_a_refused_handshake_is_not_followed_by_another_login(scheme: str) -> None:
    server = acceptor(scheme)
    login = login_of("wrong")
    offers = [scheme, 'Digest realm="r", nonce="n", qop="auth"', "Basic realm=r"]
    header = login.on_challenge(section(offers), GET)
    token = server.step(token_of(header, scheme))
    header = login.on_challenge(section([f"{scheme} {base64.b64encode(token or b'').decode()}"]), GET)
    with pytest.raises(spnego.exceptions.SpnegoError):
        server.step(token_of(header, scheme))
    assert login.on_challenge(section(offers), GET) is None
    assert str(login.report).splitlines() == [
        f"{scheme}: the user name or password was refused",
        "Digest: not tried after a refused login",
        "Basic: not tried after a failed login, because it gives the password away",
    ]


def test_a_digest_is_shared_by_two_connections_and_renewed() -> None:
    memory = LoginMemory()
    offer = 'Digest realm="r", nonce="{}", qop="auth", algorithm=SHA-256'
    first = login_of("right", memory)
    header = first.on_challenge(section([offer.format("n1"), offer.format("n1").replace("SHA-256", "MD5")]), GET)
    assert header is not None
    assert "nc=00000001" in header
    assert "algorithm=SHA-256" in header
    first.on_response(section())
    second = Login(Role.PROXY, PEER, first.credentials, memory=memory)
    header = second.start(GET)
    assert header is not None
    assert "nc=00000002" in header
    header = second.on_challenge(section([offer.format("n2") + ", stale=true"]), GET)
    assert header is not None
    assert 'nonce="n2"' in header
    second.on_response(section())
    header = first.start(GET)
    assert header is not None
    assert 'nonce="n2"' in header
    assert "nc=00000002" in header


def test_a_refused_digest_is_given_up() -> None:
    login = login_of("wrong")
    offer = 'Digest realm="r", nonce="n1", qop="auth"'
    assert login.on_challenge(section([offer, "Basic realm=r"]), GET) is not None
    assert login.on_challenge(section([offer, "Basic realm=r"]), GET) is None
    assert str(login.report).startswith("Digest: the user name or password was refused\n")


@pytest.mark.parametrize("challenge", ["Digest realm=r", 'Digest realm="r", nonce="n", algorithm=CRC32', "Digest"])
def test_a_digest_that_cannot_be_served_is_passed_over(challenge: str) -> None:
    login = login_of("right")
    header = login.on_challenge(section([challenge, "Basic realm=r"]), GET)
    assert header is not None
    assert header.startswith("Basic ")
    assert ": the challenge " in str(login.report)
