"""How the package is put under a foreign test suite; this file and its neighbours run in the suite's process.

The setup module is `coda_network`, or what CODA_SUITE_SETUP names: the comparison is itself tested with setup
modules that do nothing and that do harm.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from types import ModuleType
from typing import TextIO

import suite_loopback

SETUP = os.environ.get("CODA_SUITE_SETUP", "coda_network")
BINDING = os.environ.get("CODA_SUITE_BINDING", "baseline")
RESULTS = os.environ.get("CODA_SUITE_RESULTS", "")

# What programs usually have imported long before somebody calls patch().
CLIENTS = (
    "http.client",
    "http.cookiejar",
    "urllib.request",
    "urllib.robotparser",
    "xmlrpc.client",
    "urllib3",
    "requests",
)


class Recorder:
    """Writes one JSON line as each test ends, so that a suite that hangs or crashes leaves what it had."""

    def __init__(self) -> None:
        # A file of its own, open to the end of the process: suites capture and close the standard streams.
        self._file: TextIO = open(RESULTS, "a", encoding="utf-8", buffering=1)  # noqa: SIM115  # end() closes it

    def add(self, test: str, outcome: str, text: str = "") -> None:
        """Note `outcome` ("ok", "skip", "fail", "error") of `test`, which may be noted several times."""
        self._file.write(json.dumps([test, outcome, text[-2000:]]) + "\n")

    def end(self) -> None:
        """Say that the suite came to its end by itself."""
        self._file.write(json.dumps(["", "end", ""]) + "\n")
        self._file.close()


def bind_before() -> None:
    """What has to happen before the suite's modules are imported."""
    suite_loopback.stay()
    if BINDING == "before":
        import_module(SETUP).patch()
    elif BINDING == "after":
        for name in CLIENTS:
            import_module(name)
    elif BINDING == "swapped":
        _swap("http", "client", import_module(SETUP + ".httplib"))
        _swap("urllib", "request", import_module(SETUP + ".urllib2"))


def bind_after() -> None:
    """What has to happen when the suite's modules were imported, and before its first test."""
    if BINDING == "after":
        import_module(SETUP).patch()


def _swap(package: str, name: str, module: ModuleType) -> None:
    """Put `module` in the place of `package.name`, in whichever way that is imported."""
    sys.modules[f"{package}.{name}"] = module
    setattr(import_module(package), name, module)
