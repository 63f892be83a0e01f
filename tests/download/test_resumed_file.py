"""`download_file()`: what came of a file before is gone on with where it is known to fit, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate
from http.client import IncompleteRead
from pathlib import Path

import pytest
from support.file_server import AT_ONCE, BODY, OTHER, FileServer, begun, changed, only
from support.peer import ScriptedPeer

from coda_network.utilities import Retry, download_file


def test_a_later_call_goes_on(tmp_path: Path) -> None:
    server = FileServer()
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


def no_ranges(server: FileServer) -> None:
    server.ranges = False


def shorter(server: FileServer) -> None:
    server.body, server.etag = OTHER[:50_000], '"two"'


def another_range(server: FileServer) -> None:
    server.change = lambda self, number: None if number > 1 else partial(0, 299_999)


def another_total(server: FileServer) -> None:
    server.change = lambda self, number: None if number > 1 else partial(100_000, 299_999, total=300_001)


def another_state(server: FileServer) -> None:
    server.change = lambda self, number: None if number > 1 else partial(100_000, 299_999, etag='"two"')


def no_range_at_all(server: FileServer) -> None:
    server.change = lambda self, number: (
        None if number > 1 else b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\n12345"
    )


def out_of_range(server: FileServer) -> None:
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
def test_what_does_not_fit_the_part_begins_anew(event: Callable[[FileServer], None], tmp_path: Path) -> None:
    server = FileServer()
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        event(server)
        result = download_file(peer.url, tmp_path / "file", retry=AT_ONCE)
    assert (tmp_path / "file").read_bytes() == server.body
    assert (result.code, result.size) == (200, len(server.body))
    assert only(tmp_path, "file")


@pytest.mark.parametrize("etag", ['W/"weak"', None, "no-quotes"])
def test_without_a_strong_validator_nothing_is_gone_on_with(tmp_path: Path, etag: str | None) -> None:
    server = FileServer(etag=etag)
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        download_file(peer.url, tmp_path / "file")
    assert server.asked == [(None, None)]
    assert (tmp_path / "file").read_bytes() == BODY


@pytest.mark.parametrize(("age", "goes_on"), [(3600, True), (0, False)])
def test_an_old_last_modified_is_strong(tmp_path: Path, age: float, goes_on: bool) -> None:
    server = FileServer(etag=None)
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
    server = FileServer()
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
    server = FileServer()
    with ScriptedPeer(server) as peer:
        begun(peer, server, tmp_path)
        (tmp_path / "file.part").write_bytes(BODY)
        download_file(peer.url, tmp_path / "file")
    assert server.asked == [("bytes=299999-", '"one"')]
    assert (tmp_path / "file").read_bytes() == BODY
