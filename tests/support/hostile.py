"""Peers that mean no good: each is a script that goes on, or sends more, than anybody should take."""

from __future__ import annotations

import functools
import itertools
import socket
import time
import zlib
from collections.abc import Callable, Iterator

from support.peer import Wire

Script = Callable[[Wire], None]
OK = b"HTTP/1.1 200 OK\r\n"
PIECE = 1 << 16


def sends(begin: bytes, pieces: Callable[[], Iterator[bytes]]) -> Script:
    """Return a script that sends something that does not end, for as long as the client takes it."""

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(begin)
        wire.sock.settimeout(5)
        try:
            for piece in pieces():
                wire.sock.sendall(piece)
        except OSError:
            pass

    return script


def without_end(piece: bytes) -> Callable[[], Iterator[bytes]]:
    times = max(1, PIECE // len(piece))
    return lambda: itertools.repeat(piece * times)


def _drip() -> Iterator[bytes]:
    for _ in range(200):
        yield b"X: y\r\n"
        time.sleep(0.02)


def challenges(value: bytes, most: int) -> Script:
    """Return a script that refuses every request, with many challenges: as a site, or as a proxy."""

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            is_proxy = head.startswith(b"CONNECT")
            line = (b"Proxy-Authenticate: " if is_proxy else b"WWW-Authenticate: ") + value + b"\r\n"
            status = b"407 Proxy Authentication Required" if is_proxy else b"401 Unauthorized"
            wire.send(b"HTTP/1.1 " + status + b"\r\n" + line * most + b"Content-Length: 0\r\n\r\n")

    return script


def redirect_for_ever(wire: Wire) -> None:
    for number, _ in enumerate(wire.read_heads()):
        host, port = wire.sock.getsockname()[:2]
        wire.respond(b"", "302 Found", f"Location: http://{host}:{port}/{wire.number}-{number}")


def redirect_with_endless_page(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.send(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n")
        try:
            for _ in range(2000):
                wire.sock.sendall(b"x" * PIECE)
        except OSError:
            return


def never_reads(wire: Wire) -> None:
    wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    time.sleep(1.5)


@functools.cache
def _bomb() -> bytes:
    """Return 128 MiB of nothing, compressed; made in pieces, as the memory of this process is measured."""
    made = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(made.compress(bytes(1 << 20)) for _ in range(128)), made.flush()])


@functools.cache
def _bomb_in_a_bomb() -> bytes:
    return zlib.compress(_bomb(), 9)


def make_bombs() -> None:
    """Make them before a measurement."""
    _bomb_in_a_bomb()


def gzip_bomb(wire: Wire) -> None:
    wire.read_head()
    data = _bomb()
    wire.send(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(data) + data)


def zip_of_zips(wire: Wire) -> None:
    wire.read_head()
    data = _bomb_in_a_bomb()
    wire.send(OK + b"Content-Encoding: gzip, deflate\r\nContent-Length: %d\r\n\r\n" % len(data) + data)


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
NTLM = b"NTLM " + b"TlRM" * 16000

HEADS: dict[str, Script] = {
    "a status line without end": sends(b"HTTP/1.1 200 ", without_end(b"x")),
    "a field without end": sends(OK + b"X: ", without_end(b"x")),
    "a head without end": sends(OK, without_end(b"X: y\r\n")),
    "a folded field without end": sends(OK + b"X: y\r\n", without_end(b" z\r\n")),
    "a head that drips": sends(OK, _drip),
    "interim responses without end": sends(b"", without_end(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")),
    "blank lines without end": sends(b"", without_end(b"\r\n")),
    "no HTTP, without end": sends(b"", without_end(b"\0")),
    "redirects without end": redirect_for_ever,
    "redirects with pages without end": redirect_with_endless_page,
    "challenges: 97 lines of commas": challenges(b"a," * 32000, 97),
    "challenges: quotes that never end": challenges(b'Digest realm="' + b"\\" * 60000, 50),
    "challenges: parameters": challenges(b"Digest " + b"a=b, " * 12000, 90),
    "challenges: large tokens": challenges(NTLM, 60),
    "challenges: realms without end": challenges(b'Basic realm="%d"' % time.monotonic_ns(), 90),
}
BODIES: dict[str, Script] = {
    "a chunk of 2**60 bytes": sends(CHUNKED + b"FFFFFFFFFFFFFFF\r\n", lambda: iter([b"x"])),
    "a chunk size without end": sends(CHUNKED, without_end(b"0")),
    "a chunk extension without end": sends(CHUNKED + b"5;", without_end(b"x")),
    "trailers without end": sends(CHUNKED + b"0\r\n", without_end(b"X: y\r\n")),
    "a trailer without end": sends(CHUNKED + b"0\r\nX: ", without_end(b"x")),
    "a length of 2**63 bytes": sends(OK + b"Content-Length: 9223372036854775807\r\n\r\n", lambda: iter([b"x"])),
    "a length of 5,000 digits": sends(OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n", lambda: iter([b"x"])),
}
BOMBS: dict[str, Script] = {"gzip": gzip_bomb, "gzip in deflate": zip_of_zips}
