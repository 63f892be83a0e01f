"""The pool under interruptions and threads: a call neither waits for another one nor breaks it."""

from __future__ import annotations

import gc
import random
import signal
import threading
from collections import Counter

import pytest
from support.pooled import HERE, Connection, filled

from coda_network._pool.key import PoolKey
from coda_network._pool.pool import Pool


class Interrupting(list):
    """A list of idle connections; whoever asks whether it is empty is interrupted by another call."""

    def __init__(self, content: list[Connection], call: object) -> None:
        super().__init__(content)
        self.call = call

    def __bool__(self) -> bool:
        call, self.call = self.call, None
        if call is not None:
            call()
        return len(self) > 0


def test_a_call_that_interrupts_another_neither_waits_nor_breaks_it() -> None:
    pool = Pool()
    first, second = filled(pool, HERE, 2)
    late = Connection("late")

    def interrupt() -> None:
        # As a signal handler or the finalizer of a response does, in the same thread.
        assert pool.lease(HERE) is None
        pool.release(HERE, late)
        assert "here.example" in repr(pool)

    pool._storage.by_key[HERE] = Interrupting(pool._storage.by_key[HERE], interrupt)
    assert pool.lease(HERE) is second
    assert late.closed == 1
    assert pool.lease(HERE) is first
    assert pool.lease(HERE) is None


def test_a_close_that_interrupts_a_lease_is_remembered() -> None:
    pool = Pool()
    first, second = filled(pool, HERE, 2)
    pool._storage.by_key[HERE] = Interrupting(pool._storage.by_key[HERE], pool.close)
    before = pool.generation
    assert pool.lease(HERE) is second
    pool.release(HERE, second, generation=before)
    assert second.closed == 1
    # What could not be taken out then goes with the next call.
    pool.close()
    assert first.closed == 1


def test_a_collected_response_may_release_in_the_middle_of_another_call() -> None:
    pool = Pool(max_idle_per_host=3)
    made: list[Connection] = []

    class Response:
        """A cycle that releases its connection when it is collected."""

        def __init__(self) -> None:
            self.me = self
            self.connection = pool.lease(HERE) or Connection()
            made.append(self.connection)

        def __del__(self) -> None:
            pool.release(HERE, self.connection)

    before = gc.get_threshold()
    gc.set_threshold(1, 2, 2)
    try:
        for _ in range(300):
            Response()
    finally:
        gc.set_threshold(*before)
    gc.collect()
    assert pool.idle_count <= 3
    pool.close()
    assert all(connection.closed == 1 for connection in made)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no such timer")
def test_a_signal_handler_may_use_the_pool_at_any_moment() -> None:
    pool = Pool(max_idle_per_host=2)
    handled = []

    def handler(*_: object) -> None:
        handled.append(pool.lease(HERE))
        pool.release(HERE, handled[-1] or Connection())

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        while len(handled) < 50:
            pool.release(HERE, pool.lease(HERE) or Connection())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert pool.idle_count == len(pool._storage.by_key[HERE]) <= 2


def test_threads_never_share_a_connection_and_keep_the_limits() -> None:
    threads, rounds = 8, 400
    pool = Pool(max_idle_per_host=3, max_idle=5)
    keys = [PoolKey(Connection, f"host{number}", None, ()) for number in range(4)]
    users: Counter[int] = Counter()
    made: list[Connection] = []
    faults: list[object] = []

    def work(seed: int) -> None:
        choose = random.Random(seed)
        for _ in range(rounds):
            key = choose.choice(keys)
            connection = pool.lease(key)
            if connection is None:
                connection = Connection(key.authority)
                made.append(connection)
            users[id(connection)] += 1
            if users[id(connection)] != 1 or connection.closed or connection.name != key.authority:
                faults.append(connection)
            users[id(connection)] -= 1
            connection.gone = choose.random() < 0.05
            if choose.random() < 0.02:
                pool.close()
            pool.release(key, connection)
            if pool.idle_count > 6:
                faults.append(pool.idle_count)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert faults == []
    pool.close()
    # Each connection that was ever made was closed exactly once.
    assert Counter(connection.closed for connection in made) == {1: len(made)}
