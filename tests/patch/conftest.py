"""Toy classes that a switch replaces parts of."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from support.toys import Toys


@pytest.fixture
def toys() -> Toys:
    return Toys()


@pytest.fixture
def toy_module(toys: Toys, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setitem(sys.modules, "toy_module", toys.module)
    return "toy_module"
