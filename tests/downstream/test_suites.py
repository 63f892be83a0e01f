"""The suites of urllib3, requests and others pass under the patch as they do without it, whenever it was applied.

Fetches them from the package index and takes minutes: run by `tox -e downstream`, and left out otherwise.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support_suites.downstream import PROJECTS, Checkout, compare, prepare, run_suite
from support_suites.results import Run, describe

pytestmark = pytest.mark.downstream


@pytest.fixture(scope="module", params=sorted(PROJECTS))
def checkout(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    kept = os.environ.get("CODA_SUITES_CACHE")
    cache = Path(kept) if kept else tmp_path_factory.mktemp("environments")
    return prepare(PROJECTS[request.param], cache)


@pytest.fixture(scope="module")
def baseline(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_suite(checkout, "baseline", tmp_path_factory.mktemp(checkout.project.name))


def test_the_suite_runs_to_its_end_without_the_package(checkout: Checkout, baseline: Run) -> None:
    assert not baseline.trouble
    # A handful of tests ask for what a machine may not have; a suite that mostly fails would prove nothing.
    allowed = max(len(baseline.passed()) // 50, checkout.project.failing)
    assert len(baseline.failed()) <= allowed, sorted(baseline.failed())
    print(f"{checkout.source.name}: {baseline.figures()}")


@pytest.mark.parametrize("binding", ["before", "after"])
def test_what_passes_without_the_patch_passes_with_it(
    checkout: Checkout, baseline: Run, tmp_path: Path, binding: str
) -> None:
    found = compare(checkout, baseline, binding, tmp_path)
    print(f"{checkout.source.name}, patched {binding} its import: {found.run.figures()}")
    print("passed when run alone:", *found.unsteady or ["none"])
    assert not found.run.trouble
    assert not found.lost, describe(found.lost)
