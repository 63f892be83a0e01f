from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest
from support_suites.cpython import Runs


@pytest.fixture(scope="session")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Every binding of each suite that the selected tests name, started together when the first one asks."""
    if importlib.util.find_spec("test.test_httplib") is None:
        reason = "this Python was packaged without its own tests (the `test` package)"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}: CI has to use one that has them")
        pytest.skip(reason)
    named = {
        suite
        for item in request.session.items
        if isinstance(item, pytest.Function) and "runs" in item.fixturenames and hasattr(item, "callspec")
        for suite in (item.callspec.params.get("suite"),)
        if isinstance(suite, str)
    }
    started = Runs(tmp_path_factory.mktemp("cpython"), named)
    yield started
    started.close()
