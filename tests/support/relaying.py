"""Copying bytes both ways between two sockets, and a relay that counts the connections to any server."""

from __future__ import annotations

import selectors
import socket
import ssl

from support.listening import TIMEOUT, shut_down
from support.loopback_server import LoopbackServer


def relay(left: socket.socket, right: socket.socket, seen: bytearray | None = None) -> None:
    """Copy bytes between two sockets, plain or of TLS, until both directions end; `seen` gets those of `left`."""
    peer = {left: right, right: left}
    with selectors.DefaultSelector() as selector:
        for end in peer:
            selector.register(end, selectors.EVENT_READ, end)
        while selector.get_map():
            ready = selector.select(TIMEOUT * 6)
            if not ready:
                return
            for key, _ in ready:
                sock: socket.socket = key.data
                try:
                    data = _read(sock)
                    if data is None:
                        continue
                    if data:
                        peer[sock].sendall(data)
                except OSError:
                    return
                if seen is not None and sock is left:
                    seen += data
                if not data:
                    selector.unregister(sock)
                    shut_down(peer[sock], socket.SHUT_WR)


def _read(sock: socket.socket) -> bytes | None:
    """Return what has come, b"" at the end, None where there is nothing for the reader.

    A session ticket makes a TLS socket readable, too (RFC 8446 section 4.6.1): whoever waits for bytes behind it hears
    nothing of the other side meanwhile.
    """
    patience = sock.gettimeout()
    sock.setblocking(False)
    try:
        return sock.recv(262144)
    except (BlockingIOError, ssl.SSLWantReadError):
        return None
    finally:
        sock.settimeout(patience)


class CountingRelay(LoopbackServer):
    """Stands before a server at `target` and passes bytes on, counts connections and keeps what clients sent.

    Use it in a with statement, and connect to `address`, `netloc` or `port` instead of the server's.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__()
        self._target = target
        self._sent: dict[int, bytearray] = {}

    @property
    def sent(self) -> list[bytes]:
        """What each client connection has sent, in the order in which they were opened."""
        return [bytes(self._sent[number]) for number in sorted(self._sent)]

    def _serve(self, sock: socket.socket, number: int) -> None:
        seen = self._sent[number] = bytearray()
        with socket.create_connection(self._target, TIMEOUT) as server:
            relay(sock, server, seen)

    def _raise_failures(self, error: BaseException | None) -> None:
        pass  # a server that cannot be reached is the client's subject
