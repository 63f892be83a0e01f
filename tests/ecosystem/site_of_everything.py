"""The site that the programs ask: in each format the word ``found``, over http and https."""

from __future__ import annotations

import json
import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

from packages_of_the_index import SDIST, SDIST_NAME, WHEEL, WHEEL_NAME

BUCKETS = """<?xml version="1.0" encoding="UTF-8"?>
<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Owner><ID>1</ID></Owner><Buckets><Bucket>
<Name>found</Name><CreationDate>2020-01-01T00:00:00.000Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"""
FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>found</title></channel></rss>'
INDEX = '<html><body><a href="demo-1.0-py3-none-any.whl">demo-1.0-py3-none-any.whl</a> found</body></html>'
ANYTHING = {"ok": True, "id": "found", "name": "found", "object": "thing", "result": "found"}
KUBERNETES = (
    "buildDate",
    "compiler",
    "gitCommit",
    "gitTreeState",
    "gitVersion",
    "goVersion",
    "major",
    "minor",
    "platform",
)

# What a path ends with, or begins with, and what it gives.
PAGES: dict[str, tuple[str, str | bytes]] = {
    "/page.html": ("text/html", "<html><body>found</body></html>"),
    "/page.xml": ("text/xml", "<page>found</page>"),
    "/table.csv": ("text/csv", "a,b\n1,found\n"),
    "/feed.xml": ("application/rss+xml", FEED),
    "/graph.ttl": ("text/turtle", "<urn:a> <urn:b> <urn:found> .\n"),
    "/robots.txt": ("text/plain", "User-agent: *\nDisallow: /found\n"),
    "/suffixes.dat": ("text/plain", "// ===BEGIN ICANN DOMAINS===\nfound\n// ===END ICANN DOMAINS===\n"),
    "/simple/demo/": ("text/html", INDEX),
    "/simple/source/": ("text/html", f'<a href="{SDIST_NAME}">{SDIST_NAME}</a>'),
    "/simple/backend/": ("text/html", f'<a href="{WHEEL_NAME}">{WHEEL_NAME}</a>'),
    f"/simple/source/{SDIST_NAME}": ("application/octet-stream", SDIST),
    f"/simple/backend/{WHEEL_NAME}": ("application/octet-stream", WHEEL),
    "/getMe": ("text/json", json.dumps({"ok": True, "result": {"id": 1, "is_bot": True, "first_name": "found"}})),
    "/search": ("text/json", json.dumps([{"lat": "1", "lon": "2", "display_name": "found"}])),
    "/storage/v1/b": ("text/json", json.dumps({"items": [{"id": "found", "name": "found"}]})),
    "/version/": ("text/json", json.dumps(dict.fromkeys(KUBERNETES, "found"))),
    "/": ("application/xml", BUCKETS),
}


class Site(socketserver.ThreadingTCPServer):
    """Serves until the process ends."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 64

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._context = context
        scheme = "http" if context is None else "https"
        self.url = f"{scheme}://localhost:{self.server_address[1]}/"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._context is not None:  # in the thread of this connection
            try:
                request = self._context.wrap_socket(request, server_side=True)
            except OSError:
                return
        try:
            super().finish_request(request, client_address)
        except OSError:
            pass  # the program has gone
        finally:
            request.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        kind, page = PAGES.get(path) or next(
            (found for end, found in PAGES.items() if len(end) > 1 and path.endswith(end)),
            ("application/json", json.dumps(ANYTHING)),
        )
        body = page.encode() if isinstance(page, str) else page
        self.send_response(200)
        self.send_header("Content-Type", kind.replace("text/json", "application/json"))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, *arguments: object) -> None:
        pass
