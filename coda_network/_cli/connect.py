"""``coda-network connect``: standard input and output, or a port of this machine, over a socket through the proxies."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence

from coda_network import connect
from coda_network._auth import defaults
from coda_network._net.relay import relay
from coda_network._settings.options import BAD_SETTINGS, add_login_options, credentials_of, fill_in, log_in_as
from coda_network._wire.authority import join_authority, split_authority

OK, FAILED, USAGE = 0, 1, 2
PIECE = 65536


def main(arguments: Sequence[str]) -> int:
    """Connect, and pass bytes on in both directions until both have ended.

    :param arguments: what follows ``coda-network connect``
    :returns: the exit code: 0 at the end, 1 where the connection failed, 2 for a command line that is wrong
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        address = _address_of(options.address)
        if options.listen is not None and not 0 <= options.listen < 65536:
            raise ValueError(f"--listen: a port is a number from 0 to 65535, not {options.listen}")
        fill_in(options)
        login = log_in_as(credentials_of(options))
    except (ValueError, *BAD_SETTINGS) as error:
        print(f"coda-network connect: {error}", file=sys.stderr)
        return USAGE

    def open_socket() -> socket.socket:
        sock = connect.create_connection(address, options.timeout, proxy=options.proxy)
        sock.settimeout(None)
        return sock

    try:
        if options.listen is not None:
            return _listen(options.listen, open_socket)
        with open_socket() as sock:
            return _pass_on(sock)
    except (OSError, ValueError) as error:
        print(f"coda-network connect: {join_authority(*address)}: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130
    finally:
        if login is not None:
            defaults.remove(login)


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


def _listen(port: int, open_socket: Callable[[], socket.socket]) -> int:
    with socket.create_server(("127.0.0.1", port)) as server:
        print(
            f"coda-network connect: listening on {join_authority(*server.getsockname())}", file=sys.stderr, flush=True
        )
        while True:
            client, _ = server.accept()
            threading.Thread(target=_serve, args=(client, open_socket), daemon=True).start()


def _serve(client: socket.socket, open_socket: Callable[[], socket.socket]) -> None:
    with client:
        try:
            with open_socket() as sock:
                relay(client, sock, None)
        except (OSError, ValueError) as error:
            print(f"coda-network connect: {error}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="coda-network connect",
        description="Connect to HOST PORT through the proxies and pass standard input and output on: the ProxyCommand "
        "of OpenSSH ('coda-network connect %%h %%p').",
    )
    parser.add_argument("address", nargs="+", metavar="HOST PORT", help="or HOST:PORT")
    parser.add_argument(
        "--proxy",
        metavar="URL",
        action="append",
        help="the proxy to use, in place of the one in the environment; given more than once, they are a chain, the "
        "nearest proxy first",
    )
    parser.add_argument(
        "--listen",
        metavar="PORT",
        type=int,
        help="serve all clients of this port of 127.0.0.1; 0 for any that is free",
    )
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=60.0, help="until the connection is open")
    add_login_options(parser)
    return parser
