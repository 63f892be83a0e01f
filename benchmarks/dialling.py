"""The time to connect to a host whose first address never accepts: `python benchmarks/dialling.py`.

The address is one of loopback that drops what comes, as its queue is full; the second one accepts. Openers of this
package race the addresses (RFC 8305), the standard library waits for the first one until its timeout. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import coda_network
from coda_network import urllib2

HOST = "several.example"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
_getaddrinfo = socket.getaddrinfo


@contextlib.contextmanager
def black_hole() -> Iterator[tuple[str, int]]:
    """Give an address that never accepts and never refuses."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.2", 0), backlog=0))
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.05)
        yield listener.getsockname()


def serve(listener: socket.socket) -> None:
    """Respond to each request, until the process ends."""
    while True:
        client, _ = listener.accept()
        with client:
            client.recv(65536)
            client.sendall(RESPONSE)


def resolve_to(*addresses: tuple[str, int]) -> None:
    """Let HOST have these addresses, in this order."""

    def look_up(host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host != HOST:
            return _getaddrinfo(host, port, *rest, **named)
        return [_getaddrinfo(*address, 0, socket.SOCK_STREAM)[0] for address in addresses]

    socket.getaddrinfo = look_up


def opened(library: Any, seconds: float) -> float:
    """Return the seconds that a new opener takes for one page."""
    opener = library.build_opener(library.ProxyHandler({}))
    begun = time.perf_counter()
    with contextlib.closing(opener), opener.open(f"http://{HOST}/", timeout=seconds) as response:
        assert response.read() == b"ok"
    return time.perf_counter() - begun


def patched(seconds: float, **settings: Any) -> float:
    """Return the same for ``urllib.request`` under the patch."""
    with coda_network.patched(**settings):
        return opened(urllib.request, seconds)


def plain_socket(seconds: float) -> float:
    """Return the seconds that a plain socket takes to be connected."""
    begun = time.perf_counter()
    coda_network.create_connection((HOST, 80), seconds, proxy=False).close()
    return time.perf_counter() - begun


CLIENTS: dict[str, Callable[[float], float]] = {
    "coda urllib2": lambda seconds: opened(urllib2, seconds),
    "coda create_connection()": plain_socket,
    "urllib.request, patch(happy_eyeballs=True)": lambda seconds: patched(seconds, happy_eyeballs=True),
    "urllib.request, patch()": patched,
    "urllib.request": lambda seconds: opened(urllib.request, seconds),
}


def main() -> None:
    """Print the time of each client, where both addresses accept and where the first does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timeout", type=float, default=3.0, metavar="S", help="of each client (default 3)")
    parser.add_argument("--passes", type=int, default=3, metavar="N", help="how often (default 3)")
    options = parser.parse_args()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener, black_hole() as hole:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        site = listener.getsockname()
        print("| client | both accept | the first never does |\n| --- | ---: | ---: |")
        for name, connect in CLIENTS.items():
            row = []
            for first in (site, hole):
                resolve_to(first, site)
                row.append(median(connect(options.timeout) for _ in range(options.passes)) * 1e3)
            print(f"| {name} | {row[0]:.1f} ms | {row[1]:,.0f} ms |", flush=True)


if __name__ == "__main__":
    main()
