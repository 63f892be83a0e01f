"""Basic (RFC 7617): the encoding of the pair, what it cannot send, and one authorization only."""

from __future__ import annotations

import base64

import pytest

from coda_network._auth.basic import create
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Outgoing, Peer, Role
from coda_network._wire.challenge import Challenge

PEER = Peer(Role.ORIGIN, "example.com", 80)
GET = Outgoing("GET", "/")


def sent(username: str, password: str, **params: str) -> bytes:
    scheme, _, encoded = (
        create(Credentials(username, password), PEER).step(Challenge("basic", None, params), GET).partition(" ")
    )
    assert scheme == "Basic"
    return base64.b64decode(encoded, validate=True)


def test_the_example_of_the_rfc_is_encoded_as_published() -> None:
    basic = create(Credentials("Aladdin", "open sesame"), PEER)
    assert basic.step(Challenge("basic", None, {"realm": "WallyWorld"}), GET) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_the_utf_8_example_of_the_rfc_is_encoded_as_published() -> None:
    basic = create(Credentials("test", "123\xa3"), PEER)
    assert basic.step(Challenge("basic", None, {"realm": "foo", "charset": "UTF-8"}), GET) == "Basic dGVzdDoxMjPCow=="


@pytest.mark.parametrize(
    ("password", "params", "expected"),
    [
        ("p\xe9", {}, b"u:p\xc3\xa9"),
        ("p\xe9", {"charset": "utf-8"}, b"u:p\xc3\xa9"),
        ("p\xe9", {"charset": "latin-9"}, b"u:p\xc3\xa9"),
        ("p\u20ac", {}, b"u:p\xe2\x82\xac"),
        ("p\u20ac", {"charset": "UTF-8"}, b"u:p\xe2\x82\xac"),
        ("p\udce9", {}, b"u:p\xe9"),  # a byte of the environment that was not UTF-8
        ("p:q", {}, b"u:p:q"),
        ("", {}, b"u:"),
    ],
)
def test_name_and_password_are_encoded_as_utf_8(password: str, params: dict[str, str], expected: bytes) -> None:
    assert sent("u", password, **params) == expected


def test_long_credentials_stay_on_one_line() -> None:
    assert sent("u", "p" * 500) == b"u:" + b"p" * 500


def test_the_domain_is_sent_as_part_of_the_name() -> None:
    assert sent("CORP\\user", "p") == b"CORP\\user:p"


def test_a_colon_in_the_user_name_cannot_be_sent() -> None:
    with pytest.raises(CannotServe, match=r"^Basic: a user name with a colon"):
        create(Credentials("us:er", "secret"), PEER)


def test_without_a_user_name_the_reason_is_reported() -> None:
    with pytest.raises(CannotServe, match=r"^Basic: no user name given$"):
        create(None, PEER)


def test_text_that_cannot_be_encoded_is_not_shown() -> None:
    with pytest.raises(CannotServe, match="not valid text") as caught:
        sent("user", "se\ud800cret")
    assert "ud800" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_second_challenge_means_that_the_password_was_refused() -> None:
    basic = create(Credentials("user", "secret"), PEER)
    assert not basic.complete
    basic.step(Challenge("basic"), GET)
    assert basic.complete
    with pytest.raises(CannotServe, match=r"^Basic: the user name or password was refused$"):
        basic.step(Challenge("basic"), GET)


def test_the_same_header_serves_every_further_request() -> None:
    basic = create(Credentials("user", "secret"), PEER)
    assert basic.again(GET) is None
    header = basic.step(Challenge("basic"), GET)
    basic.accepted(None)
    assert basic.again(Outgoing("POST", "/other", b"body")) == header
    assert not basic.binds_connection
