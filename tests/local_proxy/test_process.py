"""A process that serves many clients: what it changes for itself, and puts back."""

from __future__ import annotations

import sys

import pytest

from coda_network._local_proxy.process import SWITCH_SECONDS, fit_for_many_clients


def test_threads_wait_for_each_other_in_peace_as_long_as_clients_are_served() -> None:
    before = sys.getswitchinterval()
    with fit_for_many_clients():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert sys.getswitchinterval() == before


def test_who_has_asked_for_longer_turns_keeps_them() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(10 * SWITCH_SECONDS)
    try:
        with fit_for_many_clients():
            assert sys.getswitchinterval() == pytest.approx(10 * SWITCH_SECONDS)
    finally:
        sys.setswitchinterval(before)
