"""Pages that nobody needs: behind a challenge, a refused CONNECT, a redirect.

All that counts is in the head. Reading the page keeps the connection, which is worth a moment and some bytes, and no
more: a page may drip, or have no end. Where its end is not at hand the connection is closed, and another one opened.
"""

from __future__ import annotations

import io
import socket
from http.client import HTTPException
from time import monotonic

from coda_network._http import in_place
from coda_network._http.reader import SocketFile

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

DRAIN_SECONDS = 0.25
"""For which a page is waited, on the clock: a byte now and then does not extend it."""

DRAIN_LIMIT = 1 << 16
"""Bytes of a page that are read to keep its connection; beyond that another connection is cheaper."""

KEEP_LIMIT = 1 << 20
"""Bytes of a refusal that are kept for the program."""


class _HurriedFile(SocketFile):
    """A SocketFile that waits no longer than until a moment on the clock, whatever the timeout of its socket."""

    until = 0.0

    def readinto(self, b: Any) -> int | None:
        """Read once from the socket; return None while the network is not to be asked.

        :raises TimeoutError: the moment has come
        """
        self.passed_by = False
        if self.ahead:
            return self.from_ahead(b)
        if self.offline:
            return None  # the reader only looks into its buffer, at the end of the page
        left = self.until - monotonic()
        if left <= 0:
            raise TimeoutError("the page did not come to its end in time")
        sock = self._sock
        timeout, deadline = sock.gettimeout(), getattr(sock, "deadline", None)
        if deadline is not None:
            sock.deadline = None  # it would set its own timeout, which is longer or has passed
            left = min(left, deadline.timeout_for_socket() or left)
        sock.settimeout(left if timeout is None else min(left, timeout))
        try:
            return sock.recv_into(b)  # type: ignore[no-any-return]  # a socket, or what stands in for one
        finally:
            if deadline is not None:
                sock.deadline = deadline
            sock.settimeout(timeout)


def drain(response: Any) -> bool:
    """Part from a response whose body nobody needs; return whether its connection can go on.

    A connection that ends with the response is not waited for.
    """
    if getattr(response, "will_close", False) is not True:
        read_at_hand(response, DRAIN_LIMIT)
    is_whole = getattr(response, "length", None) == 0 or getattr(response, "_complete", False)
    response.close()
    return bool(is_whole) and not getattr(response, "will_close", False)


def read_at_hand(response: Any, limit: int) -> bytes:
    """Return what comes of a body within a short time, at most *limit* bytes; what failed on the way is its end."""
    raw: Any = getattr(getattr(response, "fp", None), "raw", None)
    kind = type(raw)
    is_socket = isinstance(raw, socket.SocketIO) and kind in (SocketFile, socket.SocketIO)
    if is_socket:
        raw.__class__ = _HurriedFile
        raw.until = monotonic() + DRAIN_SECONDS
    pieces = []
    try:
        while limit > 0 and (data := response.read1(min(limit, 65536)) if is_socket else response.read(limit)):
            pieces.append(data)
            limit -= len(data)
    except (HTTPException, OSError, ValueError):
        pass
    finally:
        if is_socket:
            raw.__class__ = kind
    return b"".join(pieces)


def look_ahead(connection: Any, seconds: float) -> bytes:
    """Return the beginning of what comes next on a connection, which stays there; nothing where nothing comes in time.

    :param seconds: for which it is waited
    """
    reader = in_place.our_connection._reader_ahead(connection)
    if reader is None:
        return b""  # a stand-in for a socket
    reader.source.__class__ = _HurriedFile
    reader.source.until = monotonic() + seconds
    try:
        return reader.file.peek(1)  # type: ignore[no-any-return]  # bytes
    except (OSError, ValueError):
        return b""
    finally:
        reader.source.__class__ = SocketFile


def keep_body(refusal: Any) -> bytes:
    """Read the body of a refusal into memory, so that it outlives the connection, and part from that.

    :param refusal: a response; its body, or what came of it, can still be read from it
    :returns: the body, as far as it is at hand
    """
    body = read_at_hand(refusal, KEEP_LIMIT)
    if refusal.fp is not None:
        refusal._close_conn()
    refusal.fp, refusal.length, refusal.chunked = io.BytesIO(body), len(body), False
    return body
