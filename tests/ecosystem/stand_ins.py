"""Libraries that take the place of a class or of sockets: without the patch, patched before them, patched behind them.

``python tests/ecosystem/stand_ins.py`` prints a table; what is not installed is a row that says so. Each cell is a
process of its own, and has what three ways of asking got, with the library on and with it off. The two columns of the
patch must equal the first; if they do not, the exit status is 1.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "patch"))

from comparing import ORDERS, installed, start
from stand_in_program import Responding, Server

Answers = dict[str, str]


def by_opener(url: str) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url) as response:
        return str(response.read())


def by_connection(url: str) -> str:
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port)
    connection.request("GET", parts.path)
    body = str(connection.getresponse().read())
    connection.close()
    return body


def by_urlopen(url: str) -> str:
    with urllib.request.urlopen(url) as response:
        return str(response.read())


def _shown(url: str) -> str:
    return url.replace(":" + (url.split("/")[2].partition(":")[2] or "-"), "")  # the port is another each time


def ask(*urls: str) -> Answers:
    ways = (by_opener, by_connection, by_urlopen)
    return {f"{way.__name__} {_shown(url)}": way(url) for url in urls for way in ways}


@contextmanager
def wsgi_intercept(site: str) -> Iterator[list[str]]:
    from wsgi_intercept import add_wsgi_intercept, http_client_intercept

    def program(environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "4")])
        return [b"wsgi"]

    http_client_intercept.install()
    add_wsgi_intercept("some.example", 80, lambda: program)
    yield ["http://some.example/", site]  # it has nothing for https
    http_client_intercept.uninstall()


@contextmanager
def vcrpy(site: str) -> Iterator[list[str]]:
    import vcr

    with (
        tempfile.TemporaryDirectory() as folder,
        vcr.use_cassette(f"{folder}/cassette.yaml", record_mode="new_episodes"),
    ):
        yield [site]


@contextmanager
def httpretty(site: str) -> Iterator[list[str]]:
    import httpretty as library

    library.enable(allow_net_connect=False)
    urls = [f"{scheme}://some.example/" for scheme in ("http", "https")]
    for url in urls:
        library.register_uri(library.GET, url, body="pretty")
    yield urls
    library.disable()


@contextmanager
def mocket(site: str) -> Iterator[list[str]]:
    from mocket import Mocketizer
    from mocket.mockhttp import Entry

    urls = [f"{scheme}://some.example/" for scheme in ("http", "https")]
    for url in urls:
        Entry.single_register(Entry.GET, url, body="mocked")
    with Mocketizer():
        yield urls


@contextmanager
def geventhttpclient(site: str) -> Iterator[list[str]]:
    from geventhttpclient import httplib

    module: Any = http.client
    found = module.HTTPConnection, module.HTTPSConnection, module.HTTPResponse
    httplib.patch()
    yield [site]
    module.HTTPConnection, module.HTTPSConnection, module.HTTPResponse = found


LIBRARIES = {
    "wsgi-intercept": wsgi_intercept,
    "vcrpy": vcrpy,
    "httpretty": httpretty,
    "mocket": mocket,
    "geventhttpclient": geventhttpclient,
}


def child(name: str, order: str) -> None:
    """Ask with the library on, and then off; print what came."""
    import coda_network

    server = Server(("127.0.0.1", 0), Responding)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site = f"http://127.0.0.1:{server.server_address[1]}/"
    if order == "before":
        coda_network.patch()
    with LIBRARIES[name](site) as urls:
        if order == "behind":
            coda_network.patch()
        on = ask(*urls)
    print(json.dumps({"on": on, "off": ask(site)}))


def run(name: str, order: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, name, order], capture_output=True, text=True, timeout=60
    )
    return ((done.stdout if done.returncode == 0 else done.stderr).strip().splitlines() or ["nothing"])[-1]


def main() -> int:
    """Print the table."""
    status = 0
    print("| library | version | the same in any order | what came |\n| --- | --- | --- | --- |")
    for name, version in installed(LIBRARIES, columns=4):
        found = {order: run(name, order) for order in ORDERS}
        equal = len(set(found.values())) == 1 and found["without"].startswith("{")
        status |= not equal
        print(
            f"| {name} | {version} | {'yes' if equal else 'NO'} | {found['without'] if equal else found} |", flush=True
        )
    return status


if __name__ == "__main__":
    start(child, main)
