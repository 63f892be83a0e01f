"""A password that nobody has judged yet is tried by one thread; the others wait for what becomes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from support.scripted_login import ALICE, PEER

from coda_network._auth import refused_passwords as module
from coda_network._auth.refused_passwords import RefusedPasswords, set_seconds, unset_seconds

THREADS = 8


@pytest.fixture
def table() -> RefusedPasswords:
    return RefusedPasswords()


@pytest.fixture(autouse=True)
def _long_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TRIAL_SECONDS", 60.0)


class Waiting:
    """Threads that want to try the password while this one does."""

    def __init__(self, table: RefusedPasswords, then: Callable[[], object]) -> None:
        self._table = table
        self._then = then
        self.passed: list[float | None] = []
        self._threads = [threading.Thread(target=self._try, daemon=True) for _ in range(THREADS)]
        for thread in self._threads:
            thread.start()

    def _try(self) -> None:
        self._table.begin_trial(PEER, ALICE)
        self.passed.append(self._table.age(PEER, ALICE))
        self._then()

    def come_to_their_end(self) -> bool:
        for thread in self._threads:
            thread.join(20)
        return len(self.passed) == THREADS


def test_what_is_refused_is_not_tried_by_those_who_waited(table: RefusedPasswords) -> None:
    table.begin_trial(PEER, ALICE)
    waiting = Waiting(table, lambda: None)
    assert waiting.passed == []
    table.refuse(PEER, ALICE, "ntlm", None)
    assert waiting.come_to_their_end()
    assert None not in waiting.passed


def test_what_is_accepted_may_be_sent_by_all_and_nobody_waits_again(table: RefusedPasswords) -> None:
    table.begin_trial(PEER, ALICE)
    waiting = Waiting(table, lambda: None)
    assert waiting.passed == []
    table.accept(PEER, ALICE)
    assert waiting.come_to_their_end()
    assert waiting.passed == [None] * THREADS
    table.begin_trial(PEER, ALICE)
    assert Waiting(table, lambda: None).come_to_their_end()


def test_after_a_login_that_came_to_nothing_the_next_one_tries_and_the_others_wait(table: RefusedPasswords) -> None:
    table.begin_trial(PEER, ALICE)
    refused = threading.Event()

    def refuse_once() -> None:
        if not refused.is_set():
            refused.set()
            table.refuse(PEER, ALICE, "ntlm", None)

    waiting = Waiting(table, refuse_once)
    table.end_trial(PEER, ALICE)
    assert waiting.come_to_their_end()
    assert waiting.passed.count(None) == 1


def test_one_thread_never_waits_for_itself(table: RefusedPasswords) -> None:
    for _ in range(3):
        table.begin_trial(PEER, ALICE)


def test_a_trial_without_an_end_is_not_waited_for_longer_than_its_time(
    table: RefusedPasswords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TRIAL_SECONDS", 0.05)
    table.begin_trial(PEER, ALICE)
    assert Waiting(table, lambda: None).come_to_their_end()


def test_where_each_password_is_to_be_sent_each_time_nobody_waits(table: RefusedPasswords) -> None:
    argument = set_seconds(0)
    try:
        table.begin_trial(PEER, ALICE)
        assert Waiting(table, lambda: None).come_to_their_end()
    finally:
        unset_seconds(argument)
