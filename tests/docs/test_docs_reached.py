"""docs/reached.md is made of its tables, and these are what was tried."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest
from support.pages import PROJECT

ECOSYSTEM = PROJECT / "tests" / "ecosystem"
RESULTS: dict[str, Any] = json.loads((ECOSYSTEM / "results.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def libraries() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ECOSYSTEM)
        found: dict[str, Any] = runpy.run_path(str(ECOSYSTEM / "libraries.py"))["LIBRARIES"]
    return found


def test_the_page_is_that_of_its_tables() -> None:
    made = runpy.run_path(str(ECOSYSTEM / "page.py"))
    assert Path(made["PAGE"]).read_text(encoding="utf-8") == made["page"](), "run tests/ecosystem/page.py"


def test_what_was_tried_came_through_where_it_is_meant_to(libraries: dict[str, Any]) -> None:
    assert set(RESULTS) <= set(libraries)
    for name, row in RESULTS.items():
        assert not any(error for error, _ in row["direct"].values()), name
        for order in ("before", "behind", "run"):
            outcomes = [error == "" for error, _ in row[order].values()]
            assert outcomes == [libraries[name].reached] * 2, (name, order)


def test_as_many_libraries_were_tried_as_the_page_promises() -> None:
    assert len(RESULTS) >= 40
