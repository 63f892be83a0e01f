"""What the programs of ``programs.py`` ask for: one site over http and https, with everything on it."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import mimetypes
import os
import shutil
import ssl
import subprocess
import tarfile
import threading
import zipfile
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MIB = 1 << 20
WORDS = [f"word{number} " for number in range(200)]


def run(*command: str, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)


def make_files(root: Path) -> None:
    """Make repositories, a wheel, an npm package and a Debian package, each as its index wants it, and a page."""
    (root / "big").write_bytes(os.urandom(16 * MIB))
    work = root / "work"
    work.mkdir()
    (work / "data").write_bytes(os.urandom(MIB))
    run("git", "init", "-q", cwd=work)
    run("git", "add", "data", cwd=work)
    run("git", "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qm", "all", cwd=work)
    run("git", "clone", "-q", "--bare", str(work), str(root / "thing.git"))
    run("git", "config", "http.receivepack", "true", cwd=root / "thing.git")
    _wheel(root / "simple" / "tinything")
    _npm(root / "npm")
    _debian(root / "apt")
    _page(root / "page")
    if shutil.which("hg"):
        _mercurial(root / "hg")


def _wheel(folder: Path) -> None:
    folder.mkdir(parents=True)
    info = "tinything-1.0.dist-info"
    files = {
        "tinything.py": "ANSWER = 42\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = []
    with zipfile.ZipFile(folder / "tinything-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(text)}\n")
            wheel.writestr(name, text)
        wheel.writestr(f"{info}/RECORD", "".join([*lines, f"{info}/RECORD,,\n"]))
    (folder / "index.html").write_text('<a href="tinything-1.0-py3-none-any.whl">tinything-1.0-py3-none-any.whl</a>')


def _npm(folder: Path) -> None:
    folder.mkdir()
    with tarfile.open(folder / "tinything-1.0.0.tgz", "w:gz") as archive:
        for name, text in (
            ("package/package.json", json.dumps({"name": "tinything", "version": "1.0.0", "main": "index.js"})),
            ("package/index.js", "module.exports = 42\n"),
        ):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))


def _debian(folder: Path) -> None:
    package = folder / "tinything"
    (package / "DEBIAN").mkdir(parents=True)
    (package / "DEBIAN" / "control").write_text(
        "Package: tinything\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@y>\nDescription: tiny\n"
    )
    (package / "data").write_bytes(os.urandom(MIB))
    run("dpkg-deb", "--root-owner-group", "-Znone", "-b", str(package), str(folder / "tinything_1.0_all.deb"))
    data = (folder / "tinything_1.0_all.deb").read_bytes()
    (folder / "Packages").write_text(
        "Package: tinything\nVersion: 1.0\nArchitecture: all\nMaintainer: x <x@y>\nFilename: ./tinything_1.0_all.deb\n"
        f"Size: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\nDescription: tiny\n\n"
    )


def _mercurial(repository: Path) -> None:
    run("hg", "init", str(repository))
    (repository / "data").write_bytes(os.urandom(MIB))
    run("hg", "commit", "-R", str(repository), "--addremove", "--message", "all", "--user", "x")


PARTS = 12


def _page(folder: Path) -> None:
    """Make a page of scripts, a style sheet and a picture, which shows one checksum of all that it has loaded.

    It is computed in the page's own thread: a browser that is told to wait for what it fetches waits for no other.
    """
    folder.mkdir()
    for number in range(PARTS):
        (folder / f"part{number}.js").write_text(f"parts[{number}] = '{os.urandom(20000).hex()}';\n")
    (folder / "style.css").write_text("body { counter-reset: styled 7; }\n")
    (folder / "picture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="31" height="31"/>')
    scripts = "".join(f'<script src="part{number}.js"></script>\n' for number in range(PARTS))
    (folder / "index.html").write_text(
        f"""<!DOCTYPE html><link rel="stylesheet" href="style.css"><script>const parts = [];</script>
