"""Openers in both bindings: `coda_network.urllib2`, and `urllib.request` under the patch."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import coda_network
from coda_network import urllib2


@pytest.fixture(params=["urllib2", "patched"])
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A module with urllib.request's names: ours, or the standard library's own under the patch."""
    module: Any = urllib2
    if request.param == "patched":
        module = urllib.request
        coda_network.patch()
    # The opener that urlopen() makes for itself; proxies of the environment are read when it is made.
    monkeypatch.setattr(module, "_opener", None)
    yield module
    if module._opener is not None:
        module._opener.close()
    if module is urllib.request:
        coda_network.unpatch()


@pytest.fixture
def direct(library: ModuleType) -> Iterator[Any]:
    """An opener without proxies."""
    opener = library.build_opener(library.ProxyHandler({}))
    yield opener
    opener.close()
