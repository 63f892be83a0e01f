"""What lies in the folders that no test may write into: the root of the file system, the home folder, the project's."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def made_by_tools() -> list[str]:
    """Return the patterns of names that pytest, coverage and hypothesis may make in the project: the ignored ones."""
    lines = (PROJECT / ".gitignore").read_text(encoding="utf-8").split()
    return [line.strip("/") for line in lines if not line.startswith("#")]


class Roots:
    """The names in some folders at one time. `may_change` are patterns of names that do not count."""

    def __init__(self, folders: Iterable[Path], may_change: Iterable[str] = ()) -> None:
        self._folders = list(folders)
        self._may_change = list(may_change)
        self._before = self._names()

    def changes(self) -> list[str]:
        """Return the paths that have come or gone since then."""
        return sorted(str(path) for path in self._before ^ self._names())

    def _names(self) -> set[Path]:
        return {path for folder in self._folders for path in folder.iterdir() if not self._is_free(path.name)}

    def _is_free(self, name: str) -> bool:
        return any(fnmatch(name, pattern) for pattern in self._may_change)
