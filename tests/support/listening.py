"""A loopback listener that hands every accepted connection to a thread of its own and ends cleanly."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator

from coda_network._net.tls import close_half_made

# Nothing in the test support waits longer than this many seconds.
TIMEOUT = 10.0


def listening_socket(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """Return a TCP socket that listens on a port of `host`, an IP address; 0 is one that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # so that another one can take the port up again at once
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except BaseException:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def black_hole(host: str = "127.0.0.2") -> Iterator[tuple[str, int]]:
    """Give an address on loopback that never accepts: its queue is full, so that the system drops what comes."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, 0))
        listener.listen(0)
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()


def shut_down(sock: socket.socket, how: int) -> None:
    """Shut `sock` down for both TLS and plain sockets; one that is closed already is left alone."""
    try:
        # SSLSocket.shutdown() drops the TLS state under a thread that may be reading: go to the socket below.
        socket.socket.shutdown(sock, how)
    except OSError:
        pass


class Listener:
    """Accepts on loopback; `serve(sock, number)` runs in one thread for each connection, numbered from 1.

    What `serve` raises is kept in `failures`. The socket is closed when it returns.
    """

    def __init__(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.host = host
        self.tls = tls
        self.failures: list[BaseException] = []
        self.handshake_failures: list[OSError] = []
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._address: tuple[str, int] = (host, port)
        self._sockets: dict[int, socket.socket] = {}
        self._threads: list[threading.Thread] = []
        self._count = 0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        return self._address

    @property
    def port(self) -> int:
        return self._address[1]

    @property
    def netloc(self) -> str:
        """host:port as it stands in a URL."""
        host, port = self._address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def connections(self) -> int:
        """How many connections have been accepted."""
        with self._lock:
            return self._count

    def start(self, serve: Callable[[socket.socket, int], None]) -> None:
        self._socket = listening_socket(*self._address)
        self._address = self._socket.getsockname()[:2]
        self._waker, self._alarm = socket.socketpair()
        self._serve = serve
        self._acceptor = threading.Thread(target=self._accept, name=f"accept {self.netloc}", daemon=True)
        self._acceptor.start()

    def stop(self) -> None:
        """Take no more connections, let each thread read what has arrived, end them all, close every socket.

        Raises RuntimeError when a thread does not end within `TIMEOUT` seconds.
        """
        if self._socket is None:
            return
        self._alarm.send(b"!")
        self._acceptor.join(TIMEOUT)
        self._socket.close()
        self._socket = None
        self._waker.close()
        self._alarm.close()
        # Bytes that have arrived can still be read after SHUT_RD; then the reader sees the end.
        self._shut_down_all(socket.SHUT_RD)
        deadline = time.monotonic() + TIMEOUT
        if not self._join_until(deadline - TIMEOUT * 0.8):
            # Somebody is blocked in a send to a client that does not read.
            self._shut_down_all(socket.SHUT_RDWR)
            if not self._join_until(deadline):
                raise RuntimeError(f"a connection's thread at {self.netloc} did not end in {TIMEOUT:g} seconds")

    def _join_until(self, deadline: float) -> bool:
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _shut_down_all(self, how: int) -> None:
        with self._lock:
            for sock in self._sockets.values():
                shut_down(sock, how)

    def _accept(self) -> None:
        assert self._socket is not None
        stopping = False
        while True:
            readable, _, _ = select.select([self._socket, self._waker], [], [], 0 if stopping else None)
            if self._socket in readable:
                # What connected before the end still counts: the backlog is emptied even when stopping.
                sock, _ = self._socket.accept()
                self._start_thread(sock)
            elif stopping:
                return
            else:
                stopping = True

    def _start_thread(self, sock: socket.socket) -> None:
        sock.settimeout(TIMEOUT)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._count += 1
            number = self._count
            self._sockets[number] = sock
        thread = threading.Thread(target=self._run, args=(sock, number), name=f"{self.netloc} #{number}", daemon=True)
        # Those that have ended are forgotten: tests of leaks make a connection twenty thousand times.
        self._threads = [*filter(threading.Thread.is_alive, self._threads), thread]
        thread.start()

    def _run(self, sock: socket.socket, number: int) -> None:
        try:
            if self.tls is not None:
                sock = self._handshake(sock, self.tls, number)
            self._serve(sock, number)
        except _HandshakeFailed:
            pass
        except BaseException as error:
            self.failures.append(error)
        finally:
            with self._lock:
                # A TLS handshake moves the descriptor into a new object: close that one, and this.
                current = self._sockets.pop(number, sock)
            current.close()
            sock.close()

    def _handshake(self, sock: socket.socket, context: ssl.SSLContext, number: int) -> ssl.SSLSocket:
        try:
            return self.wrap(sock, context, number)
        except OSError as error:
            # A client that rejects the certificate is a test's subject, not a fault of the server.
            self.handshake_failures.append(error)
            raise _HandshakeFailed from error

    def wrap(self, sock: socket.socket, context: ssl.SSLContext, number: int) -> ssl.SSLSocket:
        """Do the server's side of a TLS handshake on connection `number`; the new socket takes its place."""
        try:
            wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError as error:
            close_half_made(error)  # the client has gone
            raise
        with self._lock:
            self._sockets[number] = wrapped
        wrapped.do_handshake()
        return wrapped


class _HandshakeFailed(Exception):
    """Ends a connection's thread without a report."""
