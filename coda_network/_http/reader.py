"""The reading side of one connection: one buffered file that successive responses share.

http.client makes a buffered file for every response, and what that has read too much is lost with it. Here the file
belongs to the connection, which therefore knows how each response ended.
"""

from __future__ import annotations

import socket

from coda_network._net.liveness import Liveness
from coda_network._net.real_socket import has_own_reads, is_file_of, is_real
from coda_network._net.tls import is_tls

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    import io
    from collections.abc import Callable
    from typing import Any

READ_BUFFER = 65536
"""Bytes that one system call may bring in."""

TLS_RECORD = 16384
"""Bytes that one read from TLS brings at most (RFC 8446 section 5.1): a buffer of this size is passed by."""

PAST_THE_FILE = 16384
"""Bytes from which on a body is read past the buffered file. What goes through its buffer is copied once more; where
the two places lie 1 to 15 bytes apart modulo 4096, as the length of the head decides, some processors take fourteen
times as long for that."""

_stdlib_readinto = socket.SocketIO.readinto


class SocketFile(socket.SocketIO):
    """socket.SocketIO that does not ask again what its reader has asked, and that can be stilled.

    One that makefile() has made becomes one of these by its class alone.
    """

    offline = False
    """The network is not asked: the reader finds no more than its buffer has."""

    ahead = b""
    """What was read past the buffered file, and comes behind what is in its buffer."""

    passed_by = True
    """Nothing is in the buffer of the buffered file: all that comes next is in ``ahead``, then on the network."""

    # What socket.SocketIO has and typeshed does not know.
    _sock: Any
    _timeout_occurred: bool

    def readinto(self, b: Any) -> int | None:
        """Read once from the socket; return how many bytes came, 0 at its end, None where it would have to wait."""
        self.passed_by = False
        if self.ahead:
            return self.from_ahead(b)
        if self.offline:
            return None
        if self._timeout_occurred:
            return _stdlib_readinto(self, b)  # which refuses
        try:
            return self._sock.recv_into(b)  # type: ignore[no-any-return]  # a socket, or what stands in for one
        except TimeoutError:
            self._timeout_occurred = True
            raise
        except BlockingIOError:
            return None

    def from_ahead(self, b: Any) -> int:
        """Read from what is there already."""
        count = min(len(b), len(self.ahead))
        b[:count] = self.ahead[:count]
        self.ahead = self.ahead[count:]
        return count


