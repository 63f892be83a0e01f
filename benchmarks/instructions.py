"""Count the instructions of small GETs: `python benchmarks/instructions.py`.

Times differ from run to run, counts do not. Each client runs under valgrind, twice, with a different number of
requests; the difference belongs to the requests alone. There is no network: the other end of the connection is a socket
in the same process that responds as soon as a request is sent, so what the system itself does is not counted.
"""

from __future__ import annotations

import _socket
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BODY = b"x" * 128
ANSWER = (
    b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Fri, 20 Nov 2026 12:00:00 GMT\r\n"
    b"Content-Type: application/octet-stream\r\nContent-Length: 128\r\n"
    b"Last-Modified: Fri, 20 Nov 2026 11:00:00 GMT\r\nConnection: keep-alive\r\n"
    b'ETag: "6740c0f0-80"\r\nAccept-Ranges: bytes\r\n\r\n' + BODY
)
CHALLENGES = {
    "Basic": b"Basic realm=bench",
    "Digest": b'Digest realm="bench", nonce="6740c0f06740c0f0", qop="auth", algorithm=SHA-256',
}
REQUEST = b"GET /small HTTP/1.1\r\nHost: bench.test\r\nAccept-Encoding: identity\r\n\r\n"
HOST = "bench.test"
SOCKS = "socks5h://proxy.test:1080"
PAC = """
function FindProxyForURL(url, host) {
    if (shExpMatch(host, "*.example")) return "PROXY proxy.test:3128";
    return "DIRECT";
}
"""
_plain = socket.socket


