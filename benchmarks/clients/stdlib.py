"""The bare loop, the standard library, and this package: by itself and under the standard library's names."""

from __future__ import annotations

import json
import os
import socket
import zlib
from importlib import import_module
from typing import Any

from place import BLOCK, DOMAIN, HOST, PASSWORD, SMALL, USER, Site

from clients.base import Client, FileLike


class Bare(Client):
    """sendall() and recv(), and not a look at what comes: what every other client is compared with.

    How long a response is, is known from the first one; all responses of a kind are alike.
    """

    name = "bare socket loop"

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.sock: Any = None
        self.tls = self.context() if secure else None
        self.messages: dict[str, bytes] = {}
        self.lengths: dict[str, tuple[int, int]] = {}

    def _message(self, path: str, body: bytes = b"", fields: str = "") -> bytes:
        if body:
            fields = f"Content-Length: {len(body)}\r\n"
        verb = "POST" if body else "GET"
        self.messages[path] = f"{verb} {path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n".encode() + body
        return self.messages[path]

    def _connect(self) -> Any:
        sock = socket.create_connection((HOST, self.port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock if self.tls is None else self.tls.wrap_socket(sock, server_hostname=HOST)

    def _send(self, path: str, message: bytes) -> tuple[int, int]:
        """Send one request; return the lengths of the head and of the body that will come."""
        if self.sock is None:
            self.sock = self._connect()
        if path not in self.lengths:
            self.lengths[path] = self._learn(message)
        self.sock.sendall(message)
        return self.lengths[path]

    def _learn(self, message: bytes) -> tuple[int, int]:
        with self._connect() as sock:
            sock.sendall(message)
            data = b""
            while b"\r\n\r\n" not in data:
                data += sock.recv(BLOCK)
        head = data[: data.index(b"\r\n\r\n") + 4]
        return len(head), int(head.lower().partition(b"content-length:")[2].split(None, 1)[0])

    def _exchange(self, path: str, message: bytes) -> bytes:
        head, body = self._send(path, message)
        data: bytes = self.sock.recv(BLOCK)
        while len(data) < head + body:
            data += self.sock.recv(BLOCK)
        if path.startswith("/close/"):
            self.close()
        return data[head:]

    def get(self, path: str) -> int:
        return len(self._exchange(path, self.messages.get(path) or self._message(path)))

    def post(self, path: str, body: bytes) -> int:
        return len(self._exchange(path, self.messages.get(path) or self._message(path, body)))

    def get_json(self, path: str) -> int:
        if self.sock is None:
            self.sock = self._connect()
        self.sock.sendall(self.messages.get(path) or self._message(path, fields="Accept-Encoding: gzip\r\n"))
        data = b""
        while not data.endswith(b"\r\n0\r\n\r\n"):
            data += self.sock.recv(BLOCK)
        _, _, rest = data.partition(b"\r\n\r\n")
        pieces = []
        while rest[:1] != b"0":
            size, _, rest = rest.partition(b"\r\n")
            pieces.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return len(json.loads(zlib.decompress(b"".join(pieces), 31)))

    def read_blocks(self, path: str) -> int:
        head, body = self._send(path, self.messages.get(path) or self._message(path))
        total = 0
        while total < head + body:
            total += len(self.sock.recv(BLOCK))
        return total - head

    def read_whole(self, path: str) -> int:
        head, body = self._send(path, self.messages.get(path) or self._message(path))
        buffer = bytearray(head + body)
        self._fill(buffer)
        return len(buffer) - head

    def _fill(self, buffer: bytearray) -> None:
        view = memoryview(buffer)
        while view:
            view = view[self.sock.recv_into(view) :]

    def read_into(self, path: str) -> int:
        head, body = self._send(path, self.messages.get(path) or self._message(path))
        buffer = bytearray(BLOCK)
        total = 0
        while total < head + body:
            total += self.sock.recv_into(buffer)
        return total - head

    def read_lines(self, path: str) -> int:
        head, body = self._send(path, self.messages.get(path) or self._message(path))
        total = 0
        with self.sock.makefile("rb", BLOCK) as file:
            for line in file:
                total += len(line)
                if total == head + body:
                    break
        return total - head

    def upload(self, path: str) -> int:
        if self.sock is None:
            self.sock = self._connect()
        length = f"Content-Length: {self.site.large}\r\n"
        self.sock.sendall(f"PUT {path} HTTP/1.1\r\nHost: {HOST}\r\n{length}\r\n".encode())
        with open(self.site.file, "rb", 0) as body:
            while block := body.read(1 << 20):
                self.sock.sendall(block)
        data = b""
        while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < SMALL:
            data += self.sock.recv(BLOCK)
        return len(data.partition(b"\r\n\r\n")[2])

    def get_many(self, count: int) -> int:
        return self.get("/small")

    def get_by_proxy(self, path: str, login: str) -> int:
        return self.get(path)

    get_past_networks = get_with_passwords = get_by_proxy

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()
            self.sock = None


class Connection(FileLike):
    """http.client.HTTPConnection."""

    name = "http.client"
    module = "http.client"

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.connection = self.connect()

    def connect(self) -> Any:
        """Return a new connection."""
        library = import_module(self.module)
        if self.secure:
            return library.HTTPSConnection(HOST, self.port, context=self.context())
        return library.HTTPConnection(HOST, self.port)

    def ask(self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        self.connection.request("GET" if data is None else "POST", path, data, headers or {})
        return self.connection.getresponse()

    def upload(self, path: str) -> int:
        with open(self.site.file, "rb") as body:
            self.connection.request("PUT", path, body, {"Content-Length": str(self.site.large)})
            return len(self.connection.getresponse().read())

    def leave_idle(self, path: str, count: int) -> object:
        """Open connections and keep them; there is no pool that would."""
        kept = []
        for _ in range(count):
            self.connection = self.connect()
            self.get(path)
            kept.append(self.connection)
        return kept

    def close(self) -> None:
        self.connection.close()


class CodaConnection(Connection):
    """coda_network.httplib.HTTPConnection."""

    name = "coda httplib"
    module = "coda_network.httplib"
    needs = ("coda_network.httplib",)
    ours = True


class Opener(FileLike):
    """urllib.request.build_opener().open()."""

    name = "urllib.request"
    module = "urllib.request"
    threads = True
    has_proxy = False
    asked = 0

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.library = import_module(self.module)
        handlers = [self.library.HTTPSHandler(context=self.context())] if secure else []
        self.opener = self.library.build_opener(*handlers)

    def ask(self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None) -> Any:
        url = self.base + path
        return self.opener.open(self.library.Request(url, data, headers) if headers else url, data)

    def upload(self, path: str) -> int:
        with open(self.site.file, "rb") as body:
            headers = {"Content-Length": str(self.site.large)}
            return len(self.opener.open(self.library.Request(self.base + path, body, headers, method="PUT")).read())

    def get_many(self, count: int) -> int:
        self.asked = (self.asked + 1) % count
        return self.get(f"/many/{self.asked}")

    def get_by_proxy(self, path: str, login: str) -> int:
        if not self.has_proxy:
            self.has_proxy = True
            handlers = [self.library.HTTPSHandler(context=self.context())] if self.secure else []
            self.opener = self.library.build_opener(self.proxy(login), *handlers, *self.proxy_logins(login))
        return self.get(path)

    def proxy(self, login: str) -> Any:
        """Return the handler that leads to the proxy."""
        url = self.site.proxy_for(login)
        options = {"context": self.context()} if url.startswith("https:") else {}
        return self.library.ProxyHandler(dict.fromkeys(("http", "https"), url), **options)

    def proxy_logins(self, login: str) -> list[Any]:
        """Return the handler that logs in at the proxy."""
        if login not in ("basic", "digest", "ntlm"):
            return []
        passwords = self.library.HTTPPasswordMgrWithDefaultRealm()
        user = f"{DOMAIN}\\{USER}" if login == "ntlm" else USER
        passwords.add_password(None, self.site.proxy_for(login).partition("://")[2], user, PASSWORD)
        if login == "ntlm":
            return [import_module("coda_network.ntlm_auth").ProxyNtlmAuthHandler(passwords)]
        kind = self.library.ProxyBasicAuthHandler if login == "basic" else self.library.ProxyDigestAuthHandler
        return [kind(passwords)]

    def get_with_passwords(self, path: str, count: int) -> int:
        """Get by a proxy that wants Basic, with that many passwords for other proxies in front of its own."""
        if not self.has_proxy:
            self.get_by_proxy(path, "basic")
            handler = next(each for each in self.opener.handlers if hasattr(each, "passwd"))
            entries = handler.passwd.passwd
            own = dict(entries[None])
            entries[None].clear()
            for number in range(count):
                handler.add_password(None, f"proxy{number}.example:3128", USER, PASSWORD)
            entries[None].update(own)
        return self.get(path)

    def get_past_networks(self, path: str, count: int) -> int:
        """Get by a proxy, with that many networks in no_proxy."""
        if not self.has_proxy:
            os.environ["no_proxy"] = ",".join(f"10.{n // 250}.{n % 250}.0/24" for n in range(count))
        return self.get_by_proxy(path, "")

    def close(self) -> None:
        self.opener.close()


class CodaOpener(Opener):
    """coda_network.urllib2.build_opener().open()."""

    name = "coda urllib2"
    module = "coda_network.urllib2"
    needs = ("coda_network.urllib2",)
    ours = True

    def proxy(self, login: str) -> Any:
        if login == "chain":
            return self.library.ProxyHandler({"http": [self.site.proxy_for(hop) for hop in ("tunnel", "socks")]})
        if (found := {"pac-direct": "DIRECT", "pac": f"PROXY {HOST}:{self.site.http_port}"}.get(login)) is None:
            return super().proxy(login)
        text = f'function FindProxyForURL(url, host) {{ return host == "a" ? "PROXY b:1" : "{found}"; }}'
        return self.library.ProxyHandler(choose=import_module("coda_network.proxies").from_pac(text))

    def log_in(self, path: str) -> int:
        from coda_network.ntlm_auth import HTTPNtlmAuthHandler

        if not any(isinstance(handler, HTTPNtlmAuthHandler) for handler in self.opener.handlers):
            passwords = self.library.HTTPPasswordMgrWithDefaultRealm()
            passwords.add_password(None, self.base, f"{DOMAIN}\\{USER}", PASSWORD)
            self.opener.add_handler(HTTPNtlmAuthHandler(passwords))
        return self.get(path)

    def leave_idle(self, path: str, count: int) -> object:
        """Let the opener keep connections that were all in use at the same time."""
        from coda_network._pool.pool import Pool
        from coda_network._transport.session import session_of

        connections = session_of(self.opener)
        assert connections is not None
        connections.pool = Pool(max_idle_per_host=count, max_idle=count)
        responses = [self.ask(path) for _ in range(count)]
        for response in responses:
            response.read()
        assert connections.pool.idle_count == count
        return self.opener


class PatchedOpener(Opener):
    """urllib.request.build_opener().open() after coda_network.patch()."""

    name = "urllib.request, patched"
    needs = ("coda_network",)
    ours = True

    def __init__(self, site: Site, secure: bool) -> None:
        import_module("coda_network").patch()
        super().__init__(site, secure)


class CodaDownload(Client):
    """coda_network.do_download()."""

    name = "coda do_download"
    needs = ("coda_network.utilities",)
    ours = True

    def __init__(self, site: Site, secure: bool) -> None:
        super().__init__(site, secure)
        self.download = import_module("coda_network.utilities").do_download

    def get(self, path: str) -> int:
        return len(self.download(self.base + path)[1])

    def post(self, path: str, body: bytes) -> int:
        return len(self.download(self.base + path, body)[1])

    read_whole = get
