"""The relay of the tests passes bytes on whatever else makes a socket readable."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading

from support.certs import Authority
from support.peer import ScriptedPeer, Wire
from support.relaying import relay


def echo(wire: Wire) -> None:
    wire.send(wire.read_exactly(4)[::-1])


def test_a_session_ticket_that_comes_first_keeps_nobody_waiting(ca: Authority) -> None:
    context = ca.client_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with contextlib.ExitStack() as stack:
        peer = stack.enter_context(ScriptedPeer(echo, tls=ca.server_context()))
        client, left = map(stack.enter_context, socket.socketpair())
        sock = stack.enter_context(socket.create_connection(peer.address, 20))
        right = stack.enter_context(context.wrap_socket(sock, server_hostname="localhost"))
        assert select.select([right], [], [], 20)[0]  # the server sends its tickets behind the handshake
        thread = threading.Thread(target=relay, args=(left, right))
        thread.start()
        # Time enough to read the tickets; where that is taken for a message, the next one is not heard.
        assert not select.select([client], [], [], 0.05)[0]
        client.settimeout(5)
        client.sendall(b"ping")
        assert client.recv(4) == b"gnip"
        client.shutdown(socket.SHUT_WR)
        thread.join(20)
        assert not thread.is_alive()
