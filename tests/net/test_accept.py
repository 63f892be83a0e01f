"""Clients are accepted one after the other, whatever goes wrong with one of them."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest

from coda_network._net import accept
from coda_network._net.accept import Accepted


class Listener:
    """Gives out clients, and raises errors, in the order of a script; then it is closed."""

    def __init__(self, *script: Any, blocking: bool = True) -> None:
        self._script = list(script)
        self._blocking = blocking

    def accept(self) -> tuple[Any, tuple[str, int]]:
        if not self._script:
            raise OSError(errno.EBADF, "closed")
        step = self._script.pop(0)
        if isinstance(step, OSError):
            raise step
        return step, ("127.0.0.1", 1)

    def fileno(self) -> int:
        return 3 if self._script else -1

    def getblocking(self) -> bool:
        return self._blocking


def error(number: int) -> OSError:
    return OSError(number, errno.errorcode[number])


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accept, "PAUSE", 0)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ECONNABORTED])
def test_an_error_of_one_does_not_end_the_others(number: int) -> None:
    told: list[str] = []
    listener: Any = Listener("one", error(number), error(number), "two", error(number), "three")
    assert [client for client, _ in Accepted(listener, told.append)] == ["one", "two", "three"]
    # Once for each time of need; a client that has left is none.
    assert told == ([] if number == errno.ECONNABORTED else [errno.errorcode[number]] * 2)


def test_who_does_not_wait_gets_those_that_are_there() -> None:
    told: list[str] = []
    listener: Any = Listener("one", BlockingIOError(), "two", error(errno.EMFILE), "three", blocking=False)
    accepted = Accepted(listener, told.append)
    assert [[client for client, _ in accepted] for _ in range(3)] == [["one"], ["two"], ["three"]]
    assert told == ["EMFILE"]


def test_a_real_socket_that_is_closed_ends_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted = iter(Accepted(server, pytest.fail))
        with socket.create_connection(server.getsockname(), 5):
            next(accepted)[0].close()
    assert list(accepted) == []
