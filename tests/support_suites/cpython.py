"""CPython's own suites of everything that speaks HTTP."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from support_suites.process import BINDINGS, run, stage
from support_suites.results import Run

# test_xmlrpc first: it waits for nearly half a minute (its servers' time-outs), the others run meanwhile.
SUITES = (
    "test_xmlrpc",
    "test_docxmlrpc",
    "test_urllib2_localnet",
    "test_httplib",
    "test_urllib2",
    "test_urllib",
    "test_urllib_response",
    "test_http_cookiejar",
)

SECONDS = 240.0  # for one suite; the slowest takes 28 on an idle machine


def run_suite(suite: str, binding: str, folder: Path, *, setup: str = "coda_network", seconds: float = SECONDS) -> Run:
    """Run `suite` under `binding`; `folder` is for its files.

    `suite` is one of this interpreter's own ("test_httplib"), or "suite_probe", which tells a binding that took
    effect from one that did not.
    """
    staged = stage(folder / "path")
    # The child ends itself a little earlier than it would be ended, and so can still say where it hangs.
    module = f"test.{suite}" if suite in SUITES else suite
    command = [sys.executable, str(staged / "suite_unittest.py"), module, str(seconds - 5)]
    return run(command, staged=staged, folder=folder, binding=binding, seconds=seconds, setup=setup)


class Runs:
    """All runs of `suites` under every binding, side by side: the suites sleep more than they work."""

    def __init__(self, folder: Path, suites: Iterable[str] = SUITES, workers: int = 6) -> None:
        self._executor = ThreadPoolExecutor(workers)
        self._futures: dict[tuple[str, str], Future[Run]] = {}
        for suite in sorted(suites, key=SUITES.index):
            for binding in BINDINGS:
                work = folder / f"{suite}-{binding}"
                self._futures[suite, binding] = self._executor.submit(run_suite, suite, binding, work)

    def get(self, suite: str, binding: str) -> Run:
        """The finished run of `suite` under `binding`."""
        return self._futures[suite, binding].result()

    def close(self) -> None:
        """Wait for the runs that have begun and forget those that have not."""
        self._executor.shutdown(cancel_futures=True)
