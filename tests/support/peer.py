"""A peer that follows a script: the test is handed the accepted socket and decides every byte."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from support.listening import Listener
from support.loopback_server import LoopbackServer

END_OF_HEAD = b"\r\n\r\n"


class ClientGone(EOFError):
    """The client closed the connection while the script still expected bytes from it."""


class _Quiet(Exception):
    """A write to a client that has gone: that it fails is a matter of timing, so it is no test's failure."""


class Wire:
    """One accepted connection, as a script sees it.

    `sock` is the accepted socket, for what the methods do not offer. `number` counts connections from 1.
    Bytes read through the methods are in `received`; what came behind a head stays in the buffer for the
    next read.
    """

    def __init__(self, sock: socket.socket, number: int, listener: Listener) -> None:
        self.sock = sock
        self.number = number
        self.received = bytearray()
        self.heads: list[bytes] = []
        self._listener = listener
        self._buffer = bytearray()

    def read_head(self) -> bytes:
        """Return a request head, the empty line included. Raises ClientGone when it does not come."""
        while END_OF_HEAD not in self._buffer:
            self._fill("a request head")
        head = self._take(self._buffer.index(END_OF_HEAD) + len(END_OF_HEAD))
        self.heads.append(head)
        return head

    def read_heads(self) -> Iterator[bytes]:
        """Yield heads of bodiless requests until the client closes, or the test's with block ends."""
        while True:
            try:
                head = self.read_head()
            except ClientGone:
                if self._buffer:
                    raise
                return
            yield head

    def read_exactly(self, size: int) -> bytes:
        """Return the next `size` bytes. Raises ClientGone when the client closes before them."""
        while len(self._buffer) < size:
            self._fill(f"{size} bytes")
        return self._take(size)

    def read_request(self) -> tuple[bytes, bytes]:
        """Return the head and the body (by Content-Length) of one request."""
        head = self.read_head()
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return head, self.read_exactly(int(value))
        return head, b""

    def read_to_end(self) -> bytes:
        """Return everything until the client closes its side, or the test's with block ends."""
        while True:
            try:
                self._fill("the end")
            except ClientGone:
                return self._take(len(self._buffer))

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self.sock.sendall(data)
        except (ConnectionError, ssl.SSLError) as error:
            raise _Quiet from error

    def send_slowly(self, data: bytes, pause: float = 0.0005) -> None:
        """Send `data` byte by byte, `pause` seconds apart, so that the client reads it in pieces."""
        for index in range(len(data)):
            self.send(data[index : index + 1])
            time.sleep(pause)

    def respond(self, body: bytes = b"", status: str = "200 OK", *headers: str) -> None:
        """Send an HTTP/1.1 response with Content-Length; `headers` are whole lines without the line end."""
        lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
        self.send("\r\n".join(lines).encode("latin-1") + END_OF_HEAD + body)

    def start_tls(self, context: ssl.SSLContext) -> None:
        """Do the server's side of a TLS handshake here, as behind the response to CONNECT."""
        assert not self._buffer, f"bytes came before the TLS handshake: {bytes(self._buffer[:80])!r}"
        self.sock = self._listener.wrap(self.sock, context, self.number)

    def close(self) -> None:
        """Close the connection in order (FIN)."""
        self.sock.close()

    def reset(self) -> None:
        """Close the connection with a reset (RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _fill(self, wanted: str) -> None:
        try:
            data = self.sock.recv(65536)
        except TimeoutError:
            raise AssertionError(f"connection {self.number}: waited too long for {wanted}; {self._seen()}") from None
        except ConnectionError:
            data = b""
        if not data:
            raise ClientGone(f"connection {self.number}: the client closed, {wanted} was expected; {self._seen()}")
        self.received += data
        self._buffer += data

    def _seen(self) -> str:
        return f"{len(self._buffer)} bytes are waiting: {bytes(self._buffer[:200])!r}"

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken


Script = Callable[[Wire], object]


class ScriptedPeer(LoopbackServer):
    """A server on loopback that runs `script(wire)` for each connection, or the scripts of a list in turn.

    Use it in a with statement. At its end the scripts read to the end of what has arrived, and what a script
    raised is raised in the test: a failed assertion always; a client that closed early (ClientGone) unless
    the block has failed by itself. With a list, each script must have had its connection, and a further
    connection fails. A connection is closed when its script returns; a script that wants to keep it open
    calls `wire.read_to_end()`. `tls` is a server context: connections then begin with a TLS handshake.
    """

    def __init__(
        self, script: Script | Sequence[Script], *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
    ) -> None:
        super().__init__(host, tls)
        self._script = script
        self._lock = threading.Lock()
        self._wires: dict[int, Wire] = {}

    @property
    def received(self) -> list[bytes]:
        """What the scripts have read, one item for each connection."""
        return [bytes(wire.received) for wire in self._in_order()]

    @property
    def heads(self) -> list[bytes]:
        """Every request head that was read with `read_head`, connection by connection."""
        return [head for wire in self._in_order() for head in wire.heads]

    @property
    def handshake_failures(self) -> list[OSError]:
        """TLS handshakes that failed; not raised, since a client that refuses is often the subject."""
        return self._listener.handshake_failures

    def _raise_failures(self, error: BaseException | None) -> None:
        failures = self._listener.failures
        if error is not None:
            # The script's assertion explains the client's error; its other errors mostly follow from it.
            failures = [failure for failure in failures if isinstance(failure, AssertionError)]
        if failures and error is not None:
            raise failures[0] from error
        if failures:
            raise failures[0]
        if error is None and not callable(self._script):
            expected = len(self._script)
            assert self.connections == expected, f"{expected} connections were expected, {self.connections} came"

    def forget(self) -> None:
        """Forget the connections so far; what those that are open read and send from now on is not to be seen."""
        with self._lock:
            self._wires.clear()

    def _in_order(self) -> list[Wire]:
        with self._lock:
            return [self._wires[number] for number in sorted(self._wires)]

    def _serve(self, sock: socket.socket, number: int) -> None:
        wire = Wire(sock, number, self._listener)
        with self._lock:
            self._wires[number] = wire
        script = self._script
        if not callable(script):
            assert number <= len(script), f"connection {number} came, {len(script)} were expected"
            script = script[number - 1]
        try:
            script(wire)
        except _Quiet:
            pass
