"""Sockets with a deadline: each call waits no longer than the time that is left of a whole operation.

Before each call the socket's timeout is set to what is left until the ``Deadline``.
"""

from __future__ import annotations

import functools
import socket
from typing import TYPE_CHECKING, Any

from coda_network._net.deadline import Deadline, TimeLimit
from coda_network._net.happy_eyeballs import create_connection, race, stands_in_for
from coda_network._net.resolve import resolve
from coda_network._net.tls import begin_tls, is_tls

if TYPE_CHECKING:
    from ssl import SSLContext, SSLSocket

    _Base = socket.socket
else:
    _Base = object


class DeadlineSocket(_Base):
    """A mixin for classes of sockets: the calls that may wait obey a deadline."""

    deadline: Deadline | None = None
    without_deadline: Any
    """The class that this one adds a deadline to."""

    def _set_timeout_from_deadline(self) -> None:
        # Whoever has set zero wants no wait at all.
        if self.deadline is not None and self.gettimeout() != 0:
            self.settimeout(self.deadline.timeout_for_socket())

    def recv(self, *args: Any) -> bytes:
        self._set_timeout_from_deadline()
        return super().recv(*args)

    def recv_into(self, *args: Any) -> int:
        self._set_timeout_from_deadline()
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        self._set_timeout_from_deadline()
        return super().send(*args)

    def sendall(self, *args: Any) -> None:
        # A plain socket applies one timeout to the whole of sendall(); a TLS socket calls send() in a loop.
        self._set_timeout_from_deadline()
        return super().sendall(*args)


@functools.cache
def _with_deadline(base: Any) -> Any:
    return type(base.__name__, (DeadlineSocket, base), {"without_deadline": base})


def connect_within(
    deadline: Deadline, address: tuple[str, int], timeout: object = None, source_address: tuple[str, int] | None = None
) -> socket.socket:
    """Connect to the first address of a host that accepts (RFC 8305); the attempts share one deadline.

    It stands in for ``socket.create_connection``. The deadline covers the resolution of the host's name, too, which a
    thread does meanwhile.

    :param address: host and port
    :param timeout: ignored; ``create_connection`` has it in this position
    :param source_address: local host and port to connect from
    :returns: the socket, whose later calls obey the deadline too
    :raises TimeoutError: the time is up
    :raises OSError: no address accepts; this is the error of the last attempt
    """
    # ``socket.socket`` is looked up now, because gevent replaces it.
    sock: DeadlineSocket = race(resolve(*address, deadline), _with_deadline(socket.socket), deadline, source_address)
    sock.deadline = deadline
    sock.settimeout(deadline.remaining() or None)
    return sock


def dial_within(create: Any, address: tuple[str, int], timeout: TimeLimit, source_address: Any = None) -> Any:
    """Connect by a function like ``socket.create_connection``; the socket obeys the deadline of *timeout*.

    :param create: one of a program's own is called, as it knows where to connect to; the standard library's is not
    :raises TimeoutError: the time is up
    :raises OSError: the connection failed
    """
    if create is create_connection or stands_in_for(create):
        return connect_within(timeout.deadline, address, None, source_address)
    sock = create(address, timeout, source_address)
    try:
        return obey(timeout.deadline, sock)
    except BaseException:
        sock.close()
        raise


def tls_within(deadline: Deadline, context: SSLContext, sock: socket.socket, server_hostname: str) -> SSLSocket:
    """Begin TLS on a connected socket; return the TLS socket, whose calls obey the deadline too.

    :raises TimeoutError: the time is up; the socket is closed
    :raises OSError: the handshake failed; the socket is closed
    """
    try:
        # One timeout applies to the whole handshake. What is below is then waited for by the TLS socket alone.
        sock = lift_deadline(sock, deadline.timeout_for_socket())
        tls_sock = begin_tls(context, sock, server_hostname)
    except BaseException:
        sock.close()
        raise
    put_tls_under(deadline, tls_sock)
    return tls_sock  # type: ignore[no-any-return]  # a TLS socket of any kind


def put_tls_under(deadline: Deadline, tls_sock: SSLSocket) -> None:
    """Let the calls of a TLS socket obey a deadline."""
    # The context decides which class its sockets have (truststore and gevent have their own), so the mixin is added
    # afterwards.
    kind: Any = type(tls_sock)
    tls_sock.__class__ = _with_deadline(kind)
    tls_sock.deadline = deadline  # type: ignore[attr-defined]  # it is a DeadlineSocket now


def put_under(deadline: Deadline, sock: socket.socket) -> socket.socket:
    """Move the connection of *sock* to a new socket whose calls obey the deadline, and return that; *sock* is detached.

    :raises TimeoutError: the time is up; the socket is closed
    """
    try:
        timeout = deadline.timeout_for_socket()
    except TimeoutError:
        sock.close()
        raise
    family, kind, protocol = sock.family, sock.type, sock.proto
    moved: DeadlineSocket = _with_deadline(socket.socket)(family, kind, protocol, fileno=sock.detach())
    moved.settimeout(timeout)
    moved.deadline = deadline
    return moved


def obey(deadline: Deadline, sock: Any) -> Any:
    """Let the calls of a connected socket obey a deadline; return the socket to go on with.

    :raises TimeoutError: the time is up
    """
    if isinstance(sock, DeadlineSocket):
        sock.deadline = deadline
    elif is_tls(sock):
        put_tls_under(deadline, sock)
    elif type(sock) is socket.socket:
        return put_under(deadline, sock)
    else:  # a stand-in of a program's own
        sock.settimeout(deadline.timeout_for_socket())
    return sock


def lift_deadline(sock: Any, timeout: float | None) -> Any:
    """Replace the deadline of a socket by a timeout for each call; return the socket to go on with.

    That is one of the class that it had without a deadline: its calls cost no more than they did, and ``sendfile()`` is
    for plain sockets only.

    :param sock: is detached where another one is returned
    :param timeout: in seconds, None for no limit
    """
    if isinstance(sock, DeadlineSocket):
        sock.deadline = None
        kind = sock.without_deadline
        if is_tls(sock):
            sock.__class__ = kind
        elif not sock._io_refs:  # type: ignore[attr-defined]  # a file that is open goes on reading from this one
            family, type_, protocol = sock.family, sock.type, sock.proto
            sock = kind(family, type_, protocol, fileno=sock.detach())
    sock.settimeout(timeout)
    return sock
