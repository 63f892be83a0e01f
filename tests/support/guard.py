"""Keeps the tests on this machine: a connect to anything but loopback fails the test that made it."""

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


def install() -> None:
    """Guard every connect of this process from now on: an audit hook sees C code too and stays for good."""
    sys.addaudithook(_watch)
