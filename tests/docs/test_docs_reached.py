"""docs/reached.md is made of its tables, and these are what was tried."""

from __future__ import annotations

import runpy
from pathlib import Path

from support.pages import PROJECT

ECOSYSTEM = PROJECT / "tests" / "ecosystem"


def test_the_page_is_that_of_its_tables() -> None:
    made = runpy.run_path(str(ECOSYSTEM / "page.py"))
    assert Path(made["PAGE"]).read_text(encoding="utf-8") == made["page"](), "run tests/ecosystem/page.py"
