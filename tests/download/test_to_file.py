"""`download_file()`: the file is complete and right, or as it was; what came is gone on with."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from email.utils import formatdate
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from support.nginx import Nginx
from support.origin import Origin, patterned
from support.peer import ClientGone, ScriptedPeer, Wire

from coda_network import utilities
from coda_network._download import to_file
from coda_network.utilities import Retry, WrongDigest, download_file

BODY = patterned(300_000)
AT_ONCE = Retry(attempts=3, backoff=0)


class Server:
    """A file server whose every response can be changed by a script of the test."""

    def __init__(self, body: bytes = BODY, etag: str | None = '"one"', ranges: bool = True) -> None:
        self.body, self.etag, self.ranges = body, etag, ranges
        self.fields: list[str] = []
        self.asked: list[tuple[str | None, str | None]] = []
        self.change: Callable[[Server, int], bytes | None] = lambda server, number: None
        self.cut_at = 1 << 60

    def __call__(self, wire: Wire) -> None:
        while True:
            try:
                head = wire.read_head().decode()
            except ClientGone:
                return
            wanted, state = field(head, "Range"), field(head, "If-Range")
            self.asked.append((wanted, state))
            special = self.change(self, len(self.asked))
            if special is not None:
                wire.send(special)
                return
            if field(head, "If-None-Match") == self.etag and self.etag:
                wire.send(f"HTTP/1.1 304 Not Modified\r\nETag: {self.etag}\r\n\r\n".encode())
                continue
            first, last, status = 0, len(self.body) - 1, "200 OK"
            fields = [f"ETag: {self.etag}"] if self.etag else []
            if wanted and self.ranges and state in (None, self.etag):
                match = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
                assert match
                first, last = int(match[1]), int(match[2] or last)
                status = "206 Partial Content"
                fields.append(f"Content-Range: bytes {first}-{last}/{len(self.body)}")
                if first >= len(self.body):
                    wire.respond(b"", "416 No", f"Content-Range: bytes */{len(self.body)}")
                    continue
            piece = self.body[first : last + 1]
            fields += [*self.fields, f"Content-Length: {len(piece)}"]
            wire.send("\r\n".join([f"HTTP/1.1 {status}", *fields]).encode() + b"\r\n\r\n" + piece[: self.cut_at])
            if len(piece) > self.cut_at:
                return


def field(head: str, name: str) -> str | None:
    found = re.search(rf"\r\n{name}: ([^\r]*)", head, re.IGNORECASE)
    return found[1] if found else None


def only(folder: Path, *names: str) -> bool:
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_a_file_comes_whole(origin: Origin, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    place = tmp_path / "file"
    place.write_bytes(b"old")
    place.chmod(0o640)
    result = download_file(
        f"{origin.url}/bytes/300000", place, sha256=True, progress=lambda done, total: seen.append((done, total))
    )
    assert place.read_bytes() == BODY
    assert (result.code, result.size, result.changed, result.resumed_from) == (200, 300000, True, 0)
    assert (result.path, os.fspath(result)) == (str(place), str(place))
    assert result.sha256 == hashlib.sha256(BODY).hexdigest()
    assert (seen[0], seen[-1]) == ((0, 300000), (300000, 300000))
    assert place.stat().st_mode & 0o777 == 0o640
    assert only(tmp_path, "file")


def test_a_server_that_cuts_again_and_again_is_gone_on_with(tmp_path: Path) -> None:
    server = Server()
    server.cut_at = 10_000
    with ScriptedPeer(server) as peer:
        result = download_file(peer.url, tmp_path / "file", sha256=True, retry=AT_ONCE)
    assert (tmp_path / "file").read_bytes() == BODY
    assert (result.code, result.sha256) == (206, hashlib.sha256(BODY).hexdigest())
    assert len(server.asked) == 30
    assert server.asked[0] == (None, None)
    assert server.asked[1] == ("bytes=10000-", '"one"')
    assert only(tmp_path, "file")


def test_a_later_call_goes_on(tmp_path: Path) -> None:
    server = Server()
    server.cut_at = 100_000
    with ScriptedPeer(server) as peer:
        with pytest.raises(IncompleteRead):
            download_file(peer.url, tmp_path / "file", retry=Retry(attempts=1, backoff=0))
        assert only(tmp_path, "file.part", "file.part.json")
        assert "127.0.0.1" not in (tmp_path / "file.part.json").read_text()
        server.cut_at = 1 << 60
        assert download_file(peer.url, tmp_path / "file").resumed_from == 100_000
    assert (tmp_path / "file").read_bytes() == BODY
    assert server.asked[-1] == ("bytes=100000-", '"one"')


def begun(peer: ScriptedPeer, server: Server, folder: Path) -> None:
    """Leave a part of 100,000 bytes."""
    server.cut_at = 100_000
    with pytest.raises(IncompleteRead):
        download_file(peer.url, folder / "file", retry=Retry(attempts=1))
    server.cut_at = 1 << 60
    server.asked.clear()


OTHER = patterned(350_000)[::-1]


def changed(server: Server) -> None:
    server.body, server.etag = OTHER, '"two"'


def no_ranges(server: Server) -> None:
    server.ranges = False


def shorter(server: Server) -> None:
    server.body, server.etag = OTHER[:50_000], '"two"'


def another_range(server: Server) -> None:
    server.change = lambda self, number: None if number > 1 else partial(0, 299_999)


def another_total(server: Server) -> None:
    server.change = lambda self, number: None if number > 1 else partial(100_000, 299_999, total=300_001)


def another_state(server: Server) -> None:
    server.change = lambda self, number: None if number > 1 else partial(100_000, 299_999, etag='"two"')


def no_range_at_all(server: Server) -> None:
    server.change = lambda self, number: (
        None if number > 1 else b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\n12345"
    )


def out_of_range(server: Server) -> None:
    server.change = lambda self, number: None if number > 1 else b"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n"


def partial(first: int, last: int, total: int = 300_000, etag: str = '"one"') -> bytes:
    piece = bytes(last + 1 - first)
    return (
        f"HTTP/1.1 206 Partial Content\r\nETag: {etag}\r\nContent-Range: bytes {first}-{last}/{total}\r\n"
        f"Content-Length: {len(piece)}\r\n\r\n"
    ).encode() + piece


@pytest.mark.parametrize(
    "event",
    [
        changed,
        no_ranges,
        shorter,
        another_range,
        another_total,
        another_state,
        no_range_at_all,
        out_of_range,
    ],
)
def test_what_does_not_fit_the_part_begins_anew(event: Callable[[Server], None], tmp_path: Path) -> None:
    server = Server()
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        event(server)
        result = download_file(peer.url, tmp_path / "file", retry=AT_ONCE)
    assert (tmp_path / "file").read_bytes() == server.body
    assert (result.code, result.size) == (200, len(server.body))
    assert only(tmp_path, "file")


@pytest.mark.parametrize("etag", ['W/"weak"', None, "no-quotes"])
def test_without_a_strong_validator_nothing_is_gone_on_with(tmp_path: Path, etag: str | None) -> None:
    server = Server(etag=etag)
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        download_file(peer.url, tmp_path / "file")
    assert server.asked == [(None, None)]
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize(("age", "goes_on"), [(3600, True), (0, False)])
def test_an_old_last_modified_is_strong(tmp_path: Path, age: float, goes_on: bool) -> None:
    server = Server(etag=None)
    now = 1_700_000_000
    modified = formatdate(now - age, usegmt=True)
    server.fields = [f"Last-Modified: {modified}", f"Date: {formatdate(now, usegmt=True)}"]
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        server.etag = None
        download_file(peer.url, tmp_path / "file")
    assert server.asked == [("bytes=100000-", modified) if goes_on else (None, None)]
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize("spoil", ["notes", "url", "no resume", "link"])
def test_a_part_that_is_not_known_begins_anew(tmp_path: Path, spoil: str) -> None:
    server = Server()
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        url = peer.url
        if spoil == "notes":
            (tmp_path / "file.part.json").write_text('{"url": 3}')
        elif spoil == "url":
            url += "/other"
        elif spoil == "link":
            (tmp_path / "file.part").unlink()
            (tmp_path / "mine").write_bytes(b"mine")
            (tmp_path / "file.part").symlink_to(tmp_path / "mine")
        download_file(url, tmp_path / "file", resume=spoil != "no resume")
    assert server.asked == [(None, None)]
    assert (tmp_path / "file").read_bytes() == BODY
    if spoil == "link":
        assert (tmp_path / "mine").read_bytes() == b"mine"


def test_a_complete_part_takes_one_byte(tmp_path: Path) -> None:
    server = Server()
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        (tmp_path / "file.part").write_bytes(BODY)
        download_file(peer.url, tmp_path / "file")
    assert server.asked == [("bytes=299999-", '"one"')]
    assert (tmp_path / "file").read_bytes() == BODY


def test_a_server_that_always_cuts_and_has_no_ranges_is_given_up(tmp_path: Path) -> None:
    server = Server(ranges=False)
    server.cut_at = 1000
    with ScriptedPeer(server) as peer, pytest.raises(IncompleteRead):
        download_file(peer.url, tmp_path / "file", retry=AT_ONCE)
    assert len(server.asked) == 3


@pytest.mark.parametrize("status", [404, 500])
def test_an_error_of_the_server_leaves_the_file(origin: Origin, tmp_path: Path, status: int) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(HTTPError) as caught:
        download_file(f"{origin.url}/status/{status}", tmp_path / "file")
    caught.value.close()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert only(tmp_path, "file")


# -- digests


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_an_expected_digest_is_verified(origin: Origin, tmp_path: Path, kind: str, right: bool) -> None:
    digest = hashlib.new(kind, BODY if right else b"").hexdigest()
    arguments: dict[str, Any] = {kind: digest}
    (tmp_path / "file").write_bytes(b"old")
    if right:
        download_file(f"{origin.url}/bytes/300000", tmp_path / "file", **arguments)
        assert (tmp_path / "file").read_bytes() == BODY
        return
    with pytest.raises(WrongDigest, match=r"file\.part\.wrong") as caught:
        download_file(f"{origin.url}/bytes/300000", tmp_path / "file", **arguments)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert caught.value.kept == str(tmp_path / "file.part.wrong")
    assert Path(caught.value.kept).read_bytes() == BODY
    assert only(tmp_path, "file", "file.part.wrong")


def encoded(kind: str, data: bytes = BODY) -> str:
    return base64.b64encode(hashlib.new(kind, data).digest()).decode()


ANNOUNCED = {
    "Repr-Digest": "sha-256=:{sha256}:, sha-512=:{sha512}:",
    "Content-Digest": "md5=:{md5}:",
    "Digest": "UNIXsum=1,MD5={md5},SHA-256={sha256}",
    "Content-MD5": "{md5}",
}


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("name", ANNOUNCED)
def test_a_digest_of_the_response_is_verified(tmp_path: Path, name: str, right: bool) -> None:
    data = BODY if right else b""
    value = ANNOUNCED[name].format(**{kind: encoded(kind, data) for kind in ("sha256", "sha512", "md5")})
    server = Server()
    server.fields = [f"{name}: {value}"]
    with ScriptedPeer(server) as peer:
        if right:
            download_file(peer.url, tmp_path / "file")
        else:
            with pytest.raises(WrongDigest, match=re.escape(f"({name})")):
                download_file(peer.url, tmp_path / "file")
            download_file(peer.url, tmp_path / "file", check_digest=False)
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize("value", ["", "sha-256", "sha-256=:AA==:", "sha-256=:!!:", "crc=:AAAA:", "=,=,,;"])
def test_a_digest_that_is_none_says_nothing(tmp_path: Path, value: str) -> None:
    server = Server()
    server.fields = [f"Repr-Digest: {value}", f"Digest: {value}"]
    with ScriptedPeer(server) as peer:
        download_file(peer.url, tmp_path / "file")


def test_the_digest_of_a_resumed_file_is_of_all_of_it(tmp_path: Path) -> None:
    server = Server()
    server.fields = [f"Repr-Digest: sha-256=:{encoded('sha256')}:", f"Content-MD5: {encoded('md5', b'part')}"]
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        digest = hashlib.sha256(BODY).hexdigest()
        assert download_file(peer.url, tmp_path / "file", sha256=digest).resumed_from == 100_000


# -- conditions, times, names


def test_only_if_it_has_changed(tmp_path: Path) -> None:
    server, place = Server(), tmp_path / "file"
    with ScriptedPeer(server) as peer:

        def again() -> tuple[int, bool]:
            result = download_file(peer.url, place, if_changed=True)
            return result.code, result.changed

        assert again() == (200, True)
        assert again() == (304, False)
        assert place.read_bytes() == BODY
        changed(server)
        assert again() == (200, True)
        assert place.read_bytes() == OTHER
        place.write_bytes(b"spoilt")
        assert again() == (200, True)
        place.unlink()
        assert again() == (200, True)
        assert again() == (304, False)
    assert only(tmp_path, "file", "file.validators.json")


@pytest.mark.servers
def test_the_time_of_the_server_is_kept_where_asked(nginx: Nginx, tmp_path: Path) -> None:
    file = nginx.file(200_000)
    os.utime(file.place, (1_600_000_000, 1_600_000_000))
    download_file(nginx.url + file.path, tmp_path / "a", keep_mtime=True)
    download_file(nginx.url + file.path, tmp_path / "b")
    assert (tmp_path / "a").stat().st_mtime == 1_600_000_000 != (tmp_path / "b").stat().st_mtime


def test_the_response_names_the_file(tmp_path: Path) -> None:
    server = Server()
    server.fields = [
        "Content-Disposition: attachment; filename=\"../../etc/x\"; filename*=UTF-8''..%2Fgr%C3%B6%C3%9Fe.txt"
    ]
    with ScriptedPeer(server) as peer:
        result = download_file(f"{peer.url}/a/b?c", tmp_path, content_disposition=True)
        assert result.path == str(tmp_path / "größe.txt")
        server.fields = []
        assert download_file(f"{peer.url}/a/b%2Fc%20d?x", tmp_path, content_disposition=True).path.endswith("/c d")
        assert download_file(peer.url, tmp_path, content_disposition=True).path.endswith("/download")
        with pytest.raises(NotADirectoryError):
            download_file(peer.url, tmp_path / "none", content_disposition=True)


# -- bad places


def test_a_directory_in_place_of_a_file_is_named(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        download_file(origin.url, tmp_path)
    assert caught.value.filename == str(tmp_path)


def test_a_folder_that_is_not_there_is_named(origin: Origin, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        download_file(origin.url, tmp_path / "none" / "file")
    assert str(tmp_path / "none" / "file") in str(caught.value)


def test_a_full_disk_is_named_and_the_old_file_stays(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from coda_network._download.part import Part

    class Full:
        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, data: Any) -> int:
            if self._file.tell() >= 100_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(self._file.write(data[: 100_000 - self._file.tell()]))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *error: object) -> None:
            self._file.close()

    original = Part.open
    monkeypatch.setattr(Part, "open", lambda part: Full(original(part)))
    (tmp_path / "file").write_bytes(b"old")
    server = Server()
    with ScriptedPeer(server) as peer:
        with pytest.raises(OSError, match="No space left") as caught:
            download_file(peer.url, tmp_path / "file")
        assert caught.value.filename == str(tmp_path / "file")
        assert (tmp_path / "file").read_bytes() == b"old"
        monkeypatch.undo()
        assert download_file(peer.url, tmp_path / "file").resumed_from == 100_000


def test_a_device_that_is_full_is_named(origin: Origin) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        download_file(f"{origin.url}/bytes/300000", "/dev/full")
    assert caught.value.filename == "/dev/full"


LIMITED = """
import resource, sys
from coda_network.utilities import download_file
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    download_file(sys.argv[1], sys.argv[2])
except OSError as error:
    print(error)
