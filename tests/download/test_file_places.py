"""`download_file()` to a place that takes no file, takes only some of it, or is no regular file."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support.file_server import BODY, FileServer, only
from support.origin import Origin
from support.peer import ScriptedPeer

from coda_network.utilities import download_file


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
    server = FileServer()
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
    server, target = FileServer(), tmp_path / "file"
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
