"""Keeps a foreign suite on this machine: names from outside are unknown, addresses from outside never respond.

Suites test their time-outs with addresses that nobody has. An audit hook does all this, so that nothing of
the socket module is replaced.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
import time
from typing import Any

# Where a suite allows more seconds than these, it does not mean to wait for them.
_LONGEST_WAIT = 5.0


def stay() -> None:
    """Refuse, from now on and in this process, to look up or contact any other machine."""
    own_name = socket.gethostname().lower()

    def stays_here(host: Any) -> bool:
        text = host.decode("latin-1") if isinstance(host, (bytes, bytearray)) else host
        if not isinstance(text, str) or not text:
            return True
        name = text.lower().rstrip(".")
        if name in ("localhost", own_name) or name.endswith(".localhost"):
            return True
        address = _address(name.partition("%")[0])
        return address is not None and (address.is_loopback or address.is_unspecified)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto"):
            address = arguments[1]
            # A tuple is an internet address; a path or bytes belongs to a socket of this machine.
            if isinstance(address, tuple) and isinstance(address[0], str) and not stays_here(address[0]):
                _stay_silent(arguments[0])
        elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
            host = arguments[0]
            # Writing an address in another form asks nobody.
            if not stays_here(host) and _address(host) is None:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    sys.addaudithook(hook)


def _address(text: Any) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _stay_silent(sock: socket.socket) -> None:
    """What connect() to a silent address comes to: a time-out, when there is one to wait for."""
    timeout = sock.gettimeout()
    if timeout and timeout <= _LONGEST_WAIT:
        time.sleep(timeout)
        raise TimeoutError("timed out")
    raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
