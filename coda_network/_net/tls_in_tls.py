"""TLS inside TLS: what a site says through a tunnel whose proxy is itself reached over TLS.

``SSLContext.wrap_socket()`` takes the descriptor of a socket and would write past the TLS that is there already. Here
OpenSSL reads and writes memory (``ssl.MemoryBIO``), and the bytes travel over whatever stream is below.
"""

from __future__ import annotations

import socket
import ssl
from time import monotonic

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

PIECE = 16384 + 2048
"""Bytes that are read from below at once: one TLS record at most (RFC 8446 section 5.2), with room to spare."""

MOMENT = 0.002
"""Seconds by which a call may wait longer than its timeout says."""


class TLSInTLS:
    """A TLS socket over another TLS socket, with what the rest of the package asks of a socket.

    The handshake is done when it exists. It closes the socket below when it is closed.

    :param context: of the inner TLS
    :param below: the connected TLS socket
    :param server_hostname: who is to be at the other end
    :raises OSError: the handshake failed; *below* stays open
    """

    # As in socket.socket: who has these counts its open files, and is a real socket to the rest of the package.
    _io_refs = 0
    _closed = False
    makefile: Any = socket.socket.makefile
    _decref_socketios: Any = socket.socket._decref_socketios  # type: ignore[attr-defined]  # private, for SocketIO

    def __init__(self, context: ssl.SSLContext, below: Any, server_hostname: str) -> None:
        self.context = context
        self.server_hostname = server_hostname
        self.family, self.type, self.proto = below.family, below.type, below.proto
        self._below = below
        self._timeout: float | None = below.gettimeout()
        # What the socket below has: to set it is a system call.
        self._timeout_below = self._timeout
        self._has_ended = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        # Encrypted bytes on their way down, and how many bytes of the program they are.
        self._unsent = memoryview(b"")
        self._accepted = 0
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_hostname)
        self._carry_out(self._tls.do_handshake)

    # -- the calls that may wait

    def recv(self, size: int = 1024, flags: int = 0) -> bytes:
        """Return up to *size* decrypted bytes, none at the end."""
        self._refuse_flags(flags)
        return self._read(size)  # type: ignore[no-any-return]  # bytes, as no buffer is given

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """Read decrypted bytes into *buffer*; return how many, 0 at the end."""
        self._refuse_flags(flags)
        return self._read(nbytes or memoryview(buffer).nbytes, buffer) or 0

    def send(self, data: Any, flags: int = 0) -> int:
        """Send *data*, up to one record of it; return how many bytes.

        On a socket that does not wait, ``ssl.SSLWantWriteError`` asks for the same data once more, as OpenSSL does.
        """
        self._refuse_flags(flags)
        end = self._end()
        if not self._unsent:
            piece = memoryview(data).cast("B")[:16384]
            self._accepted = self._carry_out(self._tls.write, piece, end=end) if len(piece) else 0
        self._flush(end)
        return self._accepted

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of *data*."""
        rest = memoryview(data).cast("B")
        while len(rest):
            rest = rest[self.send(rest, flags) :]

    def _read(self, size: int, *buffer: Any) -> Any:
        end = self._end()
        if size and not (self._has_ended or self._unsent or self._incoming.pending or self._tls.pending()):
            # OpenSSL would say so by an exception, which takes longer than the rest of a read.
            self._fill(end)
        try:
            found = self._carry_out(self._tls.read, size, *buffer, end=end)
        except ssl.SSLError as error:
            # As SSLSocket does: many peers close without saying so (suppress_ragged_eofs).
            if error.args[:1] != (ssl.SSL_ERROR_EOF,) and not isinstance(error, ssl.SSLZeroReturnError):
                raise
            found = 0 if buffer else b""
        if size and not found:
            self._has_ended = True  # what is below may stay open, and say nothing more
        return found

    def _carry_out(self, act: Callable[..., Any], *arguments: Any, end: float | None = -1.0) -> Any:
        """Let OpenSSL do one thing, and carry its bytes up and down until that is done.

        :param end: the moment at which the call must end, on the monotonic clock
        """
        if end == -1.0:
            end = self._end()
        while True:
            try:
                result = act(*arguments)
            except ssl.SSLWantReadError:
                self._flush(end)
                self._fill(end)
                continue
            except ssl.SSLError:
                self._try_to_flush()  # the alert that tells the peer why
                raise
            # What reading has written, the reply to a key update say, waits for nobody.
            if act != self._tls.write:
                self._try_to_flush() if self._timeout == 0 else self._flush(end)
            return result

    def _fill(self, end: float | None) -> None:
        self._limit_below(end)
        data = self._below.recv(PIECE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _flush(self, end: float | None) -> None:
        if self._outgoing.pending:
            self._unsent = memoryview(bytes(self._unsent) + self._outgoing.read())
        while self._unsent:
            self._limit_below(end)
            self._unsent = self._unsent[self._below.send(self._unsent) :]

    def _try_to_flush(self) -> None:
        try:
            self._flush(self._end())
        except OSError:
            pass

    def _end(self) -> float | None:
        return None if self._timeout is None else monotonic() + self._timeout

    def _limit_below(self, end: float | None) -> None:
        """Let the next call below wait until *end* at most."""
        timeout = self._timeout
        if end is not None and timeout:
            left = end - monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            # The first wait of a call has nearly all of its time: the next one has what is then left.
            if timeout - left > MOMENT:
                timeout = left
        if timeout != self._timeout_below:
            self._below.settimeout(timeout)
            self._timeout_below = timeout

    @staticmethod
    def _refuse_flags(flags: int) -> None:
        if flags:
            raise ValueError("non-zero flags are not allowed on a TLS socket")

    # -- TLS

    def pending(self) -> int:
        """Return how many bytes can be read, or may be, without a look at the network."""
        return self._tls.pending() or self._incoming.pending or int(self._below.pending())

    def getpeercert(self, binary_form: bool = False) -> Any:
        """Return the certificate of the peer, as ``ssl.SSLSocket`` does."""
        return self._tls.getpeercert(binary_form)

    def version(self) -> str | None:
        """Return the version of TLS that was agreed on."""
        return self._tls.version()

    def cipher(self) -> Any:
        """Return the cipher in use, as ``ssl.SSLSocket`` does."""
        return self._tls.cipher()

    def selected_alpn_protocol(self) -> str | None:
        """Return the protocol that was agreed on (RFC 7301)."""
        return self._tls.selected_alpn_protocol()

    def get_channel_binding(self, cb_type: str = "tls-unique") -> bytes | None:
        """Return the channel binding, as ``ssl.SSLSocket`` does."""
        return self._tls.get_channel_binding(cb_type)

    @property
    def session(self) -> Any:
        """The TLS session."""
        return self._tls.session

    # -- the socket

    def settimeout(self, timeout: float | None) -> None:
        """Set the timeout of each call, in seconds; None waits without limit, 0 does not wait."""
        self._timeout = self._timeout_below = timeout
        self._below.settimeout(timeout)

    def gettimeout(self) -> float | None:
        """Return the timeout of each call."""
        return self._timeout

    def setblocking(self, flag: bool) -> None:
        """Wait without limit, or not at all."""
        self.settimeout(None if flag else 0.0)

    def fileno(self) -> int:
        """Return the descriptor, -1 when it is closed."""
        return int(self._below.fileno())

    def getsockname(self) -> Any:
        """Return the local address."""
        return self._below.getsockname()

    def getpeername(self) -> Any:
        """Return the address of the first peer on the way."""
        return self._below.getpeername()

    def getsockopt(self, *arguments: Any) -> Any:
        """Return an option of the socket at the bottom."""
        return self._below.getsockopt(*arguments)

    def setsockopt(self, *arguments: Any) -> None:
        """Set an option of the socket at the bottom."""
        self._below.setsockopt(*arguments)

    def shutdown(self, how: int) -> None:
        """End the connection below, in the given direction."""
        self._below.shutdown(how)

    def close(self) -> None:
        """Close it, and what is below, once the files that were made of it are closed."""
        self._closed = True
        if self._io_refs <= 0:
            self._real_close()

    def _real_close(self) -> None:
        self._below.close()

    def __enter__(self) -> TLSInTLS:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<TLSInTLS to {self.server_hostname} fd={self.fileno()}>"
