"""Runs one module of CPython's `test` package: `python suite_unittest.py MODULE SECONDS`."""

from __future__ import annotations

import faulthandler
import sys
import unittest
from typing import Any

import suite_binding
from test import support

# What CPython's suites may use: all that stays on this machine, so not "network".
support.use_resources = ["cpu", "subprocess", "walltime"]


class Result(unittest.TestResult):
    """Tells the recorder what became of each test, of its subtests, and of the set-up of classes."""

    def __init__(self, recorder: suite_binding.Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._recorder.add(test.id(), "ok")

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        self._recorder.add(test.id(), "error", self._exc_info_to_string(err, test))

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._recorder.add(test.id(), "fail", self._exc_info_to_string(err, test))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self._recorder.add(test.id(), "skip", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._recorder.add(test.id(), "skip", "expected failure")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self._recorder.add(test.id(), "fail", "unexpected success")

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        if err is not None:
            self._recorder.add(test.id(), "fail", f"{subtest}\n{self._exc_info_to_string(err, test)}")


def main(module: str, seconds: float) -> None:
    """Run the tests of `module`; after `seconds` write every thread's stack and give up."""
    faulthandler.dump_traceback_later(seconds, exit=True)
    recorder = suite_binding.Recorder()
    suite_binding.bind_before()
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    suite_binding.bind_after()
    suite.run(Result(recorder))
    # Set by the suites themselves, for example by threads that a test left behind.
    kind = "fail" if support.environment_altered else "ok"
    recorder.add(f"{module}.<environment>", kind, "whether the suite left everything as it found it")
    recorder.end()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
