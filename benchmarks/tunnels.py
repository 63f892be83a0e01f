"""A proxy that opens tunnels after an NTLM login of which it only recites its half: `python tunnels.py CHALLENGE`.

It prints its port and serves until it is ended. What it costs is its own, in a process of its own.
"""

from __future__ import annotations

import socket
import sys
import threading

HOST = "127.0.0.1"
BLOCK = 65536
REFUSAL = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: {}\r\nContent-Length: 0\r\n\r\n"


def main(challenge: str) -> None:
    """Serve until the process is ended."""
    with socket.create_server((HOST, 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, challenge), daemon=True).start()


def _serve(client: socket.socket, challenge: str) -> None:
    with client:
        while True:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                if not (data := client.recv(BLOCK)):
                    return
                head += data
            if b" NTLM TlRMTVNTUAAD" in head:
                break
            offer = f"NTLM {challenge}" if b" NTLM TlRMTVNTUAAB" in head else "NTLM"
            client.sendall(REFUSAL.format(offer).encode())
        host, _, port = head.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as site:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
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
    main(sys.argv[1])
