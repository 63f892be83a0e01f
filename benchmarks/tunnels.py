"""Proxies that open tunnels: `python tunnels.py CHALLENGE CERTIFICATE KEY`.

One wants an NTLM login, of which it only recites its half; one is reached by TLS; one speaks SOCKS5; one wants nothing.
It prints their ports in this order and serves until it is ended. What they cost is their own, in a process of its own.
"""

from __future__ import annotations

import functools
import socket
import ssl
import sys
import threading
from collections.abc import Callable

HOST = "127.0.0.1"
BLOCK = 65536
REFUSAL = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: {}\r\nContent-Length: 0\r\n\r\n"
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


def main(challenge: str, certificate: str, key: str) -> None:
    """Serve until the process is ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    serve = (functools.partial(_ntlm, challenge), functools.partial(_tls, context), _socks5, _http)
    listeners = [socket.create_server((HOST, 0)) for _ in serve]
    print(*(listener.getsockname()[1] for listener in listeners), flush=True)
    for listener, script in zip(listeners, serve, strict=True):
        threading.Thread(target=_accept, args=(listener, script)).start()


def _accept(listener: socket.socket, script: Callable[[socket.socket], None]) -> None:
    while True:
        client, _ = listener.accept()
        threading.Thread(target=_serve, args=(client, script), daemon=True).start()


def _serve(client: socket.socket, script: Callable[[socket.socket], None]) -> None:
    with client:
        script(client)


def _ntlm(challenge: str, client: socket.socket) -> None:
    while head := _head(client):
        if b" NTLM TlRMTVNTUAAD" in head:
            _open(client, *_target(head), OPEN)
            return
        offer = f"NTLM {challenge}" if b" NTLM TlRMTVNTUAAB" in head else "NTLM"
        client.sendall(REFUSAL.format(offer).encode())


def _tls(context: ssl.SSLContext, client: socket.socket) -> None:
    with context.wrap_socket(client, server_side=True) as inside:
        _http(inside)


def _http(client: socket.socket) -> None:
    if head := _head(client):
        _open(client, *_target(head), OPEN)


def _socks5(client: socket.socket) -> None:
    with client.makefile("rb", 0) as file:
        if not (greeting := file.read(2)):
            return
        file.read(greeting[1])
        client.sendall(b"\x05\x00")
        kind = file.read(4)[3]
        host = file.read(file.read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(file.read(4))
        port = int.from_bytes(file.read(2), "big")
    _open(client, host, port, b"\x05\x00\x00\x01" + bytes(6))


def _head(client: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (data := client.recv(BLOCK)):
            return b""
        head += data
    return head


def _target(head: bytes) -> tuple[str, int]:
    host, _, port = head.split()[1].decode().rpartition(":")
    return host, int(port)


def _open(client: socket.socket, host: str, port: int, reply: bytes) -> None:
    with socket.create_connection((host, port)) as site:
        client.sendall(reply)
        for sock in (client, site):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_relay, args=(site, client), daemon=True).start()
        _relay(client, site)


def _relay(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(BLOCK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
