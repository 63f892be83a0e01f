"""`coda+http` and `coda+https`: sites as a filesystem of fsspec."""

from __future__ import annotations

import json
import pickle
import re
import threading
from collections.abc import Iterator
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import fsspec
import pytest
from support.accounts import ALICE
from support.certs import Authority
from support.nginx import Nginx
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.servers import make_folder, write
from support.squid import Squid

from coda_network.filesystem import HTTPFileSystem
from coda_network.utilities import Retry, close_connections

CONTENT = bytes(range(256)) * 4096  # 1 MiB
ONCE = {"proxy": "", "retry": Retry(attempts=1)}
RANGE = re.compile(rb"\r\nRange: bytes=(\d+)-(\d+)\r\n", re.IGNORECASE)


class FileServer:
    """One file, with ranges; counts what it sends, and misbehaves where it is told to."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.etag = '"one"'
        self.mode = ""
        self.busy = 0  # how many ranges are refused
        self.requests: list[tuple[str, tuple[int, int] | None]] = []
        self.sent = 0
        self.lock = threading.Lock()

    def __call__(self, wire: Wire) -> None:
        for head in wire.read_heads():
            method = head.partition(b" ")[0].decode()
            match = RANGE.search(head)
            asked = (int(match[1]), int(match[2])) if match else None
            with self.lock:
                self.requests.append((method, asked))
            self.respond(wire, method, asked)
            if self.mode == "cuts" and asked is not None:
                return

    def respond(self, wire: Wire, method: str, asked: tuple[int, int] | None) -> None:
        whole, mode = self.content, self.mode
        fields = [] if mode == "no validator" else [f"ETag: {self.etag}"]
        if method == "HEAD":
            if mode in ("405", "403"):
                wire.send(f"HTTP/1.1 {mode} No\r\nContent-Length: 5\r\n\r\n".encode())
            elif mode == "no size":
                wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            else:
                wire.send(f"HTTP/1.1 200 OK\r\n{fields[0] if fields else 'X: y'}\r\n".encode())
                wire.send(f"Content-Length: {len(whole)}\r\n\r\n".encode())
            return
        if mode == "no size":
            wire.send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(whole), whole)
            )
            return
        if asked is None or mode == "ignores ranges":
            self.sent += len(whole)
            wire.respond(whole, "200 OK", *fields)
            return
        first, last = asked[0], min(asked[1], len(whole) - 1)
        if first >= len(whole):
            wire.respond(b"", "416 Range Not Satisfiable", f"Content-Range: bytes */{len(whole)}")
            return
        if mode == "short ranges":
            last = min(last, first + 999)
        if mode == "another range":
            first, last = first + 1, last + 1
        total = len(whole) + 1 if mode == "another total" else len(whole)
        data = whole[first : last + 1]
        self.sent += len(data)
        if mode == "cuts":
            head = [f"Content-Range: bytes {first}-{last}/{total}", f"Content-Length: {len(data)}", *fields]
            wire.send("\r\n".join(["HTTP/1.1 206 Partial Content", *head, "", ""]).encode() + data[:100_000])
            return
        if self.busy:
            self.busy -= 1
            wire.respond(b"", "503 Busy", "Retry-After: 0")
            return
        wire.respond(data, "206 Partial Content", f"Content-Range: bytes {first}-{last}/{total}", *fields)


@pytest.fixture
def files() -> Iterator[tuple[str, FileServer]]:
    """The URL of a file, and its server."""
    server = FileServer()
    with ScriptedPeer(server) as peer:
        yield f"coda+{peer.url}/file", server
        close_connections()
    HTTPFileSystem.clear_instance_cache()


def test_a_read_transfers_little_more_than_is_read(files: tuple[str, FileServer]) -> None:
    url, server = files
    with fsspec.open(url, block_size=1000, **ONCE) as file:
        assert file.size == len(CONTENT)
        file.seek(500_000)
        assert file.read(100) == CONTENT[500_000:500_100]
        assert file.read(100) == CONTENT[500_100:500_200]
        file.seek(-3, 2)
        assert file.read() == CONTENT[-3:]
        assert file.read() == b""
    assert [method for method, _ in server.requests] == ["HEAD", "GET", "GET"]
    assert server.sent <= 1100 + 1003


@pytest.mark.parametrize("cache", ["coda_growing", "none", "readahead", "blockcache", "bytes", "all"])
def test_each_cache_of_fsspec_reads_right(files: tuple[str, FileServer], cache: str) -> None:
    url, _ = files
    with fsspec.open(url, cache_type=cache, block_size=65536, **ONCE) as file:
        for start, size in ((0, 10), (70_000, 200_000), (5, 5), (len(CONTENT) - 10, 100), (len(CONTENT), 1)):
            file.seek(start)
            assert file.read(size) == CONTENT[start : start + size]
        file.seek(0)
        assert file.read() == CONTENT


@pytest.mark.parametrize("mode", ["", "405", "403", "no validator", "short ranges", "ignores ranges", "no size"])
def test_whatever_the_server_can_do_the_bytes_are_right(files: tuple[str, FileServer], mode: str) -> None:
    url, server = files
    server.mode, server.content = mode, CONTENT[:50_000]
    with fsspec.open(url, block_size=10_000, **ONCE) as file:
        assert file.read() == server.content
    if mode == "no size":
        assert not file.seekable()
        return
    with fsspec.open(url, block_size=100, **ONCE) as file:
        for start in (40_000, 10, 30_000):
            file.seek(start)
            assert file.read(50) == server.content[start : start + 50]
    if mode == "ignores ranges":  # the whole is sent once for each file that is opened
        assert server.sent == 2 * 50_000


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, 10), (5, 5), (10, 5), (100, None), (None, 10), (-10, None), (-20, -10), (49_990, 60_000), (60_000, 60_010)],
)
@pytest.mark.parametrize("mode", ["", "ignores ranges", "short ranges"])
def test_cat_file_slices_as_bytes_do(
    files: tuple[str, FileServer], mode: str, start: int | None, end: int | None
) -> None:
    url, server = files
    server.mode, server.content = mode, CONTENT[:50_000]
    assert fsspec.filesystem("coda+http", **ONCE).cat_file(url, start, end) == server.content[start:end]


def test_ranges_of_a_known_place_need_one_request_each(files: tuple[str, FileServer]) -> None:
    url, server = files
    filesystem = fsspec.filesystem("coda+http", **ONCE)
    assert filesystem.cat_ranges([url, url], [0, 1000], [10, 1010]) == [CONTENT[:10], CONTENT[1000:1010]]
    assert server.requests == [("GET", (0, 9)), ("GET", (1000, 1009))]
    assert server.sent == 20


@pytest.mark.parametrize("change", ["etag", "shorter", "another total"])
def test_a_file_that_changes_while_it_is_read_is_an_error(files: tuple[str, FileServer], change: str) -> None:
    url, server = files
    server.mode = "no validator" if change == "shorter" else ""
    with fsspec.open(url, block_size=100, **ONCE) as file:
        assert file.read(10) == CONTENT[:10]
        if change == "etag":
            server.etag = '"two"'
        elif change == "shorter":
            server.content = b"short"
        else:
            server.mode = change
        file.seek(100_000)
        with pytest.raises(OSError, match="has changed while it was read"):
            file.read(10)


def test_a_response_of_another_range_is_an_error(files: tuple[str, FileServer]) -> None:
    url, server = files
    server.mode = "another range"
    with fsspec.open(url, **ONCE) as file, pytest.raises(OSError, match="another range than was asked for"):
        file.read(10)


def test_a_range_that_breaks_off_is_gone_on_with(files: tuple[str, FileServer]) -> None:
    url, server = files
    server.mode = "cuts"
    with fsspec.open(url, proxy="", retry=Retry(attempts=2, backoff=0), block_size=1) as file:
        assert file.read() == CONTENT
    ranges = [asked for _, asked in server.requests if asked]
    assert ranges == [(start, len(CONTENT) - 1) for start in range(0, len(CONTENT), 100_000)]
    with fsspec.open(url, **ONCE) as file, pytest.raises(IncompleteRead):
        file.read()


def test_a_range_is_asked_for_as_often_as_retry_says(files: tuple[str, FileServer]) -> None:
    url, server = files
    options = {"proxy": "", "retry": Retry(attempts=3, backoff=0)}
    server.busy = 2
    with fsspec.open(url, **options) as file:
        assert file.read(10) == CONTENT[:10]
    server.busy = 3
    with fsspec.open(url, **options) as file, pytest.raises(OSError, match="503 Busy") as caught:
        file.read(10)
    assert caught.value.filename == url.removeprefix("coda+")
    assert server.busy == 0


def test_an_empty_file_is_empty(files: tuple[str, FileServer]) -> None:
    url, server = files
    server.content = b""
    filesystem = fsspec.filesystem("coda+http", **ONCE)
    for server.mode in ("", "405"):
        with filesystem.open(url) as file:
            assert file.read() == b""
    assert filesystem.cat_file(url, 0, 10) == b""


def test_errors_are_those_of_files(origin: Origin) -> None:
    filesystem = fsspec.filesystem("coda+http", **ONCE)
    for status, kind in ((404, FileNotFoundError), (410, FileNotFoundError), (403, PermissionError), (500, OSError)):
        url = f"coda+{origin.url}/status/{status}"
        with pytest.raises(kind, match=f"{status} ") as caught:
            filesystem.open(url)
        assert caught.value.filename == f"{origin.url}/status/{status}"
        with pytest.raises(kind):
            filesystem.cat_file(url)
    assert not filesystem.exists(f"coda+{origin.url}/status/404")
    with pytest.raises(OSError, match="500"):
        filesystem.exists(f"coda+{origin.url}/status/500")
    with pytest.raises(OSError, match="refused"):
        filesystem.info("coda+http://127.0.0.1:1/file")
    with pytest.raises(NotImplementedError):
        filesystem.open(f"coda+{origin.url}/bytes/1", "wb")


def test_text_lines_and_compression(origin: Origin) -> None:
    with fsspec.open(f"coda+{origin.url}/bytes/100", "rt", encoding="latin-1", **ONCE) as file:
        assert len(file.read()) == 100


def test_the_proxy_and_the_credentials_of_storage_options(origin: Origin, basic_proxy: Proxy) -> None:
    url = f"{origin.url}/basic/{ALICE.user}/s3cret"
    options: dict[str, Any] = {
        "proxy": basic_proxy.url,
        "proxy_credentials": (ALICE.user, ALICE.password),
        "credentials": (ALICE.user, "s3cret"),
    }
    assert fsspec.filesystem("coda+http", **options).cat_file(f"coda+{url}")
    assert basic_proxy.requests
    with pytest.raises(PermissionError) as caught:
        fsspec.open(f"coda+{url}", **{**options, "credentials": (ALICE.user, "wr0ng")}).open()
    assert "wr0ng" not in f"{caught.value} {caught.value.__dict__}"


def test_userinfo_becomes_credentials_and_no_part_of_a_name(origin: Origin) -> None:
    host = origin.url.removeprefix("http://")
    filesystem, name = fsspec.core.url_to_fs(
        f"coda+http://{ALICE.user}:s3cret@{host}/basic/{ALICE.user}/s3cret", **ONCE
    )
    assert name == f"{origin.url}/basic/{ALICE.user}/s3cret"
    assert filesystem.cat_file(name)
    assert filesystem.info(name)["name"] == name
    assert filesystem.unstrip_protocol(name) == f"coda+{name}"
    assert "s3cret" not in repr(filesystem)


def test_a_filesystem_and_its_open_files_pickle(files: tuple[str, FileServer]) -> None:
    url, _ = files
    filesystem = fsspec.filesystem("coda+http", **ONCE)
    assert pickle.loads(pickle.dumps(filesystem)).cat_file(url, 0, 5) == CONTENT[:5]
    with filesystem.open(url, block_size=100) as file:
        file.seek(1000)
        with pickle.loads(pickle.dumps(file)) as again:
            assert again.read(5) == CONTENT[1000:1005]
    plain = fsspec.filesystem("coda+http", proxy="")
    assert json.loads(plain.to_json())["proxy"] == ""


def test_reads_share_a_connection(files: tuple[str, FileServer]) -> None:
    server = FileServer()
    with ScriptedPeer(server) as peer:
        for _ in range(5):
            with fsspec.open(f"coda+{peer.url}/file", block_size=1000, **ONCE) as file:
                file.read(5000)
        assert peer.connections == 1
        close_connections()


@pytest.fixture
def tree(nginx: Nginx) -> str:
    """A folder that nginx lists, with files in it and below: its URL."""
    static = nginx.directory / "static"
    if not (static / "tree").exists():
        make_folder(static / "tree")
        make_folder(static / "tree" / "sub")
        write(static / "tree" / "a.csv", b"a,b\n1,2\n")
        write(static / "tree" / "b c%d.csv", b"a,b\n3,4\n")
        write(static / "tree" / "sub" / "deep.csv", b"a,b\n5,6\n")
    return f"{nginx.url}/tree"


@pytest.mark.servers
def test_nginx_folders_are_listed_walked_globbed_and_copied(tree: str, tmp_path: Path) -> None:
    filesystem = fsspec.filesystem("coda+http", **ONCE)
    names = [f"{tree}/a.csv", f"{tree}/b%20c%25d.csv", f"{tree}/sub"]
    assert sorted(filesystem.ls(tree, detail=False)) == names
    assert sorted(filesystem.ls(f"coda+{tree}/", detail=False)) == names
    assert {each["name"]: each["type"] for each in filesystem.ls(tree)}[f"{tree}/sub"] == "directory"
    assert filesystem.isdir(tree)
    assert filesystem.isdir(f"{tree}/sub")
    assert filesystem.isfile(f"{tree}/a.csv")
    assert sorted(filesystem.find(tree)) == [*names[:2], f"{tree}/sub/deep.csv"]
    assert filesystem.glob(f"coda+{tree}/*.csv") == names[:2]
    assert filesystem.glob(f"coda+{tree}/**/deep.csv") == [f"{tree}/sub/deep.csv"]
    assert filesystem.ls(f"{tree}/a.csv", detail=False) == [f"{tree}/a.csv"]
    assert filesystem.cat_file(f"{tree}/b%20c%25d.csv") == b"a,b\n3,4\n"
    with pytest.raises(FileNotFoundError):
        filesystem.ls(f"{tree}/nothing")
    filesystem.get(f"coda+{tree}", str(tmp_path / "copy"), recursive=True)
    assert (tmp_path / "copy" / "sub" / "deep.csv").read_bytes() == b"a,b\n5,6\n"
    filesystem.get(f"{tree}/a.csv", str(tmp_path / "one.csv"))
    assert (tmp_path / "one.csv").read_bytes() == b"a,b\n1,2\n"
    opened = fsspec.open_files(f"coda+{tree}/*.csv", **ONCE)
    assert len(opened) == 2


@pytest.mark.servers
def test_nginx_sends_the_ranges_of_a_large_file(nginx: Nginx) -> None:
    large = nginx.file(5 << 20)
    content = large.place.read_bytes()
    with nginx.log.watch() as watched, fsspec.open(f"coda+{nginx.url}{large.path}", block_size=4096, **ONCE) as file:
        for start in (0, 3 << 20, 1 << 20):
            file.seek(start)
            assert file.read(1000) == content[start : start + 1000]
    assert [entry["status"] for entry in watched.entries] == [200, 206, 206, 206]
    assert sum(entry["sent"] for entry in watched.entries) < 30_000


@pytest.mark.servers
@pytest.mark.parametrize("login", ["squid_digest", "squid_ntlm"])
def test_a_proxy_with_a_login_and_a_site_with_another_by_tls(
    nginx: Nginx, login: str, request: pytest.FixtureRequest, ca: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    squid: Squid = request.getfixturevalue(login)
    large = nginx.file(5 << 20)
    content = large.place.read_bytes()
    options = {**ONCE, "proxy": squid.url, "proxy_credentials": (ALICE.user, ALICE.password)}
    url = f"coda+{nginx.tls_url}/basic{large.path}"
    credentials = (ALICE.user, ALICE.password)
    with nginx.log.watch() as watched:
        with fsspec.open(url, block_size=4096, credentials=credentials, **options) as file:
            for start in (0, 3 << 20, 1 << 20):
                file.seek(start)
                assert file.read(1000) == content[start : start + 1000]
    assert sum(entry["sent"] for entry in watched.entries) < 30_000
    assert len({entry["connection"] for entry in watched.entries}) == 1
    close_connections()
    with pytest.raises(PermissionError):
        fsspec.filesystem("coda+https", **options).info(url)
    close_connections()
