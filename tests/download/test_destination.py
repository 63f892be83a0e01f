"""Where a download is written: regular files are replaced when all is there, everything else is written to."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from support.origin import Origin

from coda_network._cli import get
from coda_network._download.destination import destination


class Stop(Exception):
    """Ends a download."""


def fill(path: Path | str, data: bytes = b"new", meanwhile: Callable[[], object] = int) -> None:
    with destination(str(path)) as file:
        file.write(data)
        meanwhile()


def interrupted(path: Path) -> None:
    with destination(str(path)) as file:
        file.write(b"new")
        raise Stop


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_appears_when_all_is_there(tmp_path: Path) -> None:
    with destination(str(tmp_path / "file")) as file:
        file.write(b"new")
        assert names(tmp_path) == ["file.part"]
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_an_old_file_keeps_its_permissions(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"old")
    place.chmod(0o600)
    fill(place)
    assert (place.read_bytes(), stat.S_IMODE(place.stat().st_mode)) == (b"new", 0o600)


def test_what_breaks_off_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_bytes(b"old")
    with pytest.raises(Stop):
        interrupted(place)
    assert names(tmp_path) == ["file"]
    assert place.read_bytes() == b"old"


def test_no_part_is_left_where_the_end_fails(tmp_path: Path) -> None:
    place = tmp_path / "file"
    with pytest.raises(OSError, match="file"):
        fill(place, meanwhile=place.mkdir)
    assert names(tmp_path) == ["file"]


def test_a_full_disk_at_the_end_is_an_error() -> None:
    with pytest.raises(OSError, match="No space left"):
        fill("/dev/full")


@pytest.mark.parametrize("is_there", [True, False], ids=["to a file", "dangling"])
def test_a_link_stays_and_is_followed(is_there: bool, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link, target = tmp_path / "link", folder / "target"
    if is_there:
        target.write_bytes(b"old")
    link.symlink_to("elsewhere/target")
    fill(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert names(folder) == ["target"]
    assert names(tmp_path) == ["elsewhere", "link"]


def test_a_link_to_a_device_leads_to_the_device(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(os.devnull)
    fill(link)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    assert names(tmp_path) == ["link"]


def test_a_link_in_the_place_of_the_part_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"old")
    (tmp_path / "file.part").symlink_to(precious)
    fill(tmp_path / "file")
    assert precious.read_bytes() == b"old"
    assert names(tmp_path) == ["file", "precious"]


def test_a_device_is_never_replaced() -> None:
    before = os.stat(os.devnull)
    fill(os.devnull)
    assert os.path.samestat(before, os.stat(os.devnull))
    assert not os.path.exists(os.devnull + ".part")


def test_a_fifo_passes_on_what_is_written(tmp_path: Path) -> None:
    place = tmp_path / "fifo"
    os.mkfifo(place)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(place.read_bytes()))
    reader.start()
    fill(place)
    reader.join(10)
    assert read == [b"new"]
    assert names(tmp_path) == ["fifo"]


def test_a_file_that_the_shell_has_opened_is_appended_to(tmp_path: Path) -> None:
    place = tmp_path / "file"
    with open(place, "ab") as shell:
        shell.write(b"before ")
        shell.flush()
        fill(f"/dev/fd/{shell.fileno()}")
        shell.write(b" after")
    assert place.read_bytes() == b"before new after"
    assert names(tmp_path) == ["file"]


def test_a_directory_is_named_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        fill(tmp_path)
    assert caught.value.filename == str(tmp_path)
    assert names(tmp_path) == []


def test_two_downloads_of_one_file_do_not_mix(tmp_path: Path) -> None:
    place = tmp_path / "file"

    def meanwhile() -> None:
        fill(place, b"second")
        (tmp_path / "file.part").write_bytes(b"third")

    with pytest.raises(OSError, match="another download"):
        fill(place, b"first", meanwhile)
    assert place.read_bytes() == b"second"
    assert (tmp_path / "file.part").read_bytes() == b"third"


def test_the_command_writes_to_a_device(origin: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    assert get.get(f"{origin.url}/bytes/10", os.devnull) == get.OK
    assert get.get(f"{origin.url}/bytes/10", "/dev/full") == get.FAILED
    assert capsys.readouterr().err == "coda-network get: /dev/full: No space left on device\n"
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