class ConnectionReader:
    """The buffered reader of a socket, and whether the next response can be read from it.

    :param sock: the socket
    :param file: its buffered file, over a SocketFile
    """

    __slots__ = ("_liveness", "_may_pass_by", "_most", "broken", "file", "last_head", "sock", "source")

    def __init__(self, sock: socket.socket, file: io.BufferedReader) -> None:
        self.sock = sock
        self.file = file
        self.source: Any = file.raw
        self.broken = False
        self.last_head: tuple[bytes, Any] | None = None
        """The head of the response before and what it says, where it was ordinary."""
        # Where one of them is a program's own, it is asked as it always was.
        self._may_pass_by = _owner(sock, "recv") is _owner(sock, "recv_into")
        self._most = TLS_RECORD if is_tls(sock) else READ_BUFFER
        self._liveness: Liveness | None = None

    def __repr__(self) -> str:
        state = "broken" if self.broken else "closed" if self.file.closed else "open"
        return f"<ConnectionReader {state}>"

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        """Return the file of the connection, for the ``__init__()`` of a response: they share one."""
        return self.file

    # -- between responses

    def end_response(self, complete: bool) -> bool:
        """Note that a response is over; return whether the next one begins behind it, as behind a *complete* one."""
        self.broken = not complete
        # A program that closed the socket itself has left the connection to this response; it stays open for us, as for
        # any file of it.
        if self.broken or getattr(self.sock, "_closed", False):
            self.file.close()
            return False
        return True

    def can_go_on(self) -> bool:
        """Return whether what is read next is the response to what is sent next; asked between response and request."""
        if self.broken or getattr(self.sock, "_closed", False):
            return False
        # As has_surplus() says, without the call.
        return not (self.source.ahead if self.source.passed_by else self.has_surplus())

    def is_dropped(self) -> bool:
        """Return whether the peer has closed the connection, or sent what nobody asked for; the network is asked."""
        liveness = self._liveness
        if liveness is None:
            liveness = self._liveness = Liveness(self.sock)
        return liveness.dropped()

    def has_surplus(self) -> bool:
        """Return whether bytes behind the last response have been read already; the network is not asked.

        Nobody asked for them, so they must not become the response to a later request (RFC 9112 section 6.3).
        """
        source = self.source
        if source.passed_by:
            return bool(source.ahead)
        surplus = bool(self.buffered())
        source.passed_by = not surplus
        return surplus

    # -- past the buffered file

    def receive(self) -> bytes:
        """Read once and return what there is; asked where a response begins.

        Of what is returned nothing is read any more. Nothing comes at the end of the connection, and where the file
        has to be asked.
        """
        source = self.source
        if not source.passed_by and self.has_surplus():
            return b""
        if source.ahead:
            seen: bytes = source.ahead
            source.ahead = b""
        elif self._may_pass_by and not source._timeout_occurred:
            try:
                seen = self.sock.recv(self._most)
            except BlockingIOError:
                seen = b""
        else:
            seen = self.file.peek()
            seen = self.file.read(len(seen))
            source.passed_by = True
        return seen

    def read(self, amt: int) -> bytes:
        """Return *amt* bytes, fewer at the end of the connection: past the file where it costs less."""
        source = self.source
        if self._most < amt or not (source.passed_by and self._may_pass_by) or source._timeout_occurred:
            return self.file.read(amt)
        pieces = []
        left = amt
        if source.ahead:
            pieces.append(source.ahead[:amt])
            source.ahead = source.ahead[amt:]
            left -= len(pieces[0])
        try:
            while left and (piece := self.sock.recv(left)):
                pieces.append(piece)
                left -= len(piece)
        except TimeoutError:
            source._timeout_occurred = True
            raise
        except BlockingIOError:
            if left == amt:
                return None  # type: ignore[return-value]  # as a buffered file has it
        return b"".join(pieces)  # one piece, as most often, is not copied: that took a tenth of the time of a stream

    def readinto(self, view: memoryview) -> int:
        """Fill *view* as far as the connection goes, past the file where that can be; return how many bytes came."""
        source = self.source
        if not source.passed_by:
            return self.file.readinto(view)
        total = 0
        while total < len(view) and (count := source.readinto(view[total:])):
            total += count
        source.passed_by = True
        return total

    # -- what is in the buffer

    def buffered(self) -> bytes:
        """Return what was read from the network and not yet used, without moving on."""
        return self._in_the_buffer(self.file.peek)

    def take(self, count: int) -> bytes:
        """Move on by *count* of the bytes that ``buffered()`` shows, and return them."""
        return self._in_the_buffer(self.file.read, count)

    def _in_the_buffer(self, act: Callable[..., bytes], *arguments: int) -> bytes:
        self.source.offline = True
        try:
            return act(*arguments) or b""
        except ValueError:  # the file is closed
            return b""
        finally:
            self.source.offline = False


def reader_for(sock: Any) -> ConnectionReader | None:
    """Return a reader of a real socket.

    None for a stand-in of which no more than ``makefile()`` is known, and where each read is to be seen by others.
    """
    if not is_real(sock):
        return None
    # makefile() counts as a user of the socket: after sock.close() a response that owns the reader reads on.
    reader: Any = sock.makefile("rb", TLS_RECORD if is_tls(sock) else READ_BUFFER)
    if not is_file_of(getattr(reader, "raw", None)) or has_own_reads(reader.raw):
        return None
    reader.raw.__class__ = SocketFile
    return ConnectionReader(sock, reader)


def _owner(sock: Any, name: str) -> Any:
    """Return who defines a method of a socket: the object itself, or a class."""
    if name in getattr(sock, "__dict__", ()):
        return sock, name
    return next((kind for kind in type(sock).__mro__ if name in vars(kind)), None)
