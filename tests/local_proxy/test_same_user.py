"""Programs of our own user, served without the secret where that is asked for: browsers and Java cannot give it."""

from __future__ import annotations

import os
import socket
import time

import pytest
from support.local import RawClient, local_proxy
from support.origin import Origin

from coda_network._local_proxy.peer_user import can_tell, is_own_users, user_of_peer


@pytest.mark.parametrize("same_user", [False, True])
def test_programs_of_the_same_user_are_served_where_that_is_asked_for(origin: Origin, same_user: bool) -> None:
    served = same_user and can_tell()
    with local_proxy(secret="s3cret", same_user=same_user) as proxy:
        with RawClient(proxy) as client:
            assert client.get(origin.url)[0] == (200 if served else 407)
        with RawClient(proxy) as client:
            client.send(b"\x05\x01\x00")  # SOCKS5, and no way to give a password
            assert client.file.read(2) == (b"\x05\x00" if served else b"\x05\xff")


@pytest.mark.parametrize("mapped", [False, True], ids=["ipv4", "an IPv4 address on an IPv6 socket"])
def test_the_user_is_the_one_at_the_other_end(mapped: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        family, host = (socket.AF_INET6, "::ffff:127.0.0.1") if mapped else (socket.AF_INET, "127.0.0.1")
        with socket.socket(family) as there:
            there.connect((host, port))
            here, _ = listener.accept()
            with here:
                assert user_of_peer(here) == (os.geteuid() if can_tell() else None)


def test_a_socket_that_is_closed_is_nobodys() -> None:
    # Linux lists it as root's: another user would be taken for root, where root runs the proxy.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        there = socket.create_connection(listener.getsockname())
        here, _ = listener.accept()
        with here:
            there.sendall(b"GET")
            there.close()
            deadline = time.monotonic() + 5
            while is_own_users(here) and time.monotonic() < deadline:
                time.sleep(0.01)
            assert not is_own_users(here)
            assert user_of_peer(here) is None
