"""Sees every connect of this process: one beyond loopback fails its test, and those to an address are counted."""

from __future__ import annotations

import ipaddress
import sys


def is_local(address: object) -> bool:
    """Tell whether `address`, as given to connect(), is on loopback or no internet address at all."""
    if not isinstance(address, tuple) or not address or not isinstance(address[0], str):
        return True  # A Unix socket's path, netlink and the like.
    host = address[0].partition("%")[0]
    if host in ("", "localhost"):
        return True
    try:
        found = ipaddress.ip_address(host)
        return (getattr(found, "ipv4_mapped", None) or found).is_loopback  # Python before 3.13 does not look inside
    except ValueError:
        return False  # Any other name would be resolved, and might be anywhere.


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and not is_local(arguments[1]):
        raise AssertionError(f"a test tried to connect to {arguments[1]!r}: only loopback is allowed")
    if event == "socket.connect":
        for each in _counts:
            each.connections += arguments[1] == each.address


class Connects:
    """Counts the connects of this process to an address, for a with statement; a relay would count those of others.

    :param address: host and port, as they are given to connect()
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.connections = 0

    def __enter__(self) -> Connects:
        _counts.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _counts.remove(self)


_counts: list[Connects] = []


def install() -> None:
    """Guard every connect of this process from now on: an audit hook sees C code too and stays for good."""
    sys.addaudithook(_watch)
