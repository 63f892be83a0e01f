"""``coda-network connect``: standard input and output, or a port of this machine, over a socket through the proxies."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable
from typing import Any

from coda_network import connect
from coda_network._net.accept import Accepted
from coda_network._net.relay import relay
from coda_network._settings.options import BAD_SETTINGS, story_of
from coda_network._settings.process import settle
from coda_network._wire.authority import join_authority, split_authority

OK, FAILED, USAGE = 0, 1, 2
PIECE = 65536


def run(options: Any) -> int:
    """Connect, and pass bytes on in both directions until both have ended.

    :param options: of the command line
    :returns: the exit code: 0 at the end, 1 where the connection failed, 2 for a command line that is wrong
    """
    try:
        address = _address_of(options.address)
        if options.listen is not None and not 0 <= options.listen < 65536:
            raise ValueError(f"--listen: a port is a number from 0 to 65535, not {options.listen}")
        settled = settle(options)
    except (ValueError, *BAD_SETTINGS) as error:
        print(f"coda-network connect: {error}", file=sys.stderr)
        return USAGE

    def open_socket() -> socket.socket:
        sock = connect.create_connection(address, options.timeout, proxy=options.chain)
        sock.settimeout(None)
        return sock

    try:
        with story_of(options), settled:
            if options.listen is not None:
                return _listen(options.listen, open_socket, options.quiet)
            with open_socket() as sock:
                return _pass_on(sock)
    except (OSError, ValueError) as error:
        print(f"coda-network connect: {join_authority(*address)}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130


def _address_of(words: list[str]) -> tuple[str, int]:
    """Return host and port of ``HOST PORT`` or ``HOST:PORT``.

    :raises ValueError: it is neither
    """
    if len(words) > 2:
        raise ValueError("takes HOST PORT, or HOST:PORT")
    if len(words) == 1:
        host, port = split_authority(words[0], 0)
    else:
        host = words[0].removeprefix("[").removesuffix("]")
        port = int(words[1]) if words[1].isdecimal() and words[1].isascii() else 0
    if not host or not 0 < port < 65536:
        raise ValueError("takes HOST PORT, or HOST:PORT, with a port from 1 to 65535")
    return host, port


def _pass_on(sock: socket.socket) -> int:
    """Pass standard input on to the socket, and the socket to standard output; the end of the socket ends both."""
    threading.Thread(target=_send_input, args=(sock,), daemon=True).start()
    output = sys.stdout.buffer.fileno()
    while data := sock.recv(PIECE):
        view = memoryview(data)
        while view:
            view = view[os.write(output, view) :]
    return OK


def _send_input(sock: socket.socket) -> None:
    source = sys.stdin.buffer.fileno()
    try:
        while data := os.read(source, PIECE):
            sock.sendall(data)
        # The other direction goes on: a peer may answer what has ended (RFC 9293 section 3.6).
        sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the peer has gone: the other direction tells


def _listen(port: int, open_socket: Callable[[], socket.socket], quiet: bool) -> int:
    with socket.create_server(("127.0.0.1", port)) as server:
        if not quiet:
            _say(f"listening on {join_authority(*server.getsockname())}")
        for client, _ in Accepted(server, lambda why: _say(f"no client can be accepted: {why}")):
            try:
                threading.Thread(target=_serve, args=(client, open_socket), daemon=True).start()
            except RuntimeError as error:  # there are as many threads as the system allows
                client.close()
                _say(f"a client cannot be served: {error}")
    return OK


def _serve(client: socket.socket, open_socket: Callable[[], socket.socket]) -> None:
    with client:
        try:
            with open_socket() as sock:
                relay(client, sock, None)
        except (OSError, ValueError) as error:
            _say(str(error))


def _say(text: str) -> None:
    print(f"coda-network connect: {text}", file=sys.stderr, flush=True)
