"""TLS over a socket: by the context's own way, unless there is TLS of the ssl module below already."""

from __future__ import annotations

import gc
import select
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any

import pytest
from support.certs import Authority
from support.listening import Listener, listening_socket

from coda_network import connect, httplib
from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import tls_within
from coda_network._net.tls import begin_tls


class Double:
    """A socket of a test double (mocket's): a plain one, that has the methods of TLS all the same."""

    def getpeercert(self, binary_form: bool = False) -> None:
        return None


class OwnContext:
    """A context that is none of ssl, for sockets of its own kind."""

    def wrap_socket(self, sock: Any, server_hostname: str) -> tuple[Any, str]:
        return sock, server_hostname


def test_a_context_that_is_none_of_ssl_wraps_its_own_sockets() -> None:
    double = Double()
    context: Any = OwnContext()
    assert begin_tls(context, double, "site.example") == (double, "site.example")


def test_so_does_one_that_has_taken_the_name_of_the_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ssl, "SSLContext", OwnContext)
    double = Double()
    context: Any = OwnContext()
    assert begin_tls(context, double, "site.example") == (double, "site.example")


def test_so_does_one_of_ssl_whose_method_somebody_has_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    # httpretty does so, for sockets that have the methods of TLS without it.
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", OwnContext.wrap_socket)
    double = Double()
    assert begin_tls(ssl.create_default_context(), double, "site.example") == (double, "site.example")


# -- what ssl of Python 3.10 to 3.12 loses: the socket whose peer has reset the connection just before


def reset_socket() -> socket.socket:
    """Return a connected socket to which a reset has come."""
    with listening_socket() as listener:
        sock = socket.create_connection(listener.getsockname(), 5)
        peer, _ = listener.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    # Errors and the end are told unasked.
    if hasattr(select, "poll"):
        waiting = select.poll()
        waiting.register(sock, 0)
        assert waiting.poll(5000)
    return sock


def by_connection(context: ssl.SSLContext, sock: socket.socket) -> None:
    connection = httplib.HTTPSConnection("localhost", context=context)
    connection._create_connection = lambda *arguments, **options: sock
    connection.connect()


WAYS: dict[str, Callable[[ssl.SSLContext, socket.socket], object]] = {
    "begin_tls": lambda context, sock: begin_tls(context, sock, "localhost"),
    "a connection": by_connection,
    "start_tls": lambda context, sock: connect.start_tls(sock, context, "localhost"),
    "with a deadline": lambda context, sock: tls_within(Deadline(5), context, sock, "localhost"),
    "a server": lambda context, sock: Listener().wrap(sock, context, 1),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_reset_before_the_handshake_leaves_no_socket(way: str, ca: Authority) -> None:
    context = ca.server_context() if way == "a server" else ca.client_context()
    sock = reset_socket()
    with pytest.raises(ConnectionResetError) as caught:
        WAYS[way](context, sock)
    assert sock.fileno() == -1
    # A socket that somebody forgot would warn here, and a warning is an error.
    del caught
    gc.collect()
