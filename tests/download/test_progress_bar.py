"""The bar of a download: on a terminal, and nowhere else."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from urllib.error import HTTPError

import pytest
from support.origin import Origin

from coda_network._download import progress_bar as bars
from coda_network._download.progress_bar import progress_bar
from coda_network.utilities import download_file, download_many


class Terminal(io.StringIO):
    """Standard error, as if it were a terminal."""

    def isatty(self) -> bool:
        return True


def a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return what stands in the place of standard error; not a fixture, behind which pytest puts its own back."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def test_a_download_shows_its_name_and_size(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    download_file(f"{origin.url}/bytes/500000", tmp_path / "[red]name", progress=True)
    assert "[red]name" in terminal.getvalue()
    assert "500.0/500.0 kB" in terminal.getvalue()


@pytest.mark.parametrize("progress", [False, None])
def test_nothing_is_shown_where_nobody_asks(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progress: bool | None
) -> None:
    terminal = a_terminal(monkeypatch)
    download_file(f"{origin.url}/bytes/500000", tmp_path / "file", progress=progress)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("stderr", [io.StringIO(), None])
def test_nothing_is_shown_where_there_is_no_terminal(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    assert download_file(f"{origin.url}/bytes/10", tmp_path / "file", progress=True).size == 10
    assert stderr is None or stderr.getvalue() == ""


def test_downloads_at_once_are_one_display(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = a_terminal(monkeypatch)
    jobs = [(f"{origin.url}/bytes/{size}", tmp_path / f"file{size}") for size in range(300_000, 300_008)]
    assert all(result.ok for result in download_many(jobs, progress=True))
    assert "file300000" in terminal.getvalue()
    assert bars._display._progress is None


def test_a_failed_download_takes_its_bar_away(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    with pytest.raises(HTTPError, match="404") as caught:
        download_file(f"{origin.url}/status/404", tmp_path / "file", progress=True)
    caught.value.close()
    assert bars._display._progress is None


def test_what_was_there_already_came_at_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    a_terminal(monkeypatch)
    with progress_bar("file") as show:
        show(900, 1000)
        [task] = bars._display._progress.tasks
        assert (task.completed, task.total, task.speed) == (900, 1000, None)
        show(1000, 1000)
        assert task.completed == 1000
