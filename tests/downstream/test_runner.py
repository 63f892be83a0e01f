"""The comparison itself, on a small suite made on the spot."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support_suites.downstream import PROJECTS, Checkout, Comparison, compare, run_suite
from support_suites.results import MISSING, Run

SUITE = """
import http.client
import pathlib
import socket

import pytest

def test_unpatched():
    assert not hasattr(http.client, "trial")

def test_steady():
    pass

def test_only_on_the_second_try():
    mark = pathlib.Path("tried")
    if hasattr(http.client, "trial") and not mark.exists():
        mark.touch()
        pytest.fail("first try")

@pytest.mark.skip(reason="no need")
def test_skipped():
    pass

@pytest.fixture
def broken():
    yield
    raise RuntimeError("tear-down")

def test_whose_tear_down_fails(broken):
    pass

def test_with_another_machine():
    with pytest.raises(socket.gaierror):
        socket.create_connection(("host.invalid", 80))
    with pytest.raises(TimeoutError):
        socket.create_connection(("192.0.2.1", 80), timeout=0.01)
    with pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("192.0.2.1", 80))

def test_with_this_machine():
    with socket.create_server(("localhost", 0)) as server:
        socket.create_connection(server.getsockname()).close()
"""
FILE = "test_small.py"
PATCHING = "import http.client\n\ndef patch():\n    http.client.trial = True\n"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    source = tmp_path / "small"
    source.mkdir()
    (source / FILE).write_text(SUITE, encoding="utf-8")
    (source / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    return Checkout(PROJECTS["requests"], source, Path(sys.executable))


def _run(checkout: Checkout, folder: Path) -> Run:
    return run_suite(checkout, "baseline", folder, arguments=(FILE,))


def test_outcomes_are_recorded_test_by_test(checkout: Checkout, tmp_path: Path) -> None:
    run = _run(checkout, tmp_path / "run")
    assert not run.trouble
    kinds = {test.partition("::")[2]: outcome.kind for test, outcome in run.outcomes.items()}
    assert kinds == {
        "test_unpatched": "ok",
        "test_steady": "ok",
        "test_only_on_the_second_try": "ok",
        "test_skipped": "skip",
        "test_whose_tear_down_fails": "error",
        "test_with_another_machine": "ok",
        "test_with_this_machine": "ok",
    }


@pytest.mark.parametrize("binding", ["before", "after"])
def test_what_is_lost_is_told_from_what_is_unsteady(checkout: Checkout, tmp_path: Path, binding: str) -> None:
    baseline = _run(checkout, tmp_path / "baseline")
    for folder in (binding, f"{binding}-again-0", f"{binding}-again-1"):
        staged = tmp_path / folder / "path"
        staged.mkdir(parents=True)
        (staged / "trial_patch.py").write_text(PATCHING, encoding="utf-8")
    found: Comparison = compare(checkout, baseline, binding, tmp_path, setup="trial_patch", arguments=(FILE,))
    assert set(found.lost) == {f"{FILE}::test_unpatched"}
    assert set(found.unsteady) == {f"{FILE}::test_only_on_the_second_try"}


def test_a_file_that_cannot_be_imported_is_an_error(checkout: Checkout, tmp_path: Path) -> None:
    baseline = _run(checkout, tmp_path / "baseline")
    (checkout.source / FILE).write_text("import no_such_module\n", encoding="utf-8")
    run = _run(checkout, tmp_path / "run")
    assert run.failed() == {FILE}
    assert run.outcome(f"{FILE}::test_steady") == MISSING
    assert len(baseline.passed()) == 5


def test_a_suite_without_settings_gets_none_from_a_folder_above(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    source = tmp_path / "cache" / "small"
    source.mkdir(parents=True)
    (source / FILE).write_text("def test_steady():\n    pass\n", encoding="utf-8")
    run = _run(Checkout(PROJECTS["requests"], source, Path(sys.executable)), tmp_path / "run")
    assert not run.trouble
    assert run.passed() == {f"{FILE}::test_steady"}


def test_a_run_that_an_error_in_pytest_has_ended_is_no_whole_run(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.source / "conftest.py").write_text(
        "def pytest_runtest_logfinish(nodeid):\n    raise ValueError\n", encoding="utf-8"
    )
    run = _run(checkout, tmp_path / "run")
    assert "ended before the suite" in run.trouble
    assert run.passed() == {f"{FILE}::test_unpatched"}
