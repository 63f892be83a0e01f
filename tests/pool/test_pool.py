"""The pool: connections are leased to one user, released, and closed above its limits."""

from __future__ import annotations

import pytest
from support.pooled import HERE, THERE, Connection, filled

from coda_network._pool import pool as module
from coda_network._pool.key import PoolKey
from coda_network._pool.pool import Pool


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic clock of the module; the test moves it on by hand."""
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def test_an_empty_pool_has_nothing_to_lease() -> None:
    assert Pool().lease(HERE) is None


def test_the_connection_that_was_used_last_is_leased_first() -> None:
    pool = Pool()
    first, second, third = filled(pool, HERE, 3)
    assert [pool.lease(HERE) for _ in range(4)] == [third, second, first, None]
    assert not first.closed


def test_a_connection_serves_only_requests_with_its_key() -> None:
    pool = Pool()
    (here,) = filled(pool, HERE, 1)
    assert pool.lease(THERE) is None
    assert pool.lease(HERE) is here


def test_a_leased_connection_is_leased_to_nobody_else() -> None:
    pool = Pool()
    (only,) = filled(pool, HERE, 1)
    assert pool.lease(HERE) is only
    assert pool.lease(HERE) is None
    pool.release(HERE, only)
    assert pool.lease(HERE) is only


def test_a_connection_that_is_released_twice_is_leased_once() -> None:
    pool = Pool()
    (only,) = filled(pool, HERE, 1)
    pool.release(HERE, only)
    assert pool.lease(HERE) is only
    assert pool.lease(HERE) is None
    assert not only.closed


def test_connections_that_the_peer_dropped_are_closed_and_passed_over() -> None:
    pool = Pool()
    first, second, third = filled(pool, HERE, 3)
    second.gone = third.gone = True
    assert pool.lease(HERE) is first
    assert [first.closed, second.closed, third.closed] == [0, 1, 1]


def test_a_connection_that_fails_to_close_does_not_stop_the_pool() -> None:
    class Failing(Connection):
        def close(self) -> None:
            super().close()
            raise ConnectionResetError("reset by peer")

    pool = Pool()
    connections = [Failing("a"), Failing("b"), Connection("c")]
    for connection in connections:
        pool.release(HERE, connection)
    pool.close()
    assert [connection.closed for connection in connections] == [1, 1, 1]


# Limits


@pytest.mark.parametrize(
    ("per_host", "altogether", "kept_here", "kept_there"),
    [
        (10, 100, 3, 3),
        (2, 100, 2, 2),
        (10, 4, 1, 3),
        (10, 3, 0, 3),
        (2, 3, 1, 2),
        (10, 1, 0, 1),
        (0, 100, 0, 0),
        (10, 0, 0, 0),
    ],
)
def test_above_a_limit_the_oldest_connection_is_closed(
    per_host: int, altogether: int, kept_here: int, kept_there: int
) -> None:
    pool = Pool(max_idle_per_host=per_host, max_idle=altogether)
    here, there = filled(pool, HERE, 3), filled(pool, THERE, 3)
    assert [connection.closed for connection in here] == [1] * (3 - kept_here) + [0] * kept_here
    assert [connection.closed for connection in there] == [1] * (3 - kept_there) + [0] * kept_there
    assert pool.idle_count == kept_here + kept_there
    assert [pool.lease(HERE) for _ in range(kept_here)] == here[::-1][:kept_here]
    assert pool.lease(HERE) is None


@pytest.mark.parametrize(
    "limits",
    [{"max_idle_per_host": -1}, {"max_idle": -1}, {"idle_seconds": -0.1}, {"idle_seconds": float("nan")}],
)
def test_negative_limits_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="limits"):
        Pool(**limits)


def test_many_hosts_leave_no_entries_behind(clock: list[float]) -> None:
    pool = Pool(max_idle=5)
    for number in range(50):
        key = PoolKey(Connection, f"host{number}", None, ())
        connection = Connection()
        pool.release(key, connection)
        assert pool.lease(key) is connection
        clock[0] += 61
    pool.lease(HERE)
    assert len(pool._storage.by_key) == len(pool._storage.all) == 0


# Time


@pytest.mark.parametrize(
    ("keep_seconds", "waited", "kept"),
    [
        (None, 59.9, True),
        (None, 60, False),
        # A second less than the server announced, because the request has a way to go.
        (5, 3.9, True),
        (5, 4, False),
        (300, 59.9, True),
        (300, 60, False),
        (1.5, 0.4, True),
        (1, 0, False),
        (0, 0, False),
        (-3, 0, False),
    ],
)
def test_a_connection_is_kept_as_long_as_both_sides_allow(
    clock: list[float], keep_seconds: float | None, waited: float, kept: bool
) -> None:
    pool = Pool(idle_seconds=60)
    connection = Connection()
    pool.release(HERE, connection, keep_seconds)
    clock[0] += waited
    assert pool.lease(HERE) is (connection if kept else None)
    assert connection.closed == (0 if kept else 1)


def test_a_pool_with_no_idle_time_keeps_no_connection() -> None:
    pool = Pool(idle_seconds=0)
    assert [connection.closed for connection in filled(pool, HERE, 2)] == [1, 1]


@pytest.mark.parametrize("call", ["lease", "release"])
def test_expired_connections_are_closed_by_any_call_for_any_host(clock: list[float], call: str) -> None:
    pool = Pool(idle_seconds=60)
    long, short = Connection("long"), Connection("short")
    pool.release(HERE, long)
    pool.release(HERE, short, 10)
    clock[0] += 20
    if call == "lease":
        assert pool.lease(THERE) is None
    else:
        pool.release(THERE, Connection())
    assert (long.closed, short.closed) == (0, 1)
    assert pool.lease(HERE) is long


def test_a_connection_whose_lease_was_interrupted_is_closed_in_time(clock: list[float]) -> None:
    pool = Pool(idle_seconds=60)
    (only,) = filled(pool, HERE, 1)
    # KeyboardInterrupt can come between two steps of a lease; these are the steps before it.
    pool._storage.by_key[HERE].pop()
    clock[0] += 60
    assert pool.lease(HERE) is None
    assert only.closed == 1


def test_the_idle_time_starts_anew_with_each_use(clock: list[float]) -> None:
    pool = Pool(idle_seconds=60)
    (only,) = filled(pool, HERE, 1)
    for _ in range(5):
        clock[0] += 50
        assert pool.lease(HERE) is only
        pool.release(HERE, only)


# Closing


def test_close_closes_idle_connections_now_and_leased_ones_on_release() -> None:
    pool = Pool()
    first, second = filled(pool, HERE, 2)
    assert pool.lease(HERE) is second
    pool.close()
    assert (first.closed, second.closed, pool.idle_count) == (1, 0, 0)
    pool.release(HERE, second)
    assert (second.closed, pool.idle_count) == (1, 0)
    pool.close()
    assert first.closed == second.closed == 1


def test_a_closed_pool_is_opened_by_the_next_lease() -> None:
    pool = Pool()
    pool.close()
    assert pool.lease(HERE) is None
    (only,) = filled(pool, HERE, 1)
    assert pool.lease(HERE) is only


def test_a_connection_from_before_a_close_is_closed_even_in_a_pool_opened_again() -> None:
    pool = Pool()
    before = pool.generation
    old, new = Connection(), Connection()
    pool.close()
    pool.lease(HERE)
    pool.release(HERE, new, generation=pool.generation)
    pool.release(HERE, old, generation=before)
    assert (old.closed, new.closed, pool.idle_count) == (1, 0, 1)


def test_the_repr_shows_the_state_and_the_routes() -> None:
    pool = Pool()
    assert repr(pool) == "<Pool open, idle: none>"
    filled(pool, HERE, 2)
    filled(pool, THERE, 1)
    assert repr(pool) == (
        "<Pool open, idle: Connection here.example (2), Connection proxy.example:3128 to there.example:443 (1)>"
    )
    pool.lease(THERE)
    assert repr(pool) == "<Pool open, idle: Connection here.example (2)>"
    pool.close()
    assert repr(pool) == "<Pool closed, idle: none>"


def test_many_connections_expire_in_few_walks(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    count = 2000
    pool = Pool(max_idle_per_host=count, max_idle=count)
    connections = []
    for number in range(count):
        clock[0] += 0.001
        connections += filled(pool, HERE if number % 2 else THERE, 1)
    walks = []
    original = pool._storage.expire

    def expire(now: float) -> list[module.Connection]:
        walks.append(now)
        return original(now)

    monkeypatch.setattr(pool._storage, "expire", expire)
    clock[0] += 60 - 1
    for _ in range(2 * count):
        clock[0] += 0.001
        pool.lease(PoolKey(Connection, "elsewhere.example", None, ()))
    assert [connection.closed for connection in connections] == [1] * count
    assert pool.idle_count == 0
    assert len(walks) <= 5


def test_what_has_expired_since_somebody_looked_is_closed_and_not_leased(clock: list[float]) -> None:
    pool = Pool()
    early, late = Connection("early"), Connection("late")
    pool.release(HERE, early, keep_seconds=11)
    clock[0] += 0.5
    pool.release(HERE, late, keep_seconds=11)
    clock[0] += 9.6  # the first has expired, and the second will before anybody walks through them again
    assert pool.lease(THERE) is None
    assert (early.closed, late.closed) == (1, 0)
    clock[0] += 0.5
    assert pool.lease(HERE) is None
    assert late.closed == 1
    assert pool.idle_count == 0


def test_hosts_that_come_and_go_leave_nothing_in_the_tables() -> None:
    pool = Pool(max_idle=3)
    for number in range(100):
        pool.release(PoolKey(Connection, f"host{number}.example", None, ()), Connection())
    assert pool.idle_count == 3
    assert len(pool._storage.by_key) == 3
