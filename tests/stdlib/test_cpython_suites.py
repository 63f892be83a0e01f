"""CPython's own suites pass as ever: patched early, patched late, and with the modules swapped."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support_suites.cpython import SUITES, Runs, run_suite
from support_suites.intended import INTENDED, PAGE, Difference, ids_in_page
from support_suites.process import BINDINGS
from support_suites.results import MISSING, OK, describe, regressions

pytestmark = pytest.mark.stdlib

CHANGED = BINDINGS[1:]


def _suite_of(difference: Difference) -> str:
    return difference.test.split(".")[1]


@pytest.mark.parametrize("binding", BINDINGS)
def test_the_binding_takes_effect(tmp_path: Path, binding: str) -> None:
    run = run_suite("suite_probe", binding, tmp_path)
    probes = {test: outcome for test, outcome in run.outcomes.items() if ".Probe." in test}
    expected = "error" if binding == "baseline" else OK
    assert {outcome.kind for outcome in probes.values()} == {expected}, describe(probes)
    assert len(probes) == 2
    assert not run.trouble


@pytest.mark.parametrize("suite", SUITES)
def test_the_suite_runs_to_its_end_without_the_package(runs: Runs, suite: str, record_property) -> None:
    run = runs.get(suite, "baseline")
    record_property(f"{suite} baseline", run.figures())
    assert not run.trouble
    assert run.passed()
    # What fails already without the package (a certificate that has expired, say) is tolerated, and told.
    if run.failed():
        print(f"{suite} fails without the package: {', '.join(sorted(run.failed()))}")


@pytest.mark.parametrize("binding", CHANGED)
@pytest.mark.parametrize("suite", SUITES)
def test_what_passes_without_the_package_passes_with_it(runs: Runs, suite: str, binding: str, record_property) -> None:
    run = runs.get(suite, binding)
    record_property(f"{suite} {binding}", run.figures())
    assert not run.trouble
    intended = {difference.test for difference in INTENDED if binding in difference.bindings}
    found = regressions(runs.get(suite, "baseline"), run)
    unexpected = {test: outcome for test, outcome in found.items() if test not in intended}
    assert not unexpected, f"{run.figures()}\n{describe(unexpected)}"


@pytest.mark.parametrize(
    ("suite", "difference"),
    [pytest.param(_suite_of(difference), difference, id=difference.test) for difference in INTENDED],
)
def test_every_intended_difference_is_still_one(runs: Runs, suite: str, difference: Difference) -> None:
    expected = runs.get(suite, "baseline").outcome(difference.test)
    if expected == MISSING and sys.version_info < difference.since:
        return
    assert expected.kind == OK
    for binding in difference.bindings:
        outcome = runs.get(suite, binding).outcome(difference.test)
        assert outcome.kind != OK, f"it passes when bound {binding}: take it off the list"


def test_the_documentation_lists_exactly_the_intended_differences() -> None:
    listed = ids_in_page(PAGE.read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(difference.test for difference in INTENDED)


def test_the_intended_differences_are_few() -> None:
    # Two follow from what the package promises; three more is the most that drop-in can bear.
    assert len(INTENDED) <= 5
