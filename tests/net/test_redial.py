"""Dialling again: a socket object goes on with the new connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from coda_network._net.redial import redial


class Pairs:
    """Connected sockets; the far ends answer by hand."""

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


def test_the_old_object_has_the_new_connection_and_its_timeout(pairs: Pairs) -> None:
    (before, _), (new, far) = pairs.make(), pairs.make()
    before.close()
    new.settimeout(7)
    assert redial(lambda: new, before) is before
    assert (before.gettimeout(), new.fileno()) == (7, -1)
    before.sendall(b"over the new one")
    assert far.recv(100) == b"over the new one"
    far.sendall(b"answer")
    with before.makefile("rb") as file:
        assert file.read(6) == b"answer"


def test_a_file_of_the_old_connection_reads_nothing_of_the_new_one(pairs: Pairs) -> None:
    (before, _), (new, far) = pairs.make(), pairs.make()
    file = before.makefile("rb", buffering=0)
    before.close()
    redial(lambda: new, before)
    far.sendall(b"answer")
    file.close()
    assert before.recv(6) == b"answer"


def test_without_a_socket_before_the_new_one_is_returned(pairs: Pairs) -> None:
    new, _ = pairs.make()
    assert redial(lambda: new, None) is new


def test_stand_ins_are_returned_as_they_are(pairs: Pairs) -> None:
    new, _ = pairs.make()
    assert redial(lambda: new, object()) is new
    stand_in = object()
    assert redial(lambda: stand_in, new) is stand_in


def test_tls_is_not_followed_by_plain_text(pairs: Pairs) -> None:
    new, far = pairs.make()
    with pytest.raises(OSError, match="closed its TLS connection"):
        redial(lambda: new, FakeTLS())
    assert far.recv(1) == b""


def test_tls_may_be_followed_by_tls() -> None:
    new = FakeTLS()
    assert redial(lambda: new, FakeTLS()) is new
    assert not new.closed
