"""A pytest plugin (`-p suite_pytest`) that binds the package, records outcomes and selects tests."""

from __future__ import annotations

import json
import os

import pytest
import suite_binding

# Plugins named with -p are loaded before all others, so before any that imports an HTTP client.
suite_binding.bind_before()


class Outcomes:
    """Notes the outcome of each phase (set-up, call, tear-down) of each test, and of the collection."""

    def __init__(self) -> None:
        self._recorder = suite_binding.Recorder()
        self._selection = os.environ.get("CODA_SUITE_ONLY")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        if self._selection is not None:
            wanted = set(json.loads(self._selection))
            items[:] = [item for item in items if item.nodeid in wanted]

    def pytest_collection_finish(self) -> None:
        suite_binding.bind_after()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._recorder.add(report.nodeid, "error", str(report.longrepr))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            kind = "fail" if report.when == "call" else "error"
            self._recorder.add(report.nodeid, kind, str(report.longrepr))
        elif report.skipped:
            self._recorder.add(report.nodeid, "skip", str(report.longrepr))
        elif report.when == "call":
            self._recorder.add(report.nodeid, "ok")

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        # After an error in pytest, or a plugin of it, tests are left that did not run.
        if exitstatus != pytest.ExitCode.INTERNAL_ERROR:
            self._recorder.end()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Outcomes(), "suite-outcomes")
