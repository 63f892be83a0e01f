"""Exchanges whose every byte can be cut: a server that verifies and counts, and what a client does with it."""

from __future__ import annotations

import contextlib
import hashlib
import re
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coda_network import connect, ntlm_auth, urllib2, utilities
from support.accounts import ALICE
from support.cuts import DOCUMENTED
from support.fault_proxy import FaultProxy
from support.hop_scripts import forgiving
from support.ntlm_peer import NtlmPeer
from support.peer import ClientGone, ScriptedPeer, Wire

BODY = bytes(range(32, 127)) * 3
SECONDS = 2.0


class Server:
    """The script of a site, and of a proxy for CONNECT, that keeps its connections and counts what it carries out."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.done: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, wire: Wire) -> None:
        try:
            while True:
                head, body = wire.read_request()
                method, target, _ = head.split(b" ", 2)
                if method == b"CONNECT":
                    wire.respond(b"", "200 OK")
                    assert self.tls is not None
                    try:
                        wire.start_tls(self.tls)
                    except OSError:
                        return
                    continue
                self._respond(wire, method.decode(), target.decode(), head, body)
        except (ClientGone, ssl.SSLError):
            pass

    def _respond(self, wire: Wire, method: str, target: str, head: bytes, body: bytes) -> None:
        if "/digest" in target and not _proves(method, head):
            wire.respond(b"who?", "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"')
            return
        with self._lock:
            self.done.append(f"{method} {body.decode()}")
        if "/file" in target:
            _send_file(wire, head)
        elif "/chunked" in target:
            pieces = [BODY[index : index + 50] for index in range(0, len(BODY), 50)]
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nT: x\r\n\r\n")
        else:
            wire.respond(BODY)


def _send_file(wire: Wire, head: bytes) -> None:
    """Send a file, or what is missing of it (RFC 9110 sections 13.1.5 and 14.2)."""
    wanted = re.search(rb"\r\nRange: bytes=(\d+)-\r", head)
    if wanted and b'\r\nIf-Range: "one"\r' in head:
        first = int(wanted[1])
        place = f"Content-Range: bytes {first}-{len(BODY) - 1}/{len(BODY)}"
        wire.respond(BODY[first:], "206 Partial Content", 'ETag: "one"', place)
    else:
        wire.respond(BODY, "200 OK", 'ETag: "one"')


def _proves(method: str, head: bytes) -> bool:
    """Return whether the request has a Digest of alice's password (RFC 7616 section 3.4)."""
    found = dict(re.findall(r'(\w+)="?([^",\r]*)', head.decode().partition("Authorization: Digest ")[2]))
    if not found:
        return False

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    secret = md5(f"{ALICE.user}:r:{ALICE.password}")
    signed = md5(f"{method}:{found['uri']}")
    return found.get("response") == md5(f"{secret}:n:{found['nc']}:{found['cnonce']}:auth:{signed}")


@dataclass(frozen=True)
class Exchange:
    """One kind of exchange.

    :param run: carries it out through the fault proxy and returns the bodies that it got
    :param once: requests that must not be carried out twice, as the server notes them
    :param over_tls: what stands behind the fault proxy, the server or the first hop, begins with TLS
    :param hops: scripts of proxies before the server, the nearest first; the fault proxy stands before them
    :param ends_in_tls: behind hops the server begins with TLS
    """

    name: str
    server: Callable[[Any], Any]
    run: Callable[[FaultProxy, Any], list[bytes]]
    once: tuple[str, ...] = ()
    over_tls: bool = False
    hops: tuple[Callable[[Wire], None], ...] = ()
    ends_in_tls: bool = False


def _opener(*handlers: Any) -> Any:
    return urllib2.build_opener(urllib2.ProxyHandler({}), *handlers)


@contextlib.contextmanager
def closing(opener: Any) -> Iterator[Any]:
    try:
        yield opener
    finally:
        opener.close()


def get(opener: Any, url: Any) -> bytes:
    with opener.open(url, timeout=SECONDS) as response:
        return response.read()  # type: ignore[no-any-return]  # an opener of either library


def _plain(path: str) -> Callable[[FaultProxy, Any], list[bytes]]:
    def run(proxy: FaultProxy, context: Any) -> list[bytes]:
        with closing(_opener()) as opener:
            return [get(opener, f"http://{proxy.netloc}{path}")]

    return run


def _connect(proxy: FaultProxy, context: Any) -> list[bytes]:
    handlers = urllib2.ProxyHandler({"https": f"http://{proxy.netloc}"}), urllib2.HTTPSHandler(context=context)
    with closing(urllib2.build_opener(*handlers)) as opener:
        return [get(opener, "https://localhost/plain")]


def _digest(proxy: FaultProxy, context: Any) -> list[bytes]:
    url = f"http://{proxy.netloc}/digest"
    handler = urllib2.HTTPDigestAuthHandler(urllib2.HTTPPasswordMgrWithDefaultRealm())
    handler.add_password(None, url, ALICE.user, ALICE.password)  # type: ignore[arg-type]  # of any realm
    with closing(_opener(handler)) as opener:
        return [get(opener, url)]


