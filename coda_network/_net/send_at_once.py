"""Sending what the system takes without a wait."""

from __future__ import annotations

import os
import socket

_HAS_DESCRIPTORS = os.name == "posix"  # elsewhere a socket is no file descriptor


def send_at_once(sock: socket.socket, data: bytes) -> int:
    """Send what fits into the buffer of the system; return how many bytes that were.

    ``send()`` of a socket with a timeout asks the system first whether it would wait. That is a call more, and at each
    one Python lets other threads run, of which a server may have hundreds.

    :param sock: without TLS, and with a timeout: the system then never waits
    :raises OSError: the connection is broken
    """
    if not _HAS_DESCRIPTORS:
        return 0
    try:
        return os.write(sock.fileno(), data)
    except BlockingIOError:
        return 0
