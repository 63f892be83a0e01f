"""Which user of this machine a client belongs to: Linux lists the sockets of the machine with their owners."""

from __future__ import annotations

import os
import socket
import sys
from ipaddress import IPv4Address, IPv6Address, ip_address

TABLES = ("/proc/net/tcp", "/proc/net/tcp6")

Address = IPv4Address | IPv6Address


def can_tell() -> bool:
    """Return whether this system tells whose a socket is."""
    return os.access(TABLES[0], os.R_OK)


def is_own_users(sock: socket.socket) -> bool:
    """Return whether a client belongs to the user of this process."""
    user = user_of_peer(sock)
    return user is not None and user == os.geteuid()


def user_of_peer(sock: socket.socket) -> int | None:
    """Return the user id of the process at the other end of a connection within this machine.

    :param sock: our end of it
    :returns: None where the system does not tell, or the other end is not here, or closed by now
    """
    there, here = _place(sock.getpeername()), _place(sock.getsockname())
    for table in TABLES:
        try:
            with open(table, encoding="ascii") as file:
                next(file, None)  # the names of the columns
                for line in file:
                    _, local, remote, _, _, _, _, user, _, inode, *_ = line.split()
                    # A socket that its process has closed is listed as root's, without an inode.
                    if inode != "0" and _listed(local) == there and _listed(remote) == here:
                        return int(user)
        except OSError:
            continue
    return None


def _place(name: tuple[str, int]) -> tuple[Address, int]:
    return _plain(ip_address(name[0].partition("%")[0])), name[1]


def _listed(text: str) -> tuple[Address, int]:
    """Read ``0100007F:0C38``: 32-bit words in the machine's byte order, and the port."""
    digits, _, port = text.partition(":")
    words = [int(digits[start : start + 8], 16).to_bytes(4, sys.byteorder) for start in range(0, len(digits), 8)]
    return _plain(ip_address(b"".join(words))), int(port, 16)


def _plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 socket shows as ``::ffff:a.b.c.d``."""
    return getattr(address, "ipv4_mapped", None) or address