def _ntlm(proxy: FaultProxy, context: Any) -> list[bytes]:
    handler = ntlm_auth.HTTPNtlmAuthHandler()
    scheme = "http" if context is None else "https"
    url = f"{scheme}://{proxy.netloc.replace('127.0.0.1', 'localhost')}/"
    handler.add_password(None, url, ALICE.qualified, ALICE.password)
    more = () if context is None else (urllib2.HTTPSHandler(context=context),)
    with closing(_opener(handler, *more)) as opener:
        return [get(opener, url)]


def _post_on_reused(proxy: FaultProxy, context: Any) -> list[bytes]:
    with closing(_opener()) as opener:
        first = get(opener, f"http://{proxy.netloc}/plain")
        return [first, get(opener, urllib2.Request(f"http://{proxy.netloc}/plain", b"order"))]


def _download(proxy: FaultProxy, context: Any) -> list[bytes]:
    with utilities.create_download_handle(
        f"http://{proxy.netloc}/chunked",
        proxy_handlers=urllib2.ProxyHandler({}),
        headers={"Connection": "close"},  # downloads share connections, and this one is to meet the fault
        timeout_sec=SECONDS,
        retry=utilities.Retry(attempts=2, backoff=0.01),
    ) as handle:
        return [b"".join(iter(lambda: handle.read1(70), b""))]


def _download_file(proxy: FaultProxy, context: Any) -> list[bytes]:
    return to_file(proxy, f"http://{proxy.netloc}/file", hashlib.sha256(BODY).hexdigest())


def to_file(proxy: FaultProxy, url: str, sha256: str, through: str | None = None) -> list[bytes]:
    """Download to a file. Where that fails, the next call without a fault goes on, and the failure is raised behind it.

    :param sha256: of the file
    :param through: the URL of a proxy
    """
    handlers = urllib2.ProxyHandler({} if through is None else {"http": through})
    retry = utilities.Retry(attempts=2, backoff=0.01)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "file")

        def fetch(seconds: float) -> list[bytes]:
            utilities.close_connections()  # downloads share connections, and this one is to meet the fault
            utilities.download_file(url, place, handlers, timeout_sec=seconds, sha256=sha256, retry=retry)
            assert [each.name for each in place.parent.iterdir()] == ["file"]
            return [place.read_bytes()]

        try:
            return fetch(SECONDS)
        except DOCUMENTED:
            assert not place.exists()
            proxy.reset(None)
            try:
                [body] = fetch(10)
            except DOCUMENTED as error:
                raise AssertionError(f"what broke off cannot be gone on with: {error!r}") from error
            assert hashlib.sha256(body).hexdigest() == sha256
            raise


def _tunnel(proxy: FaultProxy, context: Any) -> list[bytes]:
    with connect.create_connection(("localhost", 443), SECONDS, proxy=f"http://{proxy.netloc}") as sock:
        with connect.start_tls(sock, context, "localhost") as tls:
            tls.sendall(b"GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n")
            data = b""
            while not data.endswith(BODY):
                piece = tls.recv(65536)
                if not piece:
                    raise ConnectionError("cut")
                data += piece
            return [data[-len(BODY) :]]


def site(ca: Any) -> Server:
    return Server(ca.server_context())


def _ntlm_site(ca: Any) -> NtlmPeer:
    return NtlmPeer("site")


EXCHANGES = (
    Exchange("plain GET", site, _plain("/plain"), ("GET ",)),
    Exchange("chunked", site, _plain("/chunked"), ("GET ",)),
    Exchange("https by CONNECT", site, _connect, ("GET ",)),
    Exchange("plain socket by CONNECT", site, _tunnel, ("GET ",)),
    Exchange("Digest", site, _digest),
    Exchange("NTLM", _ntlm_site, _ntlm),
    Exchange("NTLM over https", _ntlm_site, _ntlm, over_tls=True),
    Exchange("POST on a reused connection", site, _post_on_reused, ("POST order",)),
    Exchange("download", site, _download),
    Exchange("download to a file, with resume", site, _download_file),
)


@contextlib.contextmanager
def served(exchange: Exchange, ca: Any) -> Iterator[tuple[FaultProxy, Any, Any]]:
    """Give a fault proxy before the server of an exchange, the server, and the client's TLS context, if it has one."""
    server = exchange.server(ca)
    # What a cut leaves is no business of the server.
    scripts = [forgiving(script) for script in (*exchange.hops, server)]
    begins_with_tls = [exchange.over_tls] + [False] * (len(scripts) - 2) + [exchange.ends_in_tls] * bool(exchange.hops)
    needs_context = any(begins_with_tls) or "CONNECT" in exchange.name
    with contextlib.ExitStack() as stack:
        peers = [
            stack.enter_context(ScriptedPeer(script, tls=ca.server_context() if tls else None))
            for script, tls in zip(scripts, begins_with_tls, strict=True)
        ]
        proxy = stack.enter_context(FaultProxy(peers[0].address))
        proxy.behind = [peer.netloc for peer in peers[1:]]
        yield proxy, server, ca.client_context() if needs_context else None
