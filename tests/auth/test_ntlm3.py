"""The provider for servers that know only NTLMv1, against an acceptor and the published values of MS-NLMP."""

from __future__ import annotations

import hashlib
import random
import struct
import sys
from functools import partial
from pathlib import Path

import pytest
import spnego
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import tokens

from coda_network._auth import ntlm, ntlm3
from coda_network._auth.credentials import Credentials
from coda_network._auth.md4 import md4
from coda_network._auth.scheme import CannotServe, Outgoing, Peer, Role
from coda_network._wire.challenge import Challenge

PROXY = Peer(Role.PROXY, "proxy.coda.test", 3128)
GET = Outgoing("GET", "http://www.example.org/")
START = Challenge("ntlm")
PASSWORD = "p\u00e4ss w\u00f6rd \u20ac"
token_of = partial(tokens.token_of, scheme="NTLM")
challenge_with = partial(tokens.challenge_with, scheme="NTLM")


@pytest.fixture(autouse=True)
def accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who may log in at the acceptor, which takes NTLMv1 (level 3)."""
    lines = [f"CODA:alice:{PASSWORD}", f":alice@coda.test:{PASSWORD}", f":alice:{PASSWORD}"]
    (tmp_path / "users").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "users"))
    monkeypatch.setenv("LM_COMPAT_LEVEL", "3")


def client(username: str = "CODA\\alice", password: str = PASSWORD) -> ntlm.Ntlm:
    return ntlm3.create(Credentials(username, password), PROXY)


def log_in(scheme: ntlm.Ntlm) -> str | None:
    """Do the whole handshake; return the user whom the acceptor has accepted.

    :raises SpnegoError: the acceptor finds the proof wrong
    """
    server = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
    type_2 = server.step(token_of(scheme.step(START, GET)))
    server.step(token_of(scheme.step(challenge_with(type_2), GET)))
    assert server.complete
    return server.client_principal


@pytest.mark.parametrize("username", ["CODA\\alice", "alice@coda.test", "alice"])
def test_the_acceptor_accepts_every_spelling_of_a_user_name(username: str) -> None:
    assert log_in(client(username)) == username


def test_the_acceptor_refuses_a_wrong_password() -> None:
    with pytest.raises(spnego.exceptions.SpnegoError):
        log_in(client(password="wrong"))


def test_an_acceptor_that_demands_ntlmv2_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LM_COMPAT_LEVEL", "5")
    with pytest.raises(spnego.exceptions.SpnegoError, match="NTv1"):
        log_in(client())


def test_openssl_does_not_need_to_have_md4(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = hashlib.new

    def without_md4(name: str, *args: object, **options: object) -> object:
        if name == "md4":
            raise ValueError("unsupported hash type md4")
        return whole(name, *args, **options)

    monkeypatch.setattr(hashlib, "new", without_md4)
    assert log_in(client()) == "CODA\\alice"


@pytest.mark.parametrize(
    ("data", "digest"),
    [  # RFC 1320 appendix A.5
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"a", "bde52cb31de33e46245e05fbdbd6fb24"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
        (b"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        (
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            "043f8582f241db351ce627e153e7f0e4",
        ),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_gives_the_published_digests(data: bytes, digest: str) -> None:
    assert md4(data).hex() == digest


def test_the_nt_hash_is_as_published() -> None:
    # MS-NLMP section 4.2.2.1.2
    assert md4("Password".encode("utf-16-le")).hex() == "a4f49c406510bdcab6824ee7c30fd852"


def type_2(flags: int) -> bytes:
    """A challenge with the 8 bytes of MS-NLMP section 4.2.1, and no names."""
    descriptors = struct.pack("<HHI", 0, 0, 56)
    server_challenge = bytes.fromhex("0123456789abcdef")
    return (
        b"NTLMSSP\0\x02\0\0\0"
        + descriptors
        + struct.pack("<I", flags)
        + server_challenge
        + bytes(8)
        + descriptors
        + bytes(8)
    )


def field(message: bytes, offset: int) -> bytes:
    length, _, start = struct.unpack_from("<HHI", message, offset)
    return message[start : start + length]


UNICODE, OEM, SESSION_SECURITY = 0x1, 0x2, 0x80000


class TestPublishedValues:
    """MS-NLMP section 4.2: User, Domain, Password."""

    def type_3(self, flags: int, username: str = "Domain\\User") -> bytes:
        scheme = client(username, "Password")
        scheme.step(START, GET)
        return token_of(scheme.step(challenge_with(type_2(flags)), GET))

    def test_the_ntlmv1_response_is_as_published(self) -> None:
        message = self.type_3(0xE2028233 & ~SESSION_SECURITY)
        response = "67c43011f30298a2ad35ece64f16331c44bdbed927841f94"  # section 4.2.2.2.1
        assert field(message, 20).hex() == response
        # Without the LM hash the NT response is sent twice (section 3.3.1, NoLMResponseNTLMv1).
        assert field(message, 12).hex() == response

    def test_the_ntlmv1_response_with_session_security_is_as_published(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(random, "getrandbits", lambda bits: 0xAA)
        message = self.type_3(0x820A8233)
        assert field(message, 20).hex() == "7537f803ae367128ca458204bde7caf81e97ed2683267232"  # 4.2.3.2.2
        assert field(message, 12).hex() == "aa" * 8 + "00" * 16  # section 4.2.3.2.1

    @pytest.mark.parametrize("agreed", [UNICODE, OEM, UNICODE | SESSION_SECURITY, OEM | SESSION_SECURITY])
    def test_type_3_has_the_flags_that_the_server_chose(self, agreed: int) -> None:
        message = self.type_3(0x00008200 | agreed)
        (flags,) = struct.unpack_from("<I", message, 60)
        assert flags & (UNICODE | OEM | SESSION_SECURITY) == agreed
        assert field(message, 36) == "User".encode("utf-16-le" if agreed & UNICODE else "ascii")

    def test_a_name_that_an_oem_server_cannot_read_is_reported(self) -> None:
        with pytest.raises(CannotServe, match="ASCII"):
            self.type_3(0x00008200 | OEM, "Domain\\J\u00e4s\u00f8n")


def test_the_first_message_is_long_enough_for_gss_ntlmssp() -> None:
    for username in ("CODA\\alice", "alice", "K\u00d6LN\\j\u00e4s\u00f8n"):
        token = token_of(client(username).step(START, GET))
        assert token.startswith(b"NTLMSSP\0\x01\0\0\0")
        assert len(token) >= 40


def test_a_name_of_this_computer_that_is_not_ascii_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    import ntlm3.ntlm as provider

    monkeypatch.setattr(provider, "gethostname", lambda: "b\u00fcro")
    with pytest.raises(CannotServe, match="name of this computer"):
        client().step(START, GET)


@pytest.mark.parametrize("credentials", [None, Credentials("CODA\\", "x")])
def test_without_a_user_name_the_reason_is_reported(credentials: Credentials | None) -> None:
    with pytest.raises(CannotServe, match="NTLM: no user name given"):
        ntlm3.create(credentials, PROXY)


def test_without_python_ntlm3_the_reason_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ntlm3", None)
    with pytest.raises(CannotServe, match="NTLM: python-ntlm3 is not installed"):
        client()


def test_no_repr_or_error_shows_the_password() -> None:
    scheme = client(password="geheim")
    scheme.step(START, GET)
    shown = repr(scheme) + repr(vars(scheme))
    assert "geheim" not in shown
    assert md4("geheim".encode("utf-16-le")).hex() not in shown


def test_a_challenge_that_points_beyond_its_end_is_reported() -> None:
    scheme = client()
    scheme.step(START, GET)
    with_target_info = type_2(UNICODE | 0x00800000)[:44]
    with pytest.raises(CannotServe, match="NTLM: the challenge's token is no type 2 message"):
        scheme.step(challenge_with(with_target_info), GET)


def junk_after_type_1(token: bytes) -> str:
    scheme = client()
    scheme.step(START, GET)
    try:
        return scheme.step(challenge_with(token), GET)
    except CannotServe as reason:
        return str(reason)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(
    token=st.binary(max_size=120)
    | st.binary(max_size=120).map(lambda rest: b"NTLMSSP\0\x02\0\0\0" + rest)
    | st.integers(0, 2**32 - 1).map(type_2)
)
def test_any_token_gives_an_authorization_or_cannot_serve(token: bytes) -> None:
    assert junk_after_type_1(token).startswith(("NTLM: ", "NTLM TlRMTVNTUAAD"))
