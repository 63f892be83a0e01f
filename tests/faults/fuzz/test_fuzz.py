"""Whatever bytes a peer sends, the error is a documented one: the targets of atheris, by hypothesis."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

_spec = importlib.util.spec_from_file_location("fuzz_targets", Path(__file__).with_name("targets.py"))
assert _spec is not None and _spec.loader is not None
targets = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(targets)

NOISE = st.lists(st.sampled_from(targets.PIECES) | st.binary(max_size=12), max_size=25).map(b"".join)


@pytest.mark.parametrize("name", targets.TARGETS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=NOISE)
def test_whatever_comes_the_error_is_documented(name, data):
    targets.attempt(targets.TARGETS[name], data)


@pytest.mark.soak
@pytest.mark.parametrize("name", targets.TARGETS)
@settings(max_examples=20000, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=NOISE)
def test_whatever_comes_for_long_the_error_is_documented(name, data):
    targets.attempt(targets.TARGETS[name], data)


@pytest.mark.parametrize("name", targets.TARGETS)
def test_what_atheris_begins_with_is_taken(name):
    assert [seed for seed in targets.SEEDS[name] if targets.attempt(targets.TARGETS[name], seed)] == []