<body><img src="picture.svg">{scripts}<script>
onload = async () => {{
    const big = await (await fetch("/big")).arrayBuffer();
    const width = document.querySelector("img").naturalWidth, style = getComputedStyle(document.body).counterReset;
    let crc = -1;
    for (const bytes of [new TextEncoder().encode(`${{parts.join("")}}${{width}} ${{style}}`), new Uint8Array(big)])
        for (const byte of bytes) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
    document.title = (~crc >>> 0).toString(16);
}};
const table = Int32Array.from({{length: 256}}, (_, crc) => {{
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1;
    return crc;
}});
</script></body>
"""
    )


def checksum_of_page(root: Path) -> str:
    """Return what the page has as its title when all of it is there."""
    parts = [(root / "page" / f"part{number}.js").read_bytes().split(b"'")[1] for number in range(PARTS)]
    return f"{zlib.crc32(b''.join([*parts, b'31 styled 7', (root / 'big').read_bytes()])):x}"


class Site:
    """The site, for a with statement.

    :param root: a folder with what ``make_files()`` makes
    :param context: of TLS
    """

    def __init__(self, root: Path, context: ssl.SSLContext) -> None:
        handler = type("Handler", (_Handler,), {"root": root})
        self._servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
        self._servers[1].socket = context.wrap_socket(self._servers[1].socket, server_side=True)
        self.http = f"http://localhost:{self._servers[0].server_address[1]}"
        self.https = f"https://localhost:{self._servers[1].server_address[1]}"

    def __enter__(self) -> Site:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    root: Path

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path.startswith("/git/"):
            self._git()
        elif path == "/npm/tinything":
            self._npm()
        else:
            file = self.root / path.lstrip("/")
            file = file / "index.html" if file.is_dir() else file
            if file.is_file():
                self._respond(file.read_bytes(), mimetypes.guess_type(file)[0] or "application/octet-stream")
            else:
                self._respond(b"", status=404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        if self.path.startswith("/git/"):
            self._git()
        elif self.path == "/v1/chat/completions":
            self._complete()
        else:
            digest = hashlib.sha256()
            for piece in self._body():
                digest.update(piece)
            self._respond(digest.hexdigest().encode(), "text/plain")

    def _body(self) -> Any:
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            piece = self.rfile.read(min(left, MIB))
            if not piece:
                return
            left -= len(piece)
            yield piece

    def _respond(self, body: bytes, kind: str = "text/plain", status: int = 200, reason: str | None = None) -> None:
        self.send_response(status, reason)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _npm(self) -> None:
        data = (self.root / "npm" / "tinything-1.0.0.tgz").read_bytes()
        scheme = "https" if isinstance(self.connection, ssl.SSLSocket) else "http"
        dist = {
            "tarball": f"{scheme}://{self.headers['Host']}/npm/tinything-1.0.0.tgz",
            "integrity": "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode(),
        }
        version = {"name": "tinything", "version": "1.0.0", "dist": dist}
        about = {"name": "tinything", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        self._respond(json.dumps(about).encode(), "application/json")

    def _complete(self) -> None:
        """Stream an answer word by word, as the API of openai does."""
        b"".join(self._body())
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in WORDS:
            delta = {"index": 0, "delta": {"content": word}, "finish_reason": None}
            event = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
            self._chunk(f"data: {json.dumps(event)}\n\n".encode())
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _git(self) -> None:
        """Serve git's smart protocol by its own CGI program."""
        parts = urlsplit(self.path)
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": parts.path.removeprefix("/git"),
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = b"".join(self._body())
        environment["CONTENT_LENGTH"] = str(len(body))
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=True)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.decode().split(": ", 1) for line in head.split(b"\r\n"))
        status = int(fields.pop("Status", "200").split()[0])
        self._respond(rest, fields.get("Content-Type", "text/plain"), status)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
