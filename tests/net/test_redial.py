"""Connecting again: the old socket object gets the new connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from coda_network._net.redial import redial


class Pairs:
    """Connected sockets; the test reads and writes at the far ends."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def make(self) -> tuple[socket.socket, socket.socket]:
        near, far = socket.socketpair()
        return self._stack.enter_context(near), self._stack.enter_context(far)


class FakeTLS:
    """A TLS socket that is no subclass of ``socket.socket``, like pyOpenSSL's in urllib3 and TLS within TLS."""

    def __init__(self) -> None:
        self.closed = False

    def getpeercert(self, binary_form: bool = False) -> bytes | None:
        return None

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    with ExitStack() as stack:
        yield Pairs(stack)


def test_the_old_socket_gets_the_new_connection_and_its_timeout(pairs: Pairs) -> None:
    (before, _), (new, far) = pairs.make(), pairs.make()
    before.close()
    new.settimeout(7)
    assert redial(lambda: new, before) is before
    assert (before.gettimeout(), new.fileno()) == (7, -1)
    before.sendall(b"over the new one")
    assert far.recv(100) == b"over the new one"
    far.sendall(b"reply")
    with before.makefile("rb") as file:
        assert file.read(5) == b"reply"


def test_a_file_of_the_old_connection_reads_nothing_from_the_new_one(pairs: Pairs) -> None:
    (before, _), (new, far) = pairs.make(), pairs.make()
    file = before.makefile("rb", buffering=0)
    before.close()
    redial(lambda: new, before)
    far.sendall(b"reply")
    file.close()
    assert before.recv(5) == b"reply"


def test_without_an_old_socket_the_new_one_is_returned(pairs: Pairs) -> None:
    new, _ = pairs.make()
    assert redial(lambda: new, None) is new


def test_with_a_stand_in_the_new_socket_is_returned(pairs: Pairs) -> None:
    new, _ = pairs.make()
    assert redial(lambda: new, object()) is new
    stand_in = object()
    assert redial(lambda: stand_in, new) is stand_in


def test_a_tls_connection_is_not_followed_by_a_plain_one(pairs: Pairs) -> None:
    new, far = pairs.make()
    with pytest.raises(OSError, match="closed its TLS connection"):
        redial(lambda: new, FakeTLS())
    assert far.recv(1) == b""


def test_a_tls_connection_may_be_followed_by_another() -> None:
    new = FakeTLS()
    assert redial(lambda: new, FakeTLS()) is new
    assert not new.closed
