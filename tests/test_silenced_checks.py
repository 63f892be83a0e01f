"""A check that is told to pass over a line has the reason beside it: a reader can judge whether it still holds."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
FOLDERS = (".ci", "benchmarks", "coda_network", "docs", "examples", "tests")
# Each line of these is wrong on purpose, and the checkers have to say so: the error that is named is the reason.
WRONG_ON_PURPOSE = PROJECT / "tests/types/programs"

SILENCER = re.compile(r"#\s*(?:type:\s*ignore|noqa|pyright:\s*ignore|pragma:\s*no)")
WITH_REASON = re.compile(r"# (?:type: ignore\[[a-z, -]+\]|noqa: [A-Z0-9, ]+)  # (?!type:|noqa|pyright:)\w.*")


def without_reason(text: str) -> Iterator[int]:
    """Return the lines whose comment silences a check and does not say why, or not in the one form that this has."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT and SILENCER.match(token.string) and not WITH_REASON.fullmatch(token.string):
            yield token.start[0]


def test_each_silenced_check_has_a_reason() -> None:
    paths = [PROJECT / "setup.py", *(path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py"))]
    found = [
        f"{path.relative_to(PROJECT)}:{line}"
        for path in paths
        if WRONG_ON_PURPOSE not in path.parents
        for line in without_reason(path.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    "comment",
    [
        "# type: ignore",
        "#type:ignore[misc]",
        "# type: ignore[misc]",
        "# type: ignore  # of no kind",
        "# type: ignore[arg-type]  # pyright: ignore[reportArgumentType]",
        "# noqa",
        "# noqa: E402",
        "# noqa: E402 and so on",
        "# pragma: no cover",
    ],
)
def test_one_without_is_found(comment: str) -> None:
    assert list(without_reason(f"first = 1\nsecond = first  {comment}\n")) == [2]


@pytest.mark.parametrize(
    "line",
    ["# type: ignore[misc]  # typeshed lacks it", "# noqa: B904, SIM115  # closed below", "text = '# noqa'", "# plain"],
)
def test_one_with_a_reason_and_other_text_are_not(line: str) -> None:
    assert list(without_reason(f"{line}\n")) == []
