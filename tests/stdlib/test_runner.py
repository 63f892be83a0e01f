"""The comparison itself: a patch that does harm, hangs or crashes is told from one that does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from support_suites.cpython import run_suite
from support_suites.intended import ids_in_page
from support_suites.results import MISSING, OK, Outcome, Run, read_run, regressions

pytestmark = pytest.mark.stdlib

HARMLESS = "def patch():\n    pass\n"
# Keeps putrequest() from sending the Host header.
HARMFUL = """
import http.client

def patch():
    original = http.client.HTTPConnection.putrequest
    def putrequest(self, method, url, skip_host=False, skip_accept_encoding=False):
        return original(self, method, url, True, skip_accept_encoding)
    http.client.HTTPConnection.putrequest = putrequest
"""
HANGING = "import time\n\ndef patch():\n    time.sleep(600)\n"
CRASHING = "import os\n\ndef patch():\n    os._exit(0)\n"


def _setup(folder: Path, source: str) -> str:
    path = folder / "path"
    path.mkdir(parents=True)
    (path / "trial_setup.py").write_text(source, encoding="utf-8")
    return "trial_setup"


@pytest.fixture
def baseline(tmp_path: Path) -> Run:
    return run_suite("test_httplib", "baseline", tmp_path / "baseline")


@pytest.mark.parametrize("binding", ["before", "after"])
def test_a_patch_that_does_nothing_changes_nothing(baseline: Run, tmp_path: Path, binding: str) -> None:
    setup = _setup(tmp_path, HARMLESS)
    run = run_suite("test_httplib", binding, tmp_path, setup=setup)
    assert not run.trouble
    assert not regressions(baseline, run)
    assert run.passed() == baseline.passed()


@pytest.mark.parametrize("binding", ["before", "after"])
def test_a_patch_that_does_harm_is_reported_test_by_test(baseline: Run, tmp_path: Path, binding: str) -> None:
    setup = _setup(tmp_path, HARMFUL)
    found = regressions(baseline, run_suite("test_httplib", binding, tmp_path, setup=setup))
    assert found["test.test_httplib.HeaderTests.test_ipv6host_header"].kind == "fail"
    assert "AssertionError" in found["test.test_httplib.HeaderTests.test_ipv6host_header"].text
    assert "test.test_httplib.HeaderTests.test_parse_all_octets" not in found


def test_modules_are_swapped_outright(baseline: Run, tmp_path: Path) -> None:
    name = _setup(tmp_path, HARMLESS)
    package = tmp_path / "path" / name
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "httplib.py").write_text("from http import HTTPStatus\n", encoding="utf-8")
    (package / "urllib2.py").touch()
    run = run_suite("test_httplib", "swapped", tmp_path, setup=name)
    # The suite derives classes from http.client's, and finds none in what stands in its place.
    assert "has no attribute" in run.trouble
    assert set(regressions(baseline, run)) == baseline.passed()


@pytest.mark.parametrize("source", [HANGING, CRASHING], ids=["hangs", "crashes"])
def test_a_run_that_does_not_come_to_its_end_says_so(tmp_path: Path, source: str) -> None:
    run = run_suite("test_urllib_response", "before", tmp_path, setup=_setup(tmp_path, source), seconds=7)
    assert "ended before the suite" in run.trouble
    assert "STOPPED" in run.figures()
    assert run.outcome("test.test_urllib_response.TestResponse.test_with") == MISSING


def test_the_worst_note_about_a_test_counts(tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    lines = ['["a", "ok", ""]', '["a", "fail", "why"]', '["a", "skip", ""]', '["", "end", ""]']
    notes.write_text("\n".join(lines), encoding="utf-8")
    assert read_run(notes, "") == Run({"a": Outcome("fail", "why")})


def test_a_test_that_is_skipped_or_gone_is_a_regression_too() -> None:
    baseline = Run({name: Outcome(OK) for name in ("kept", "skipped", "gone")} | {"failed": Outcome("fail")})
    changed = Run({"kept": Outcome(OK), "skipped": Outcome("skip", "why"), "failed": Outcome("fail")})
    assert regressions(baseline, changed) == {"gone": MISSING, "skipped": Outcome("skip", "why")}


def test_ids_are_read_from_table_rows_alone() -> None:
    page = """
`test.test_a.B.test_text` is in the text.

| test | why |
| --- | --- |
| `test.test_a.B.test_c`, `test_d.E.test_f` | `code` |
"""
    assert ids_in_page(page) == ["test.test_a.B.test_c", "test.test_d.E.test_f"]
