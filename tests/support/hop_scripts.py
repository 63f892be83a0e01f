"""Proxies of each kind as scripts for ScriptedPeer: they open a way to where they are asked to, and relay."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address

from support.accounts import ALICE
from support.listening import TIMEOUT
from support.peer import ClientGone, Wire
from support.relaying import relay

SUCCEEDED_5 = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50"
SUCCEEDED_4 = b"\x00\x5a" + bytes(6)


def http_hop(wire: Wire) -> None:
    """CONNECT; with the context of a ScriptedPeer it is an https:// proxy."""
    host, _, port = wire.read_head().split()[1].decode().rpartition(":")
    _pass_on(wire, host.strip("[]"), int(port), b"HTTP/1.1 200 Open\r\n\r\n")


def socks5_hop(wire: Wire) -> None:
    """SOCKS5 without a login (RFC 1928)."""
    _, count = wire.read_exactly(2)
    wire.read_exactly(count)
    wire.send(b"\x05\x00")
    _socks5_request(wire)


def socks5_login_hop(wire: Wire) -> None:
    """SOCKS5 that wants alice's password (RFC 1929)."""
    _, count = wire.read_exactly(2)
    if 2 not in wire.read_exactly(count):
        wire.send(b"\x05\xff")
        return
    wire.send(b"\x05\x02")
    _, length = wire.read_exactly(2)
    user = wire.read_exactly(length)
    password = wire.read_exactly(wire.read_exactly(1)[0])
    is_alice = (user.decode(), password.decode()) == (ALICE.user, ALICE.password)
    wire.send(b"\x01\x00" if is_alice else b"\x01\x01")
    if is_alice:
        _socks5_request(wire)


def _socks5_request(wire: Wire) -> None:
    kind = wire.read_exactly(4)[3]
    if kind == 3:
        host = wire.read_exactly(wire.read_exactly(1)[0]).decode()
    else:
        host = str(ip_address(wire.read_exactly(4 if kind == 1 else 16)))
    _pass_on(wire, host, int.from_bytes(wire.read_exactly(2), "big"), SUCCEEDED_5)


def socks4_hop(wire: Wire) -> None:
    """SOCKS4 and SOCKS4a, without a look at the user."""
    request = wire.read_exactly(8)
    port, address = int.from_bytes(request[2:4], "big"), request[4:]
    _until_nul(wire)
    by_name = address[:3] == bytes(3) and address[3]
    host = _until_nul(wire).decode() if by_name else socket.inet_ntoa(address)
    _pass_on(wire, host, port, SUCCEEDED_4)


def _until_nul(wire: Wire) -> bytes:
    return b"".join(iter(lambda: wire.read_exactly(1), b"\0"))


def _pass_on(wire: Wire, host: str, port: int, reply: bytes) -> None:
    with socket.create_connection((host, port), TIMEOUT) as site:
        wire.send(reply)
        relay(wire.sock, site)


def forgiving(script: Callable[[Wire], object]) -> Callable[[Wire], None]:
    """Return a script that says nothing of what somebody else has broken."""

    def run(wire: Wire) -> None:
        with suppress(ClientGone, OSError, ValueError, IndexError):
            script(wire)

    return run
