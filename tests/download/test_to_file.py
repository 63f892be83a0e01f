"""`download_file()`: the file is complete and right, or as it was."""

from __future__ import annotations

import hashlib
import os
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from support.file_server import AT_ONCE, BODY, OTHER, FileServer, changed, only
from support.nginx import Nginx
from support.origin import Origin
from support.peer import ScriptedPeer

from coda_network import utilities
from coda_network._download import to_file
from coda_network.utilities import download_file


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
    server = FileServer()
    server.cut_at = 10_000
    with ScriptedPeer(server) as peer:
        result = download_file(peer.url, tmp_path / "file", sha256=True, retry=AT_ONCE)
    assert (tmp_path / "file").read_bytes() == BODY
    assert (result.code, result.sha256) == (206, hashlib.sha256(BODY).hexdigest())
    assert len(server.asked) == 30
    assert server.asked[0] == (None, None)
    assert server.asked[1] == ("bytes=10000-", '"one"')
    assert only(tmp_path, "file")


def test_a_server_that_always_cuts_and_has_no_ranges_is_given_up(tmp_path: Path) -> None:
    server = FileServer(ranges=False)
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


@pytest.mark.parametrize("arguments", [{"segments": 0}, {"sha256": "xyz"}, {"timeout_sec": -1}], ids=str)
def test_arguments_that_make_no_sense_are_value_errors(tmp_path: Path, arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        download_file("http://127.0.0.1:1/", tmp_path / "file", **arguments)


# -- conditions, times, names


def test_only_if_it_has_changed(tmp_path: Path) -> None:
    server, place = FileServer(), tmp_path / "file"
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
    server = FileServer()
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


def test_it_is_public() -> None:
    assert utilities.download_file is to_file.download_file
