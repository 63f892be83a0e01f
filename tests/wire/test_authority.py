"""Authorities are cut and joined as in RFC 3986, and userinfo is read as people write it."""

from __future__ import annotations

import pytest

from coda_network._wire.authority import join_authority, split_authority, split_userinfo


@pytest.mark.parametrize(
    ("netloc", "expected"),
    [
        ("host", (None, None, "host")),
        ("host:1", (None, None, "host:1")),
        ("a@host:1", ("a", None, "host:1")),
        ("a:b@host:1", ("a", "b", "host:1")),
        ("a:b@c@host:1", ("a", "b@c", "host:1")),
        ("a%3Ab:c%3Ad@host", ("a:b", "c:d", "host")),
        ("@host", ("", None, "host")),
        ("a:b@", ("a", "b", "")),
    ],
)
def test_userinfo_ends_at_the_last_at_sign(netloc: str, expected: tuple[str | None, str | None, str]) -> None:
    assert split_userinfo(netloc) == expected


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("host", ("host", 7)),
        ("host:", ("host", 7)),
        ("host:0", ("host", 0)),
        ("host:65535", ("host", 65535)),
        ("HOST:1", ("HOST", 1)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
        ("[::1]", ("::1", 7)),
        ("[::1]:", ("::1", 7)),
        ("[::1]:1", ("::1", 1)),
        ("::1", ("::1", 7)),
        ("fe80::1%eth0", ("fe80::1%eth0", 7)),
        ("[::ffff:127.0.0.1]:1", ("::ffff:127.0.0.1", 1)),
    ],
)
def test_an_authority_is_cut_into_host_and_port(authority: str, expected: tuple[str, int]) -> None:
    assert split_authority(authority, 7) == expected


@pytest.mark.parametrize(
    ("host", "port", "authority"),
    [
        ("host", 80, "host:80"),
        ("127.0.0.1", 0, "127.0.0.1:0"),
        ("::1", 443, "[::1]:443"),
        ("fe80::1%1", 1, "[fe80::1%1]:1"),
    ],
)
def test_host_and_port_are_joined_to_an_authority_that_can_be_cut_again(host: str, port: int, authority: str) -> None:
    assert join_authority(host, port) == authority
    assert split_authority(authority, 7) == (host, port)
