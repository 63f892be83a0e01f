"""`download_file(segments=)`: parts of one file over several connections."""

from __future__ import annotations

import hashlib
import threading
from http.client import IncompleteRead
from pathlib import Path

import pytest
from support.file_server import AT_ONCE, BODY, FileServer, only
from support.origin import patterned
from support.peer import ScriptedPeer

from coda_network.utilities import Retry, download_file

LARGE = patterned(5 << 20)


@pytest.mark.parametrize("cut", [False, True])
def test_segments_come_over_several_connections(tmp_path: Path, cut: bool) -> None:
    server = FileServer(LARGE)
    if cut:
        server.cut_at = 500_000
    all_asked = threading.Barrier(4)

    def hold(server: FileServer, number: int) -> None:
        if 1 < number <= 5:  # the first has asked whether there are ranges
            all_asked.wait(30)

    server.change = hold
    with ScriptedPeer(server) as peer:
        result = download_file(peer.url, tmp_path / "file", segments=4, sha256=True, retry=AT_ONCE)
        assert peer.connections >= 4
    assert result.sha256 == hashlib.sha256(LARGE).hexdigest()
    assert (tmp_path / "file").read_bytes() == LARGE
    assert only(tmp_path, "file")


@pytest.mark.parametrize("event", ["no ranges", "no validator", "small", "empty"])
def test_segments_fall_back_to_the_plain_way(tmp_path: Path, event: str) -> None:
    server = FileServer(LARGE)
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
    server = FileServer(LARGE)

    def change(server: FileServer, number: int) -> None:
        if number == 3:
            server.body, server.etag = LARGE[::-1], '"two"'

    server.change = change
    with ScriptedPeer(server) as peer:
        download_file(peer.url, tmp_path / "file", segments=4, retry=AT_ONCE)
    assert (tmp_path / "file").read_bytes() == LARGE[::-1]


def test_segments_of_a_failed_call_are_gone_on_with(tmp_path: Path) -> None:
    server = FileServer(LARGE)
    server.cut_at = 600_000
    with ScriptedPeer(server) as peer:
        with pytest.raises(IncompleteRead):
            download_file(peer.url, tmp_path / "file", segments=4, retry=Retry(attempts=1))
        assert (tmp_path / "file.segments").stat().st_size == len(LARGE)
        server.cut_at = 1 << 60
        result = download_file(peer.url, tmp_path / "file", segments=4, sha256=True)
    assert result.resumed_from > 0
    assert result.sha256 == hashlib.sha256(LARGE).hexdigest()
