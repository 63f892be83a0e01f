"""A bar on the terminal for each download under way: what has come, how fast, and how long the rest will take.

All bars of the process are one display, which begins with the first and ends with the last of them: downloads on
several threads do not write over each other. Where standard error is no terminal, or rich is missing, nothing is shown.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from coda_network._fork import renew_in_children

Show = Callable[[int, "int | None"], object]
"""Called with the bytes that are there, and those there will be (None where nobody knows)."""


class _Display:
    """The bars of the process."""

    def __init__(self) -> None:
        self._renew()
        renew_in_children(self, _Display._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._progress: Any = None
        self._count = 0

    def add(self, name: str) -> Any:
        """Return the display with one more bar, and the bar; None where nothing can be shown."""
        with self._lock:
            if self._progress is None:
                self._progress = _start()
            if self._progress is None:
                return None
            self._count += 1
            return self._progress, self._progress.add_task(name, total=None)

    def remove(self, bar: Any) -> None:
        """Remove a bar, and the display with the last one."""
        with self._lock:
            if self._progress is None:  # in a forked child, whose terminal is its parent's
                return
            self._count -= 1
            if not self._count:
                self._progress.stop()
                self._progress = None
            else:
                self._progress.remove_task(bar)


def _start() -> Any:
    """Return a display of rich that has begun; None where there can be none."""
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    try:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as SpeedColumn
    except ImportError:
        return None
    # The name of a file may look like rich's markup.
    name = TextColumn("{task.description}", markup=False)
    columns = name, BarColumn(), DownloadColumn(), SpeedColumn(), TimeRemainingColumn()
    # Standard output is the program's, or a download's.
    progress = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    progress.start()
    return progress


_display = _Display()


@contextmanager
def progress_bar(name: str = "") -> Iterator[Show]:
    """Show a bar while the block lasts, and yield what it is to be told by.

    :param name: before the bar
    """
    added = _display.add(name)
    if added is None:
        yield lambda done, total: None
        return
    progress, bar = added
    is_begun = False

    def show(done: int, total: int | None) -> None:
        nonlocal is_begun
        if is_begun:
            progress.update(bar, completed=done, total=total)
        else:
            # What was there already has not come at any speed.
            is_begun = True
            progress.reset(bar, completed=done, total=total)

    try:
        yield show
    finally:
        _display.remove(bar)
