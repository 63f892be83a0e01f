"""The pages of the project, as tests read them: their code, their tables, the names in them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent.parent.parent
PAGES = [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]

_block = re.compile(r"^( *)(?:: )?```(\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_code = re.compile(r"`([^`\n]+)`").findall


class Block(NamedTuple):
    """One fenced block of code."""

    page: Path
    line: int
    """The line of the page on which its text begins."""
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.line}"


def blocks(page: Path, language: str) -> list[Block]:
    """Return the blocks of code in a language, in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start(3)) + 1, found[2], textwrap.dedent(found[3]))
        for found in _block.finditer(text)
        if found[2] == language
    ]


def table(page: str, heading: str) -> list[list[str]]:
    """Return the rows of the table in a page of docs whose first heading is *heading*; without the two of its head."""
    lines = (PROJECT / "docs" / page).read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {heading} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def code_in(text: str) -> list[str]:
    """Return what stands in back-ticks."""
    return _code(text)


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _block.sub("", page.read_text(encoding="utf-8"))
