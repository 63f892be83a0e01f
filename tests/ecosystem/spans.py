"""Spans and trace headers of real instrumentation: without the patch, patched before it, patched behind it.

``python tests/ecosystem/spans.py`` prints a table. Each cell is a process of its own: spans, and requests that came
with the header of the library at servers on the loopback interface, http and https, directly and by a squid that wants
no login. What is not installed is a row that says so. The two columns of the patch must equal the first, which must
have spans and headers, and so must method, URL and status of each span; if not, the exit status is 1.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "patch")]

from comparing import ORDERS, installed, start
from instrumentation import LIBRARIES
from stand_in_program import Responding, Server
from support.certs import Authority
from support.servers import public_directory
from support.squid import Squid

import coda_network

ROUNDS = 2


class Noting(Responding):
    """Responds to every request, and keeps the names of the header fields that came with it."""

    server: NotingServer

    def do_GET(self) -> None:
        self.server.seen.append({name.lower() for name in self.headers})
        super().do_GET()


class NotingServer(Server):
    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Noting)
        self.seen: list[set[str]] = []
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.server_address[1]}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()


# -- what is instrumented


def proxy() -> str | None:
    """Return the URL of the proxy, or None."""
    return os.environ.get("http_proxy")


def by_connection(url: str) -> None:
    scheme, _, netloc, _ = url.split("/")
    make = http.client.HTTPSConnection if scheme == "https:" else http.client.HTTPConnection
    by = proxy()
    connection = make(by.split("/")[2] if by else netloc)
    if by and scheme == "https:":
        connection.set_tunnel(netloc)
    connection.request("GET", url if by and scheme == "http:" else "/")
    connection.getresponse().read()
    connection.close()


def by_urlopen(url: str) -> None:
    with urllib.request.urlopen(url) as response:
        response.read()


def by_opener(url: str) -> None:
    with urllib.request.build_opener().open(url) as response:
        response.read()


def by_urllib3(url: str) -> None:
    import urllib3

    by = proxy()
    with urllib3.ProxyManager(by) if by else urllib3.PoolManager() as pool:
        pool.request("GET", url)


def by_requests(url: str) -> None:
    import requests

    with requests.Session() as session:
        session.get(url)


WAYS = (by_connection, by_urlopen, by_opener, by_urllib3, by_requests)


def child(name: str, order: str) -> None:
    """Run every way under one library, over http and over https; print the counts of spans and of headers."""
    start, field = LIBRARIES[name]
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(Path(folder))
        os.environ["SSL_CERT_FILE"] = os.environ["REQUESTS_CA_BUNDLE"] = str(authority.bundle)
        servers = NotingServer(), NotingServer(authority.server_context())
        if order == "before":
            coda_network.patch()
        end = start()
        if order == "behind":
            coda_network.patch()
        headers = [[with_header(field, way, server) for way in WAYS] for server in servers]
    spans = sorted(re.sub(r":\d{4,}", "", span) for span in end())  # ports are others each time
    print(json.dumps({"spans": spans, "headers": headers}), flush=True)
    os._exit(0)  # what the libraries would send to their servers has nowhere to go


def with_header(field: str, way: Callable[[str], None], server: NotingServer) -> int:
    """Return how many of the requests came with this field."""
    server.seen.clear()
    for _ in range(ROUNDS):
        way(server.url)
    return sum(field in names for names in server.seen)


def run(name: str, order: str, by: str | None) -> dict[str, Any] | str:
    """Return what a child process counted, or the last line of its failure."""
    command = [sys.executable, __file__, name, order]
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    if by is not None:
        environ.update(http_proxy=by, https_proxy=by)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environ)
    lines = done.stdout.strip().splitlines()
    if done.returncode == 0 and lines:
        counted: dict[str, Any] = json.loads(lines[-1])
        return counted
    return (done.stderr.strip().splitlines() or ["no output"])[-1]


def row(name: str, version: str, way: str, by: str | None) -> int:
    """Print a row, and what differs; return 1 where something does."""
    found = [run(name, order, by) for order in ORDERS]
    cells = [
        one
        if isinstance(one, str)
        else f"{len(one['spans'])} spans, headers {' / '.join('+'.join(map(str, each)) for each in one['headers'])}"
        for one in found
    ]
    first = found[0]
    is_seen = isinstance(first, dict) and any(first["spans"]) and any(map(any, first["headers"]))
    equal = is_seen and found.count(first) == len(found)
    print(f"| {name} | {version} | {way} | {' | '.join(cells)} | {'equal' if equal else 'DIFFERS'} |", flush=True)
    if equal or isinstance(first, str):
        return not equal
    for order, one in zip(ORDERS, found, strict=True):
        if isinstance(one, dict) and one["spans"] != first["spans"]:
            changed = Counter(one["spans"])
            changed.subtract(first["spans"])
            print(f"    {order}: {', '.join(f'{number:+} {span}' for span, number in changed.items() if number)}")
    return 1


def main() -> int:
    """Print the table."""
    status = 0
    print(f"| library | version | | {' | '.join(ORDERS)} | |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with public_directory() as folder, Squid(Authority(folder)) as squid:
        for name, version in installed(LIBRARIES, columns=7):
            for way, by in (("directly", None), ("by squid", squid.url)):
                status |= row(name, version, way, by)
    print("\nHeaders: " + ", ".join(way.__name__ for way in WAYS) + f"; http / https; {ROUNDS} requests each.")
    return status


if __name__ == "__main__":
    start(child, main)
