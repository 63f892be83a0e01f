"""Pool keys: what makes two connections interchangeable."""

from __future__ import annotations

import ssl

import pytest

from coda_network._net.dial import SocketKeepalive
from coda_network._pool.key import PoolKey

SECRET = "s3cret"


class Plain:
    """A class of connections."""


class Encrypted(Plain):
    """Another class of connections."""


def key(**changes: object) -> PoolKey:
    return PoolKey(
        **{"connection_class": Plain, "authority": "example.org:8080", "tunnel": None, "options": (), **changes}
    )


def test_equal_keys_find_the_same_entry_of_a_table() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def given() -> PoolKey:
        options = (("context", context), ("socket_keepalive", SocketKeepalive(30)))
        return key(connection_class=Encrypted, tunnel="example.net:443", options=options)

    assert given() == given()
    assert len({given(), given()}) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"connection_class": Encrypted},
        {"authority": "example.com:8080"},
        {"authority": "example.org"},
        {"tunnel": "example.org:8080"},
        {"options": (("context", None),)},
        {"options": (("socket_keepalive", True),)},
        {"options": (("socket_keepalive", SocketKeepalive(30)),)},
        {"options": (("cert", ("a.pem", None, None)),)},
    ],
    ids=str,
)
def test_a_difference_in_any_part_keeps_connections_apart(change: dict[str, object]) -> None:
    assert key(**change) != key()


def test_two_tls_contexts_with_equal_settings_make_different_keys() -> None:
    one, other = (ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(2))
    assert key(options=(("context", one),)) != key(options=(("context", other),))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (key(), "<PoolKey Plain example.org:8080>"),
        (
            key(connection_class=Encrypted, tunnel="example.net:443"),
            "<PoolKey Encrypted example.org:8080 to example.net:443>",
        ),
        (key(options=(("cert", ("a.pem", "a.key", SECRET)),)), "<PoolKey Plain example.org:8080>"),
    ],
)
def test_the_repr_shows_the_route_and_no_secret(given: PoolKey, shown: str) -> None:
    assert repr(given) == str(given) == shown
