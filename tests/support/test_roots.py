"""The check for files that tests leave in folders which are not theirs."""

from __future__ import annotations

from pathlib import Path

from support.roots import Roots, made_by_tools


def test_what_comes_and_goes_is_told(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "stays").touch()
    (one / "goes").touch()
    roots = Roots([one, other])
    assert roots.changes() == []
    (one / "goes").unlink()
    (other / "socket.py").touch()
    assert roots.changes() == [str(one / "goes"), str(other / "socket.py")]


def test_the_caches_of_tools_do_not_count(tmp_path: Path) -> None:
    roots = Roots([tmp_path], made_by_tools())
    for name in (".pytest_cache", ".hypothesis", ".coverage.host.1"):
        (tmp_path / name).touch()
    assert roots.changes() == []
    (tmp_path / "left.part").touch()
    assert roots.changes() == [str(tmp_path / "left.part")]
