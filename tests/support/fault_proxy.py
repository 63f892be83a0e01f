"""A relay that breaks a connection where the test says: behind byte N of one direction, in one of four ways."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from dataclasses import dataclass

from support.listening import TIMEOUT, shut_down
from support.loopback_server import LoopbackServer

TO_CLIENT, TO_SERVER = "to client", "to server"
FIN, RST, STALL, DRIP = "FIN", "RST", "stall", "drip"


@dataclass(frozen=True)
class Fault:
    """What goes wrong.

    :param direction: whose bytes are counted
    :param after: bytes that pass before it
    :param kind: FIN or RST ends the connection; STALL lets nothing more through; DRIP only a byte now and then
    :param connections: how many of the first connections have it; later ones are whole
    """

    direction: str
    after: int
    kind: str = FIN
    connections: int = 1


class FaultProxy(LoopbackServer):
    """Stands before a server at *target*. Use it in a with statement, and set ``fault`` before each exchange."""

    def __init__(self, target: tuple[str, int]) -> None:
        super().__init__()
        self._target = target
        self.fault: Fault | None = None
        # The addresses of what is reached through *target*, for exchanges that name them.
        self.behind: list[str] = []
        # Bytes that have passed since ``reset()``, by direction, over all connections.
        self.passed = {TO_CLIENT: 0, TO_SERVER: 0}
        self._first = 0

    def reset(self, fault: Fault | None) -> None:
        """Begin to count anew: the next connection is the first one."""
        self.fault = fault
        self.passed = {TO_CLIENT: 0, TO_SERVER: 0}
        self._first = self._listener.connections

    def _serve(self, client: socket.socket, number: int) -> None:
        fault = self.fault
        if fault is not None and number - self._first > fault.connections:
            fault = None
        passed = self.passed
        try:
            server = socket.create_connection(self._target, TIMEOUT)
        except OSError:
            return
        with server:
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _relay(client, server, fault, passed)

    def _raise_failures(self, error: BaseException | None) -> None:
        pass  # what breaks here was meant to


def _relay(client: socket.socket, server: socket.socket, fault: Fault | None, passed: dict[str, int]) -> None:
    other = {client: server, server: client}
    counts = {client: 0, server: 0}
    with selectors.DefaultSelector() as selector:
        for sock in other:
            selector.register(sock, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(TIMEOUT) or [(None, 0)]:
                if key is None:
                    return
                sock: socket.socket = key.fileobj  # type: ignore[assignment]  # what was registered
                try:
                    data = sock.recv(65536)
                    direction = TO_CLIENT if sock is server else TO_SERVER
                    left = None
                    if fault is not None and fault.direction == direction:
                        left = max(0, fault.after - counts[sock])
                    other[sock].sendall(data if left is None else data[:left])
                    counts[sock] += len(data)
                    passed[direction] += len(data)
                    is_broken = fault is not None and left is not None and len(data) > left
                    if is_broken and not _break(fault.kind, client, server, other[sock], data[left:]):
                        return
                except OSError:
                    return
                if not data:
                    selector.unregister(sock)
                    shut_down(other[sock], socket.SHUT_WR)


def _break(kind: str, client: socket.socket, server: socket.socket, sink: socket.socket, rest: bytes) -> bool:
    """Do what is wrong; return whether the connection goes on."""
    if kind == RST:
        for sock in (client, server):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return False
    if kind == DRIP:
        for index in range(len(rest)):
            sink.sendall(rest[index : index + 1])
            time.sleep(0.0002)
    return kind != FIN
