"""Deadlines: one end for all steps of an operation."""

from __future__ import annotations

import math

import pytest

from coda_network._net import deadline
from coda_network._net.deadline import Deadline


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the module; the test moves it on by hand."""
    now = [1000.0]
    monkeypatch.setattr(deadline, "monotonic", lambda: now[0])
    return now


def test_without_a_limit_every_wait_is_unlimited() -> None:
    unlimited = Deadline(None)
    assert unlimited.remaining() is None
    assert unlimited.timeout_for_socket() is None
    assert repr(unlimited) == "<Deadline: none>"


def test_the_steps_of_an_operation_share_one_deadline(clock: list[float]) -> None:
    limit = Deadline(5)
    assert limit.timeout_for_socket() == 5
    clock[0] += 3.5
    assert limit.remaining() == limit.timeout_for_socket() == 1.5
    assert repr(limit) == "<Deadline: 1.500 s of 5 s left>"


@pytest.mark.parametrize(
    ("seconds", "passed", "message"),
    [
        (5, 5, "timed out after 5 s"),
        (0.25, 9, "timed out after 0.25 s"),
        (0, 0, "timed out after 0 s"),
    ],
)
def test_a_deadline_that_has_passed_says_how_long_it_was(
    clock: list[float], seconds: float, passed: float, message: str
) -> None:
    limit = Deadline(seconds)
    clock[0] += passed
    assert limit.remaining() == 0
    with pytest.raises(TimeoutError) as raised:
        limit.timeout_for_socket()
    assert str(raised.value) == message


@pytest.mark.parametrize("seconds", [-1, -0.001, math.nan])
def test_negative_seconds_and_nan_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="deadline"):
        Deadline(seconds)
