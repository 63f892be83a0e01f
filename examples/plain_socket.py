"""Talk to a mail server through an http proxy: a plain socket, for any protocol.

https_proxy='http://user:password@proxy.example:3128' python plain_socket.py mail.example 25
"""

from __future__ import annotations

import sys

from coda_network import create_connection


def main(host: str, port: str) -> int:
    # The proxy comes from the environment; proxy="http://..." names one, and proxy=False goes directly.
    with create_connection((host, int(port)), timeout=30) as sock, sock.makefile("rwb") as lines:
        print(lines.readline().decode().strip())
        lines.write(b"QUIT\r\n")
        lines.flush()
        print(lines.readline().decode().strip())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
