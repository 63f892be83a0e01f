"""What makes two connections interchangeable."""

from __future__ import annotations

import ssl

import pytest

from coda_network._net.dial import SocketKeepalive
from coda_network._pool.key import PoolKey

PROXY = ("http", "proxy.example", 3128)
SECRET = "s3cret"


def key(**changes: object) -> PoolKey:
    return PoolKey(**{"scheme": "https", "host": "example.org", "port": 443, **changes})


def test_equal_keys_are_one_entry_of_a_table() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    given = {
        "proxy": PROXY,
        "tunnel": True,
        "tls": context,
        "cert": ("a.pem", "a.key", SECRET),
        "socket_keepalive": SocketKeepalive(30),
        "user": "alice",
    }
    assert key(**given) == key(**given)
    assert len({key(**given), key(**given)}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"scheme": "http"},
        {"host": "example.com"},
        {"port": 8443},
        {"proxy": PROXY},
        {"tunnel": True},
        {"tls": ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)},
        {"cert": ("a.pem", None, None)},
        {"socket_keepalive": True},
        {"socket_keepalive": SocketKeepalive(30)},
        {"user": "alice"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_difference_in_any_part_keeps_connections_apart(change: dict[str, object]) -> None:
    assert key(**change) != key()


def test_two_contexts_alike_are_two() -> None:
    one, other = (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(2))
    assert key(tls=one) != key(tls=other)


def test_letter_case_of_scheme_and_host_does_not_matter() -> None:
    assert key(scheme="HTTPS", host="Example.ORG") == key()


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (key(), "<PoolKey https://example.org:443>"),
        (key(host="::1"), "<PoolKey https://[::1]:443>"),
        (
            key(proxy=PROXY, tunnel=True),
            "<PoolKey https://example.org:443 through http://proxy.example:3128>",
        ),
        (
            key(scheme="http", port=80, proxy=PROXY),
            "<PoolKey http://example.org:80 by http://proxy.example:3128>",
        ),
        (key(cert=("a.pem", "a.key", SECRET), user=SECRET), "<PoolKey https://example.org:443>"),
    ],
)
def test_the_repr_shows_the_way_and_no_secret(given: PoolKey, shown: str) -> None:
    assert repr(given) == str(given) == shown
