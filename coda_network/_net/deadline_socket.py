"""Sockets under a deadline: each call waits no longer than what is left of a whole operation.

A socket's timeout holds for each call by itself, so a peer that sends a byte now and then is never late. Here the
timeout is set anew before every call, from one Deadline.
"""

from __future__ import annotations

import functools
import socket
from typing import TYPE_CHECKING, Any

from coda_network._net.deadline import Deadline

if TYPE_CHECKING:
    from ssl import SSLContext, SSLSocket

    _Base = socket.socket
else:
    _Base = object


class DeadlineSocket(_Base):
    """What a class of sockets has in addition: a deadline, and the calls that may wait obey it."""

    deadline: Deadline | None = None

    def _set_what_is_left(self) -> None:
        if self.deadline is not None:
            self.settimeout(self.deadline.timeout_for_socket())

    def recv(self, *args: Any) -> bytes:
        self._set_what_is_left()
        return super().recv(*args)

    def recv_into(self, *args: Any) -> int:
        self._set_what_is_left()
        return super().recv_into(*args)

    def send(self, *args: Any) -> int:
        self._set_what_is_left()
        return super().send(*args)

    def sendall(self, *args: Any) -> None:
        # One call to the system's own sockets, with one timeout; a loop over send() where there is TLS.
        self._set_what_is_left()
        return super().sendall(*args)


@functools.cache
def _with_deadline(base: Any) -> Any:
    return type(base.__name__, (DeadlineSocket, base), {})


def connect_within(
    deadline: Deadline, address: tuple[str, int], timeout: object = None, source_address: tuple[str, int] | None = None
) -> socket.socket:
    """Connect to the first address of a host that answers; all attempts share the time.

    The parameters behind the deadline are those of ``socket.create_connection``, in the place of which this stands;
    the timeout does not count. The resolution of the host's name is not limited.

    :raises TimeoutError: the time is up
    :raises OSError: no address answered; it is what the last one failed with
    """
    host, port = address
    failure: OSError = OSError(f"no address found for {host}")
    # Looked up now, so that a class that somebody has put in its place (gevent's, say) counts.
    new_socket = _with_deadline(socket.socket)
    for family, kind, protocol, _, place in socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM):
        left = deadline.timeout_for_socket()
        try:
            sock: DeadlineSocket = new_socket(family, kind, protocol)
        except OSError as error:  # a family that the machine does not have
            failure = error
            continue
        try:
            sock.deadline = deadline
            sock.settimeout(left)
            if source_address is not None:
                sock.bind(source_address)
            sock.connect(place)
            return sock
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
    try:
        raise failure
    finally:
        del failure  # it refers to this frame, and the frame to it


def tls_within(deadline: Deadline, context: SSLContext, sock: socket.socket, server_hostname: str) -> SSLSocket:
    """Begin TLS on a connected socket and return the TLS socket, which is under the deadline too.

    :raises TimeoutError: the time is up
    :raises OSError: the handshake failed; the socket is closed then
    """
    try:
        # A handshake is one call with one timeout.
        sock.settimeout(deadline.timeout_for_socket())
        tls_sock = context.wrap_socket(sock, server_hostname=server_hostname)
    except BaseException:
        sock.close()
        raise
    # The context decides which class its sockets have (truststore and gevent have their own), so the rest of the
    # class is added afterwards.
    kind: Any = type(tls_sock)
    tls_sock.__class__ = _with_deadline(kind)
    tls_sock.deadline = deadline  # type: ignore[attr-defined]  # it is a DeadlineSocket now
    return tls_sock


def release(sock: socket.socket, timeout: float | None) -> None:
    """Take a socket out of its deadline: from now on it has a timeout for each call, in seconds, or none."""
    if isinstance(sock, DeadlineSocket):
        sock.deadline = None
    sock.settimeout(timeout)
