"""Each exchange, cut at each byte: the right body or a documented error, in time, and no POST is carried out twice.

The short form takes positions at regular distances; ``pytest -m soak`` takes all of them.
"""

from __future__ import annotations

import gc
import os
import time

import pytest
from support.accounts import ALICE
from support.exchanges import BODY, DOCUMENTED, EXCHANGES, SECONDS, Exchange, Outcomes, served
from support.fault_proxy import DRIP, FIN, RST, STALL, TO_CLIENT, TO_SERVER, Fault, FaultProxy
from support.passwords import write_ntlm_users

FEW = 16
SCALES = [pytest.param(FEW, id="short"), pytest.param(0, id="all", marks=pytest.mark.soak)]


@pytest.fixture(autouse=True)
def users(tmp_path, monkeypatch):
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", [ALICE])))
    monkeypatch.setenv("CODA_NETWORK_REFUSED_SECONDS", "0")


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def attempt(exchange: Exchange, proxy: FaultProxy, server: object, context: object, outcomes: Outcomes) -> None:
    """Carry the exchange out once, and note what came of it."""
    outcomes.positions += 1
    done = getattr(server, "done", [])
    done.clear()
    begun = time.monotonic()
    try:
        bodies = exchange.run(proxy, context)
    except DOCUMENTED as error:
        reason = getattr(error, "reason", None)
        name = type(reason if isinstance(reason, BaseException) else error).__name__
        outcomes.errors[name] = outcomes.errors.get(name, 0) + 1
    else:
        outcomes.whole += 1
        if any(len(body) != len(BODY) or (body != BODY and not body.startswith(b"ok")) for body in bodies):
            outcomes.wrong.append(f"{proxy.fault}: {bodies!r}")
    if time.monotonic() - begun > SECONDS + 2:
        outcomes.wrong.append(f"{proxy.fault}: {time.monotonic() - begun:.1f} seconds")
    for request in exchange.once:
        if request.startswith("POST") and done.count(request) > 1:
            outcomes.wrong.append(f"{proxy.fault}: {request} was carried out {done.count(request)} times")


def measured(exchange: Exchange, proxy: FaultProxy, context: object) -> dict[str, int]:
    """Return how many bytes go each way where nothing is wrong."""
    proxy.reset(None)
    assert all(body == BODY or body.startswith(b"ok") for body in exchange.run(proxy, context))
    time.sleep(0.05)  # the last ones are counted behind the client's back
    return dict(proxy.passed)


def places(total: int, few: int) -> list[int]:
    """Return the positions to cut at: all, or some that are evenly spread, the first and the last among them."""
    if not few or total <= few:
        return list(range(total))
    return sorted({round(index * (total - 1) / (few - 1)) for index in range(few)})


@pytest.mark.parametrize("few", SCALES)
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_cut_anywhere_it_is_whole_or_an_error(exchange, few, ca, record_property):
    with served(exchange, ca) as (proxy, server, context):
        sizes = measured(exchange, proxy, context)
        before = descriptors()
        outcomes = Outcomes()
        for connections in (1, 100):  # the next connection is whole; all of them are cut
            for direction in (TO_CLIENT, TO_SERVER):
                for after in places(sizes[direction], few // 2):
                    for kind in (FIN, RST):
                        proxy.reset(Fault(direction, after, kind, connections))
                        attempt(exchange, proxy, server, context, outcomes)
        record_property("outcomes", str(outcomes))
        print(f"{exchange.name}: {outcomes}")
        assert outcomes.wrong == []
        assert outcomes.errors
        deadline = time.monotonic() + 2
        while descriptors() > before and time.monotonic() < deadline:
            time.sleep(0.05)  # the threads of the peers
        assert descriptors() <= before + 2


@pytest.mark.parametrize("few", [pytest.param(2, id="short"), pytest.param(40, id="more", marks=pytest.mark.soak)])
@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.name)
def test_stalled_or_dripping_it_ends_in_time(exchange, few, ca, monkeypatch):
    monkeypatch.setattr("support.exchanges.SECONDS", 0.3)
    with served(exchange, ca) as (proxy, server, context):
        sizes = measured(exchange, proxy, context)
        outcomes = Outcomes()
        for direction in (TO_CLIENT, TO_SERVER):
            for after in places(sizes[direction], few):
                for kind in (STALL, DRIP):
                    proxy.reset(Fault(direction, after, kind, 100))
                    attempt(exchange, proxy, server, context, outcomes)
        print(f"{exchange.name}: {outcomes}")
        assert outcomes.wrong == []
