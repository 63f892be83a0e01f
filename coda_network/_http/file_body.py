"""The body of a request that is a file of the system: sent without passing through Python, where that can be.

http.client reads it in blocks of 8 KiB and sends each. 256 MiB took 223 ms of processor time so, take 118 by blocks of
1 MiB, and 59 by ``sendfile()``.
"""

from __future__ import annotations

import io
import os
import socket
import stat
import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

BLOCK = 1 << 20
"""Bytes that are read at once from a file of the system."""

LARGEST_CHUNK = 1 << 26
"""Bytes of one chunk; some servers count those of a chunk in 32 bits."""

_KINDS = (io.BufferedReader, io.BufferedRandom, io.FileIO)


def is_regular(body: Any) -> bool:
    """Return whether a body is a file of the system: to read much of it at once waits for nobody, as a pipe might."""
    kind = type(body)
    if kind not in _KINDS or (kind is not io.FileIO and type(body.raw) is not io.FileIO):
        return False
    try:
        return stat.S_ISREG(os.fstat(body.fileno()).st_mode) and body.readable()
    except (OSError, ValueError):  # it is closed
        return False


def blocks(body: Any) -> Iterator[bytes]:
    """Give the rest of a file in large blocks."""
    while block := body.read(BLOCK):
        yield block


def can_go_by_sendfile(sock: Any) -> bool:
    """Return whether a socket takes a file from the system: not through TLS, nor one that has a way of its own."""
    # A green socket, which gevent and eventlet put in place of ``socket.socket``, would hold up all its threads.
    is_plain = type(sock) is socket.socket and socket.socket.__module__ == "socket" and sock.gettimeout() != 0
    return is_plain and hasattr(os, "sendfile")


def send_file(connection: Any, body: Any, chunked: bool) -> int:
    """Send the rest of a file; return how many bytes of it went out.

    :param connection: its socket is a plain one
    :param chunked: in chunks (RFC 9112 section 7.1)
    :raises OSError: it was not sent to its end
    """
    sys.audit("http.client.send", connection, body)
    sock: socket.socket = connection.sock
    if type(body) is io.BufferedRandom:
        body.flush()
    begin: int = body.tell()
    if not chunked:
        return sock.sendfile(body, begin)
    left = end = max(0, os.fstat(body.fileno()).st_size - begin)
    before = b""
    while left:
        count = min(left, LARGEST_CHUNK)
        sock.sendall(before + b"%X\r\n" % count)
        if sock.sendfile(body, begin + end - left, count) != count:
            raise OSError("the file that is the body became shorter while it was sent")
        left -= count
        before = b"\r\n"
    sock.sendall(before + b"0\r\n\r\n")
    return end