"""


def test_a_file_beyond_the_limit_of_the_system_is_named_and_gone_on_with(tmp_path: Path) -> None:
    server, target = Server(), tmp_path / "file"
    target.write_bytes(b"old")
    with ScriptedPeer(server) as peer:
        said = subprocess.check_output([sys.executable, "-c", LIMITED, peer.url, str(target)], text=True)
        assert "File too large" in said
        assert str(target) in said
        assert target.read_bytes() == b"old"
        assert download_file(peer.url, target).resumed_from == 100_000
    assert target.read_bytes() == BODY
    assert only(tmp_path, "file")


WITHOUT_RIGHTS = """
import os, sys
from coda_network.utilities import download_file
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    download_file(sys.argv[1], "closed/file")
except OSError as error:
    print(type(error).__name__, error.filename)
"""


def test_a_folder_without_rights_is_named(origin: Origin, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    (closed / "file").write_bytes(b"old")
    closed.chmod(0o555)
    said = subprocess.check_output([sys.executable, "-c", WITHOUT_RIGHTS, origin.url], text=True, cwd=tmp_path)
    assert said.startswith("PermissionError ")
    assert "closed/file" in said
    assert (closed / "file").read_bytes() == b"old"
    closed.chmod(0o755)
    assert only(closed, "file")


def test_what_is_no_regular_file_is_written_to_as_it_is(origin: Origin, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    came: list[bytes] = []
    reader = threading.Thread(target=lambda: came.append(pipe.read_bytes()))
    reader.start()
    download_file(f"{origin.url}/bytes/300000", pipe)
    reader.join()
    assert came == [BODY]
    download_file(f"{origin.url}/bytes/300000", "/dev/null")
    assert only(tmp_path, "pipe")


def test_a_link_is_followed_and_stays(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "real")
    download_file(f"{origin.url}/bytes/300000", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "real").read_bytes() == BODY


@pytest.mark.parametrize("arguments", [{"segments": 0}, {"sha256": "xyz"}, {"timeout_sec": -1}], ids=str)
def test_arguments_that_make_no_sense_are_value_errors(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        download_file("http://127.0.0.1:1/", tmp_path / "file", **arguments)


# -- several at once, and killed


def test_threads_that_want_the_same_file_take_turns(tmp_path: Path) -> None:
    server = Server()
    results: list[Any] = []
    with ScriptedPeer(server) as peer:
        threads = [
            threading.Thread(target=lambda: results.append(download_file(peer.url, tmp_path / "file", sha256=True)))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [result.sha256 for result in results] == [hashlib.sha256(BODY).hexdigest()] * 6
    assert only(tmp_path, "file")


def test_who_waits_for_another_one_does_so_within_the_time(tmp_path: Path) -> None:
    from coda_network._download.part import locked

    with locked(str(tmp_path / "file"), None), pytest.raises(TimeoutError, match="another download writes"):
        in_a_thread(lambda: download_file("http://127.0.0.1:1/", tmp_path / "file", timeout_sec=0.2))
    with pytest.raises(URLError, match="refused"):
        download_file("http://127.0.0.1:1/", tmp_path / "file", timeout_sec=5)


def in_a_thread(call: Callable[[], object]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result()


PROGRAM = """
import sys
from coda_network.utilities import download_file
download_file(sys.argv[1], sys.argv[2])
"""


@pytest.mark.parametrize("after", [0, 70_000, 250_000])
def test_a_killed_process_leaves_what_can_be_gone_on_with(tmp_path: Path, after: int) -> None:
    stop = threading.Event()

    def slow(wire: Wire) -> None:
        wire.read_head()
        wire.send(f'HTTP/1.1 200 OK\r\nETag: "one"\r\nContent-Length: {len(BODY)}\r\n\r\n'.encode() + BODY[:after])
        stop.wait(20)

    (tmp_path / "file").write_bytes(b"old")
    with ScriptedPeer(slow) as peer:
        command = [sys.executable, "-c", PROGRAM, peer.url, str(tmp_path / "file")]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.getcwd()})
        part = tmp_path / "file.part"
        while not (part.exists() and part.stat().st_size == after):
            assert process.poll() is None
        process.kill()
        process.wait()
        stop.set()
        url = peer.url
        assert (tmp_path / "file").read_bytes() == b"old"
        server = Server()
        peer._script = server
        result = download_file(url, tmp_path / "file", sha256=True)
    assert result.sha256 == hashlib.sha256(BODY).hexdigest()
    assert result.resumed_from == after
    assert only(tmp_path, "file")


# -- segments

LARGE = patterned(5 << 20)


@pytest.mark.parametrize("cut", [False, True])
def test_segments_come_over_several_connections(tmp_path: Path, cut: bool) -> None:
    server = Server(LARGE)
    if cut:
        server.cut_at = 500_000
    with ScriptedPeer(server) as peer:
        result = download_file(peer.url, tmp_path / "file", segments=4, sha256=True, retry=AT_ONCE)
        assert peer.connections >= 2
    assert result.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert (tmp_path / "file").read_bytes() == LARGE
    assert only(tmp_path, "file")


@pytest.mark.parametrize("event", ["no ranges", "no validator", "small", "empty"])
def test_segments_fall_back_to_the_plain_way(tmp_path: Path, event: str) -> None:
    server = Server(LARGE)
    if event == "no ranges":
        server.ranges = False
    elif event == "no validator":
        server.etag = None
    else:
        server.body = b"" if event == "empty" else BODY
    with ScriptedPeer(server) as peer:
        download_file(peer.url, tmp_path / "file", segments=4, retry=AT_ONCE)
    assert (tmp_path / "file").read_bytes() == server.body


def test_a_file_that_changes_between_segments_begins_anew(tmp_path: Path) -> None:
    server = Server(LARGE)

    def change(server: Server, number: int) -> None:
        if number == 3:
            server.body, server.etag = LARGE[::-1], '"two"'

    server.change = change
    with ScriptedPeer(server) as peer:
        download_file(peer.url, tmp_path / "file", segments=4, retry=AT_ONCE)
    assert (tmp_path / "file").read_bytes() == LARGE[::-1]


def test_segments_of_a_failed_call_are_gone_on_with(tmp_path: Path) -> None:
    server = Server(LARGE)
    server.cut_at = 600_000
    with ScriptedPeer(server) as peer:
        with pytest.raises(IncompleteRead):
            download_file(peer.url, tmp_path / "file", segments=4, retry=Retry(attempts=1))
        assert (tmp_path / "file.segments").stat().st_size == len(LARGE)
        server.cut_at = 1 << 60
        result = download_file(peer.url, tmp_path / "file", segments=4, sha256=True)
    assert result.resumed_from > 0
    assert result.sha256 == hashlib.sha256(LARGE).hexdigest()


def test_it_is_public() -> None:
    assert utilities.download_file is to_file.download_file
