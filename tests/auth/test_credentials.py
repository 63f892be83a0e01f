"""Credentials split their user name, are read from a Basic authorization, and never show the password."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._auth.credentials import Credentials


def basic(raw: bytes) -> str:
    return "Basic " + base64.b64encode(raw).decode("ascii")


@pytest.mark.parametrize(
    ("username", "domain", "user"),
    [
        ("user", "", "user"),
        ("CORP\\user", "CORP", "user"),
        ("corp.example\\user", "corp.example", "user"),
        ("user@corp.example", "", "user@corp.example"),
        ("CORP\\user@corp.example", "CORP", "user@corp.example"),
        ("CORP\\odd\\user", "CORP", "odd\\user"),
        ("\\user", "", "user"),
        ("CORP\\", "CORP", ""),
        ("", "", ""),
    ],
)
def test_the_domain_is_the_part_before_the_backslash(username: str, domain: str, user: str) -> None:
    credentials = Credentials(username, "p")
    assert (credentials.domain, credentials.user) == (domain, user)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (basic(b"user:pass"), Credentials("user", "pass")),
        (basic(b"user:pa:ss:"), Credentials("user", "pa:ss:")),
        (basic(b"user:"), Credentials("user", "")),
        (basic(b":"), Credentials("", "")),
        (basic(b"CORP\\user:pass"), Credentials("CORP\\user", "pass")),
        (basic("us\xe9r:p\u20acss".encode()), Credentials("us\xe9r", "p\u20acss")),
        (basic(b"us\xe9r:p\xe4ss"), Credentials("us\xe9r", "p\xe4ss")),
        (" bAsIc  dTpw  ", Credentials("u", "p")),
        ("Basic dTpw", Credentials("u", "p")),
    ],
)
def test_a_basic_authorization_is_decoded(value: str, expected: Credentials) -> None:
    assert Credentials.from_basic_header(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Basic",
        "Basic ",
        "Basic dTp",
        "Basic d@pw",
        "Basic dTpw dTpw",
        "Basic düpw",
        "Bearer dTpw",
        "BasicdTpw",
        basic(b"no colon"),
        "Digest username=x",
        "NTLM TlRMTVNTUAAB",
    ],
)
def test_anything_but_a_basic_authorization_gives_no_credentials(value: str) -> None:
    assert Credentials.from_basic_header(value) is None


@given(st.text())
def test_no_text_raises(value: str) -> None:
    Credentials.from_basic_header(value)
    Credentials.from_basic_header("Basic " + value)


def test_the_password_is_in_no_printed_form() -> None:
    credentials = Credentials("user", "secret")
    assert "user" in repr(credentials)
    assert "secret" not in f"{credentials} {credentials!r} {[credentials]} {(credentials,)}"


def test_credentials_with_equal_parts_are_equal() -> None:
    assert Credentials("u", "p") == Credentials("u", "p")
    assert hash(Credentials("u", "p")) == hash(Credentials("u", "p"))
    assert Credentials("u", "p") != Credentials("u", "q")
    assert Credentials("u", "p") != Credentials("v", "p")
    assert Credentials("u", "p") != ("u", "p")


@pytest.mark.parametrize(
    ("given", "text"),
    [("p\xe4", "p\xe4"), ("p\xe4".encode(), "p\xe4"), (b"p\xe4", "p\xe4"), (bytearray(b"p"), "p"), (1234, "1234")],
)
def test_what_programs_give_in_place_of_a_str_is_text(given: Any, text: str) -> None:
    credentials = Credentials(given, given)
    assert (credentials.username, credentials.password) == (text, text)
