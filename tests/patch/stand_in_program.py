"""A program in which something has taken the place of a class or function of the standard library: a recorder, say.

``python stand_in_program.py SHAPE before|behind`` puts it there before the patch or behind it, and prints as JSON what
came of it. Each run is a process of its own: the package is first imported when the stand-in is there.
"""

from __future__ import annotations

import http.client
import json
import socketserver
import sys
import threading
import urllib.request
import warnings
from http.server import BaseHTTPRequestHandler
from typing import Any
from unittest import mock

CONNECTION, HANDLER, URLOPEN = http.client.HTTPConnection, urllib.request.HTTPHandler, urllib.request.urlopen
BEFORE = dict(vars(CONNECTION))

seen: list[str] = []
"""What passed by the stand-in."""

beneath: list[Any] = []
"""The connections that it made."""


# -- shapes: what each puts under which name


class Extending(CONNECTION):
    """wsgi-intercept, geventhttpclient: a subclass with a way of its own to connect."""

    def connect(self) -> None:
        seen.append("connect")
        beneath.append(self)
        super().connect()


class Refusing:
    """What wsgi-intercept has for https."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        raise NotImplementedError  # as the real one does


class Recording:
    """vcrpy: no subclass; holds a connection of the class that it has found."""

    _baseclass = CONNECTION

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.real = self._baseclass(*arguments, **options)
        beneath.append(self.real)

    def request(self, *arguments: Any, **options: Any) -> None:
        seen.append("request")
        self.real.request(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def factory(*arguments: Any, **options: Any) -> Any:
    """A function that makes connections of the class that its module has kept."""
    seen.append("factory")
    beneath.append(CONNECTION(*arguments, **options))
    return beneath[-1]


class OwnHandler(HANDLER):
    """A class of handlers, which build_opener() takes from urllib.request."""

    def http_open(self, req: Any) -> Any:
        seen.append("http_open")
        return super().http_open(req)


def own_urlopen(*arguments: Any, **options: Any) -> Any:
    """The commonest of all: the function that was found stays in a global of its module."""
    seen.append("urlopen")
    return URLOPEN(*arguments, **options)


_request = CONNECTION.request


def own_request(self: Any, *arguments: Any, **options: Any) -> None:
    """The same for a method."""
    seen.append("request")
    beneath.append(self)
    _request(self, *arguments, **options)


SHAPES: dict[str, list[tuple[Any, str, Any]]] = {
    "extending": [(http.client, "HTTPConnection", Extending), (http.client, "HTTPSConnection", Refusing)],
    "recording": [(http.client, "HTTPConnection", type("OfCassette", (Recording,), {}))],
    "factory": [(http.client, "HTTPConnection", factory)],
    "handler": [(urllib.request, "HTTPHandler", OwnHandler)],
    "urlopen": [(urllib.request, "urlopen", own_urlopen)],
    "request": [(CONNECTION, "request", own_request)],
    "mock": [(http.client, "HTTPConnection", mock.MagicMock())],
}


# -- a server, and a program


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    connections = 0

    def process_request(self, *arguments: Any) -> None:
        self.connections += 1
        super().process_request(*arguments)


class Responding(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *arguments: object) -> None:
        pass


def opened(server: Server) -> int:
    """Ask twice through one opener; return how many connections that took."""
    before = server.connections
    url = f"http://127.0.0.1:{server.server_address[1]}/"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    urllib.request.install_opener(opener)
    for _ in range(2):
        with urllib.request.urlopen(url) as response:
            assert response.read() == b"hello"
    opener.close()
    return server.connections - before


def main(shape: str, order: str) -> None:
    """Print what was seen with the stand-in, and how many connections were made then, behind it, and unpatched."""
    server = Server(("127.0.0.1", 0), Responding)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    from coda_network import patch, unpatch

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        if order == "behind":
            patch()
        found = [(owner, name, vars(owner)[name]) for owner, name, _ in SHAPES[shape]]
        for owner, name, value in SHAPES[shape]:
            setattr(owner, name, value)
        if order == "before":
            patch()
    with_it = None if shape == "mock" else opened(server)
    ours = [hasattr(one, "socket_keepalive") for one in beneath]
    stays = all(vars(owner)[name] is value for owner, name, value in SHAPES[shape])
    for owner, name, value in found:
        setattr(owner, name, value)
    report = {
        "warned": [str(one.message) for one in warned],
        "seen": sorted(set(seen)),
        "ours": all(ours),
        "stays": stays,
        "with it": with_it,
        "without it": opened(server),
    }
    unpatch()
    report["unpatched"] = opened(server)
    report["as before"] = dict(vars(CONNECTION)) == BEFORE
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
