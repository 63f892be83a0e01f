"""Servers that misbehave, and real ones whose connections break: what was sent, and what came of the file.

``python tests/ecosystem/misbehaving.py [WORD ...]`` prints a table; words choose rows. Each row is a
``download_file()`` over an old file, directly and by a squid that demands NTLM. It is right where the file has the
checksum that it should have, or where there is an error and the old file is as it was; anything else makes the exit
status 1. Needs Debian's nginx, Apache and squid, and a KDC.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

from place import MIB, Place
from support.apache import Apache
from support.fault_proxy import FIN, RST, TO_CLIENT, Fault, FaultProxy
from support.file_server import FileServer
from support.kdc import KDC
from support.origin import patterned
from support.peer import ScriptedPeer

from coda_network import urllib2
from coda_network.utilities import Retry, close_connections, download_file

SIZE = 8 * MIB
BODY = patterned(SIZE)
NEW = BODY[::-1]
OLD = b"the old file"
NEVER = 1 << 60


class Row(NamedTuple):
    """One row for the server that misbehaves."""

    prepare: Callable[[FileServer], object]
    options: dict[str, Any] = {}
    expected: bytes | None = BODY  # None: an error, and the old file
    by_squid: bytes = b""  # what is right then, where that is something else

    def right(self, directly: bool) -> bytes | None:
        return self.expected if directly else self.by_squid or self.expected


def digest_field(body: bytes) -> str:
    return f"Repr-Digest: sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def response(status: str, *fields: str, body: bytes = b"") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode() + body


def cuts(server: FileServer, ranges: bool = True, connections: int = NEVER) -> None:
    def change(server: FileServer, number: int) -> None:
        server.cut_at = MIB if number <= connections else NEVER

    server.ranges, server.change = ranges, change


def after_a_cut(then: Callable[[FileServer], object]) -> Callable[[FileServer], None]:
    """Cut the first response behind 1 MiB, and do something before the second one."""

    def prepare(server: FileServer) -> None:
        def change(server: FileServer, number: int) -> bytes | None:
            server.cut_at = MIB if number == 1 else NEVER
            found = then(server) if number == 2 else None
            return found if isinstance(found, bytes) else None

        server.change = change

    return prepare


def says(data: bytes, times: int = NEVER) -> Callable[[FileServer], None]:
    """Send these bytes in place of the first responses, and close."""

    def prepare(server: FileServer) -> None:
        server.change = lambda server, number: data if number <= times else None

    return prepare


def changes(body: bytes, etag: str, *fields: str) -> Callable[[FileServer], None]:
    def then(server: FileServer) -> None:
        server.body, server.etag, server.fields = body, etag, list(fields)

    return then


def another_range(total: int) -> bytes:
    fields = f"Content-Range: bytes {2 * MIB}-{SIZE - 1}/{total}", f"Content-Length: {SIZE - 2 * MIB}", 'ETag: "one"'
    return response("206 Partial Content", *fields, body=BODY[2 * MIB :])


def third_is_another(server: FileServer, number: int) -> None:
    if number == 3:
        changes(NEW, '"two"')(server)


def lying_range(server: FileServer) -> bytes:
    fields = f"Content-Range: bytes {MIB}-{SIZE - 1}/{SIZE + 1}", f"Content-Length: {SIZE - MIB}", 'ETag: "one"'
    return response("206 Partial Content", *fields, body=BODY[MIB:])


def whole(length: int, *fields: str) -> bytes:
    return response("200 OK", f"Content-Length: {length}", 'ETag: "one"', *fields, body=BODY)


RIGHT = hashlib.sha256(BODY).hexdigest()
NO_HTTP = b"\x00\x01 no HTTP at all\r\n\r\n"
BUSY = "503 Service Unavailable", "Content-Length: 0"
SEGMENTS = {"segments": 4}
ROWS = {
    "cuts at every 1 MiB": Row(cuts),
    "cuts at every 1 MiB, ignores `Range`": Row(lambda server: cuts(server, ranges=False), expected=None),
    "cuts once, ignores `Range`": Row(lambda server: cuts(server, ranges=False, connections=1)),
    "cuts once, names no state of the file": Row(
        lambda server: (cuts(server, connections=1), setattr(server, "etag", None))
    ),
    "announces 1 MiB more than it sends": Row(says(whole(SIZE + MIB)), expected=None),
    "announces 1 MiB more, with `sha256=`": Row(says(whole(SIZE + MIB)), {"sha256": RIGHT}, None),
    "announces 1 MiB less, with a digest": Row(says(whole(SIZE - MIB, digest_field(BODY))), expected=None),
    "announces 1 MiB less, with `sha256=`": Row(says(whole(SIZE - MIB)), {"sha256": RIGHT}, None),
    "announces 1 MiB less, and nothing tells": Row(says(whole(SIZE - MIB)), expected=BODY[:-MIB]),
    "cuts, and the file is another one then": Row(after_a_cut(changes(NEW, '"two"')), expected=NEW),
    "so, under the same ETag, with a digest": Row(after_a_cut(changes(NEW, '"one"', digest_field(NEW))), expected=None),
    "cuts, and the file is shorter then": Row(after_a_cut(changes(BODY[:1000], '"two"')), expected=BODY[:1000]),
    "cuts, then 206 of another range": Row(after_a_cut(lambda server: another_range(SIZE))),
    "cuts, then a `Content-Range` of another size": Row(after_a_cut(lying_range)),
    "206 of another range each time": Row(says(another_range(SIZE)), expected=None),
    "cuts, then 416": Row(after_a_cut(lambda server: response("416 No", "Content-Length: 0"))),
    "cuts, then 404": Row(after_a_cut(lambda server: response("404 Not Found", "Content-Length: 0")), expected=None),
    # squid takes that for the file of an HTTP/0.9 server, and says 200.
    "cuts, then no HTTP": Row(after_a_cut(lambda server: NO_HTTP), by_squid=NO_HTTP),
    "a wrong `Repr-Digest`": Row(lambda server: setattr(server, "fields", [digest_field(NEW)]), expected=None),
    "the wrong file, with `sha256=`": Row(changes(NEW, '"one"'), {"sha256": RIGHT}, None),
    "503 twice, `Retry-After: 1`": Row(says(response(*BUSY, "Retry-After: 1"), 2)),
    "503 once, `Retry-After` as a date": Row(says(response(*BUSY, f"Retry-After: {formatdate(1, usegmt=True)}"), 1)),
    "503 for ever": Row(says(response(*BUSY)), expected=None),
    "503 for ever, `Retry-After: 3600`": Row(says(response(*BUSY, "Retry-After: 3600")), expected=None),
    "chunks that end too early": Row(
        says(response("200 OK", "Transfer-Encoding: chunked", body=b"%x\r\n" % SIZE + BODY[:MIB])), expected=None
    ),
    "closes without a response, twice": Row(says(b"", 2)),
    "4 segments: cuts at every 1 MiB": Row(cuts, SEGMENTS),
    "4 segments: ignores `Range`": Row(lambda server: setattr(server, "ranges", False), SEGMENTS),
    "4 segments: another file behind the first": Row(
        lambda server: setattr(server, "change", third_is_another), SEGMENTS, NEW,
    ),
    "4 segments: a wrong `Repr-Digest`": Row(
        lambda server: setattr(server, "fields", [digest_field(NEW)]), SEGMENTS, None
    ),
}  # fmt: skip


AS_ANNOUNCED = BODY[:-MIB], NO_HTTP


class Table:
    """Prints a row for each download, and counts those that are wrong."""

    def __init__(self) -> None:
        self.wrong = 0
        self.proxy: str | None = None
        self.retry = Retry(attempts=3, backoff=0.05)
        print("| server | what it does | requests | outcome | time, s | |\n| --- | --- | --- | --- | --- | --- |")

    def row(self, server: str, what: str, url: str, expected: bytes | None, options: dict[str, Any]) -> str:
        """Download and look at the file; return the row, with a place for what was sent."""
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder, "file")
            place.write_bytes(OLD)
            begun = time.monotonic()
            try:
                handlers = [] if self.proxy is None else [urllib2.ProxyHandler({"http": self.proxy})]
                found = download_file(url, place, handlers, retry=self.retry, timeout_sec=60, **options)
                outcome, failed = f"complete, {found.size / MIB:.1f} MiB", False
            except Exception as error:
                text = re.sub(r"([0-9a-f]{8})[0-9a-f]{56}", r"\1...", str(error).partition("; what came")[0])
                outcome, failed = f"{type(error).__name__}: {text}", True
            seconds = time.monotonic() - begun
            is_right = failed if expected is None else not failed
            is_right = is_right and place.read_bytes() == (OLD if expected is None else expected)
            others = sorted(path.name.removeprefix("file") for path in Path(folder).iterdir() if path != place)
            outcome += f"; left: {', '.join(others)}" if others else ""
        self.wrong += not is_right
        right = "the old file" if expected is None else "as announced" if expected in AS_ANNOUNCED else "right"
        verdict = right if is_right else "WRONG"
        way = "" if self.proxy is None else ", by squid"
        return f"| {server}{way} | {what} | {{}} | {outcome} | {seconds:.1f} | {verdict} |"


def ranges_of(server: FileServer) -> str:
    """Return what was asked for, as a cell."""
    texts = ["whole" if wanted is None else wanted.removeprefix("bytes=") for wanted, _ in server.asked]
    return ", ".join(texts if len(texts) < 6 else [*texts[:2], f"... {len(texts)} in all"])


def behind_a_relay(table: Table, name: str, folder: Path, address: tuple[str, int], log: Any) -> None:
    """Break the connections to a real server, and change its file meanwhile."""
    file = folder / "file.bin"

    def put(body: bytes, age: float) -> None:
        new = folder / "new.bin"
        new.write_bytes(body)
        new.chmod(0o644)
        os.utime(new, (time.time() - age,) * 2)
        new.replace(file)

    def meanwhile(do: Callable[[], object]) -> Callable[[int, int | None], None]:
        done = []

        def progress(count: int, total: int | None) -> None:
            if count > MIB // 2 and not done:
                done.append(do())

        return progress

    every, once = NEVER, 1
    rows: dict[str, tuple[Fault | None, dict[str, Any], bytes | None]] = {
        "whole": (None, {}, BODY),
        "cut at every 1 MiB (FIN)": (Fault(TO_CLIENT, MIB, FIN, every), {}, BODY),
        "cut at every 1 MiB (RST)": (Fault(TO_CLIENT, MIB, RST, every), {}, BODY),
        "cut, and the file is another one then": (
            Fault(TO_CLIENT, MIB, FIN, once), {"progress": meanwhile(lambda: put(NEW, 50))}, NEW,
        ),
        "cut, and the file is shorter then": (
            Fault(TO_CLIENT, MIB, FIN, once), {"progress": meanwhile(lambda: put(BODY[:1000], 50))}, BODY[:1000],
        ),
        "cut, and the file has gone then": (
            Fault(TO_CLIENT, MIB, FIN, once), {"progress": meanwhile(file.unlink)}, None,
        ),
        "4 segments, cut at every 1 MiB": (Fault(TO_CLIENT, MIB, FIN, every), {"segments": 4}, BODY),
        "the wrong file, with `sha256=`": (None, {"sha256": hashlib.sha256(NEW).hexdigest()}, None),
    }  # fmt: skip
    for what, (fault, options, expected) in rows.items():
        put(BODY, 100)
        close_connections()
        # Each has a relay of its own: squid keeps its connections for the next ones.
        with FaultProxy(address) as relay, log.watch() as seen:
            relay.reset(fault)
            row = table.row(name, what, f"http://{relay.netloc}/file.bin", expected, options)
            time.sleep(0.3)
        statuses = Counter(entry["status"] for entry in seen.entries)
        print(row.format(", ".join(f"{count} x {status}" for status, count in statuses.items())), flush=True)


def on_purpose(table: Table, words: list[str]) -> None:
    """Ask the server that misbehaves."""
    for what, row in ROWS.items():
        if words and not any(word in what for word in words):
            continue
        server = FileServer(BODY)
        row.prepare(server)
        with ScriptedPeer(server) as peer:
            line = table.row("on purpose", what, peer.url, row.right(table.proxy is None), row.options)
        print(line.format(ranges_of(server)), flush=True)
        close_connections()


def main(words: list[str]) -> int:
    table = Table()
    with ExitStack() as stack:
        place = Place(stack)
        proxies = None, place.ways["NTLM squid"]["http_proxy"]
        apache = None if words else stack.enter_context(Apache(place.ca, stack.enter_context(KDC())))
        for table.proxy in proxies:
            on_purpose(table, words)
            if apache is not None:
                nginx, address = place.nginx, ("127.0.0.1", place.nginx.http_port)
                behind_a_relay(table, "nginx", nginx.directory / "static", address, nginx.log)
                behind_a_relay(table, "Apache", apache.directory / "static", apache.address, apache.log)
    return 1 if table.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