class RespondingSocket(socket.socket):
    """One end of a pair; the response to what is sent on it is there when sendall() returns.

    It is a proxy where ``challenge`` is set: requests without that login are refused. It is a SOCKS5 proxy and the site
    behind it for whoever begins with its greeting.
    """

    challenge: bytes | None = None
    peers: dict[int, socket.socket] = {}
    """The other ends, by the descriptors of these: a connection may move to another object."""

    def __init__(self, family: int = -1, kind: int = -1, proto: int = -1, fileno: int | None = None) -> None:
        if fileno is None:
            mine, peer = _pair()
            family, kind, proto, fileno = mine.family, mine.type, mine.proto, mine.detach()
            self.peers[fileno] = peer
        super().__init__(family, kind, proto, fileno)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send, and let the response arrive."""
        super().sendall(data)
        peer = self.peers[self.fileno()]
        peer.sendall(self._reply(peer.recv(65536)))

    def _reply(self, request: bytes) -> bytes:
        if request[:1] == b"\x05":  # RFC 1928: the greeting, whose methods it counts, and the request
            return b"\x05\x00" if len(request) == 2 + request[1] else b"\x05\x00\x00\x01" + bytes(6)
        if self.challenge is None or b"Proxy-Authorization: " + self.challenge[:6] in request:
            return ANSWER
        head = b"HTTP/1.1 407 Login\r\nProxy-Authenticate: %s\r\nContent-Length: 0\r\n\r\n"
        return head % self.challenge

    def setsockopt(self, *arguments: Any) -> None:
        """Leave options alone: this is no TCP."""

    def close(self) -> None:
        """Close both ends."""
        if (peer := self.peers.pop(self.fileno(), None)) is not None:
            peer.close()
        super().close()


def _pair() -> tuple[socket.socket, socket.socket]:
    """Return the two ends of a connection, whatever ``socket.socket`` is by now."""
    mine, peer = _socket.socketpair()
    return _plain(fileno=mine.detach()), _plain(fileno=peer.detach())


def _responding_connection(*_: Any, **__: Any) -> RespondingSocket:
    return RespondingSocket()


def _bare() -> Any:
    sock = RespondingSocket()

    def get() -> bytes:
        sock.sendall(REQUEST)
        return sock.recv(65536)[-128:]

    return get


def _connection(module: str) -> Any:
    connection = import_module(module).HTTPConnection(HOST)

    def get() -> Any:
        connection.request("GET", "/small")
        return connection.getresponse().read()

    return get


def _opener(module: str) -> Any:
    library = import_module(module)
    opener = library.build_opener(library.ProxyHandler({}))
    return lambda: opener.open(f"http://{HOST}/small").read()


def _opener_over(*hops: str) -> Any:
    urllib2 = import_module("coda_network.urllib2")
    # Sockets that obey a deadline while the way is opened are made of this class.
    socket.socket = RespondingSocket  # type: ignore[misc]  # it stands in for the class
    opener = urllib2.build_opener(urllib2.ProxyHandler({"http": list(hops)}))
    return lambda: opener.open(f"http://{HOST}/small").read()


def _opener_by_choice(choose: Any) -> Any:
    urllib2 = import_module("coda_network.urllib2")
    opener = urllib2.build_opener(urllib2.ProxyHandler(choose=choose))
    return lambda: opener.open(f"http://{HOST}/small").read()


def _opener_by_pac() -> Any:
    return _opener_by_choice(import_module("coda_network.proxies").from_pac(PAC))


def _opener_by_proxy(scheme: str | None = None) -> Any:
    urllib2 = import_module("coda_network.urllib2")
    RespondingSocket.challenge = None if scheme is None else CHALLENGES[scheme]
    opener = urllib2.build_opener(urllib2.ProxyHandler({"http": "http://user:password@proxy.test:3128"}))
    return lambda: opener.open(f"http://{HOST}/small").read()


def _opener_with_passwords(scheme: str) -> Any:
    urllib2 = import_module("coda_network.urllib2")
    RespondingSocket.challenge = CHALLENGES[scheme]
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, "proxy.test:3128", "user", "password")
    handler = getattr(urllib2, f"Proxy{scheme}AuthHandler")(passwords)
    opener = urllib2.build_opener(urllib2.ProxyHandler({"http": "http://proxy.test:3128"}), handler)
    return lambda: opener.open(f"http://{HOST}/small").read()


def _patched_opener() -> Any:
    import_module("coda_network").patch()
    return _opener("urllib.request")


def _urllib3() -> Any:
    import_module("urllib3.util.connection").create_connection = _responding_connection
    pool = import_module("urllib3").PoolManager()
    return lambda: pool.request("GET", f"http://{HOST}/small").data


def _patched_urllib3() -> Any:
    import_module("coda_network").patch()
    return _urllib3()


CLIENTS: dict[str, Callable[[], Any]] = {
    "bare socket loop": _bare,
    "coda httplib": lambda: _connection("coda_network.httplib"),
    "http.client": lambda: _connection("http.client"),
    "coda urllib2": lambda: _opener("coda_network.urllib2"),
    "coda urllib2, by a proxy": _opener_by_proxy,
    "coda urllib2, by a proxy, Basic": lambda: _opener_by_proxy("Basic"),
    "coda urllib2, by a proxy, Digest": lambda: _opener_by_proxy("Digest"),
    "coda urllib2, by a proxy, Basic, a password manager": lambda: _opener_with_passwords("Basic"),
    "coda urllib2, by a proxy, Digest, a password manager": lambda: _opener_with_passwords("Digest"),
    "coda urllib2, by SOCKS5": lambda: _opener_over(SOCKS),
    "coda urllib2, by SOCKS5 twice": lambda: _opener_over(SOCKS, SOCKS),
    "coda urllib2, by a choice": lambda: _opener_by_choice(lambda url: ["DIRECT"]),
    "coda urllib2, by a PAC file": _opener_by_pac,
    "urllib.request, patched": _patched_opener,
    "urllib.request": lambda: _opener("urllib.request"),
    "urllib3, patched": _patched_urllib3,
    "urllib3": _urllib3,
}


def do_requests(client: str, count: int) -> None:
    """Do *count* small GETs."""
    sys.path.insert(0, str(ROOT))
    socket.create_connection = _responding_connection
    get = CLIENTS[client]()
    for _ in range(count):
        if get() != BODY:
            raise ValueError(f"{client} returned another body")


def instructions(client: str, count: int) -> int:
    """Return how many instructions a process executes that does *count* GETs.

    :raises RuntimeError: valgrind failed
    """
    with tempfile.TemporaryDirectory() as directory:
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out"]
        command += [sys.executable, __file__, "--inside", client, "--requests", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or found is None:
        raise RuntimeError(f"valgrind failed for {client}:\n{done.stderr[-1000:]}")
    return int(found[1])


def main() -> None:
    """Print the instructions of one request for each client."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=200, metavar="N", help="how many are counted (default 200)")
    parser.add_argument("--clients", metavar="WORDS", default="", help="only clients with one of these in their names")
    parser.add_argument("--inside", choices=CLIENTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        do_requests(options.inside, options.requests)
        return
    if shutil.which("valgrind") is None:
        sys.exit("valgrind is not installed")
    words = options.clients.split(",")
    base = None
    print("| client | instructions | bare loop = 1 |\n| --- | ---: | ---: |")
    for client in CLIENTS:
        if base is not None and not any(word in client for word in words):
            continue
        # The first requests import, compile and fill caches.
        few = options.requests // 4
        count = (instructions(client, few + options.requests) - instructions(client, few)) / options.requests
        base = base or count
        print(f"| {client} | {count:,.0f} | {count / base:.2f} |", flush=True)


if __name__ == "__main__":
    main()
