"""Each exchange, cut at each byte: the right body or a documented error, in time, and no POST is carried out twice.

The short form takes positions at regular distances; ``pytest -m soak`` takes all of them. Before a scripted peer here,
and before real servers in ``test_cuts_of_servers.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from support.accounts import ALICE
from support.cuts import Outcomes, assert_no_socket_is_left, cuts, delays, descriptors, measured
from support.exchanges import BODY, EXCHANGES, SECONDS, Exchange, served
from support.fault_proxy import Fault, FaultProxy
from support.hop_exchanges import HOPS, MORE_HOPS
from support.passwords import write_ntlm_users

FEW = 8
CUT = [*EXCHANGES, *HOPS, *MORE_HOPS]


def cases(short: Iterable[Exchange], few: int, many: int) -> list[Any]:
    """Return exchanges with the number of their positions, 0 for all: some in the short form, all in the soak."""
    soak = pytest.mark.soak
    return [
        *(pytest.param(exchange, few, id=f"{exchange.name}-short") for exchange in short),
        *(pytest.param(exchange, many, id=f"{exchange.name}-{many or 'all'}", marks=soak) for exchange in CUT),
    ]


@pytest.fixture(autouse=True)
def users(tmp_path, monkeypatch):
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", [ALICE])))
    monkeypatch.setenv("CODA_NETWORK_REFUSED_SECONDS", "0")


def attempt(
    exchange: Exchange, proxy: FaultProxy, server: object, context: object, outcomes: Outcomes, fault: Fault
) -> None:
    """Carry the exchange out once, and note what came of it."""
    done = getattr(server, "done", [])
    done.clear()
    proxy.reset(fault)
    outcomes.note(lambda: exchange.run(proxy, context), fault)
    for request in exchange.once:
        if request.startswith("POST") and done.count(request) > 1:
            outcomes.wrong.append(f"{fault}: {request} was carried out {done.count(request)} times")


@pytest.mark.parametrize(("exchange", "few"), cases(CUT, FEW, 0))
def test_cut_anywhere_it_is_whole_or_an_error(exchange, few, ca, record_property):
    with served(exchange, ca) as (proxy, server, context):
        bodies, sizes = measured(lambda: exchange.run(proxy, context), proxy)
        assert set(bodies) <= {BODY, b"ok"}
        before = descriptors()
        outcomes = Outcomes(bodies, SECONDS + 2)
        for fault in cuts(sizes, few):
            attempt(exchange, proxy, server, context, outcomes, fault)
        record_property("outcomes", str(outcomes))
        print(f"{exchange.name}: {outcomes}")
        assert outcomes.wrong == []
        assert outcomes.errors
        assert "WrongDigest" not in outcomes.errors  # what is cut is never mixed up
        assert_no_socket_is_left(before)


@pytest.mark.parametrize(("exchange", "few"), cases([*EXCHANGES, *HOPS], 2, 40))
def test_stalled_or_dripping_it_ends_in_time(exchange, few, ca, monkeypatch):
    for module in ("exchanges", "hop_exchanges"):
        monkeypatch.setattr(f"support.{module}.SECONDS", 0.3)
    with served(exchange, ca) as (proxy, server, context):
        bodies, sizes = measured(lambda: exchange.run(proxy, context), proxy)
        outcomes = Outcomes(bodies, SECONDS + 2)
        for fault in delays(sizes, few):
            attempt(exchange, proxy, server, context, outcomes, fault)
        print(f"{exchange.name}: {outcomes}")
        assert outcomes.wrong == []
