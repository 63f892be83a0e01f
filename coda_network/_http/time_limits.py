"""A connection whose ``timeout`` is a Timeout: which limit its socket obeys, and from when on."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coda_network._net.deadline import Deadline, TimeLimit
from coda_network._net.deadline_socket import DeadlineSocket, dial_within
from coda_network._net.timeout import started

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def connecting(connection: Any) -> Iterator[None]:
    """Let what is done within have the limit for connecting, and the socket that there is afterwards the others.

    Meanwhile the ``timeout`` of the connection is that one limit, for all steps together.
    """
    timeout, create = connection.timeout, connection._create_connection
    limit = started(timeout)
    assert limit is not None  # nobody else comes here
    deadline = limit.connecting()
    connection.timeout = TimeLimit.until(deadline, deadline.remaining() or float(limit))
    connection._create_connection = functools.partial(dial_within, create)
    _move_to(deadline, connection)  # one that a refused tunnel has left open
    try:
        yield
    finally:
        connection.timeout, connection._create_connection = timeout, create
        _move_to(limit.reading(), connection)


def begin_request(connection: Any) -> None:
    """Start the clock of a request on an open connection, which still has that of the request before."""
    limit = started(connection.timeout)
    if limit is not None:
        _move_to(limit.reading(), connection)


def _move_to(deadline: Deadline, connection: Any) -> None:
    for holder in (connection, connection._refused_tunnel):
        if isinstance(sock := getattr(holder, "sock", None), DeadlineSocket):
            sock.deadline = deadline
