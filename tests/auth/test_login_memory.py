"""What a login knows from before: headers that go out unasked, and the scheme to begin with."""

from __future__ import annotations

import pytest
from support.scripted_login import ALICE, DIGEST, GET, PEER, STALE, Bench, section

from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login
from coda_network._auth.memory import LoginMemory
from coda_network._auth.scheme import Role


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(("offer", "name"), [("Basic realm=r", "Basic"), (DIGEST, "Digest")])
def test_an_accepted_login_goes_out_unasked(offer: str, name: str, bench: Bench) -> None:
    memory = LoginMemory()
    first, second = bench.login(memory), bench.login(memory)
    first.on_challenge(section([offer]), GET)
    first.on_response(section())
    assert first.start(GET) == f"{name} alice again"
    assert second.start(GET) == f"{name} alice again"
    second.on_response(section())
    assert second.start(GET) == f"{name} alice again"
    assert len(bench.made) == 1
    other = Login(Role.PROXY, PEER._replace(port=1), bench.source, bench.schemes, memory)
    assert other.start(GET) is None


def test_without_a_memory_only_the_same_connection_knows(bench: Bench) -> None:
    first = bench.login()
    first.on_challenge(section([DIGEST]), GET)
    first.on_response(section())
    assert first.start(GET) == "Digest alice again"
    assert bench.login().start(GET) is None


def test_nothing_goes_out_unasked_for_another_user(bench: Bench) -> None:
    memory = LoginMemory()
    login = bench.login(memory)
    login.on_challenge(section([DIGEST]), GET)
    login.on_response(section())
    bench.user = Credentials("alice", "another password")
    assert login.start(GET) is None
    assert bench.login(memory).start(GET) is None
    assert bench.realms[-1] == "r"
    login.credentials = {"ntlm": bench.source}
    assert login.start(GET) is None


def test_a_stale_nonce_that_went_out_unasked_is_renewed(bench: Bench) -> None:
    memory = LoginMemory()
    login = bench.login(memory)
    login.on_challenge(section([DIGEST]), GET)
    login.on_response(section())
    other = bench.login(memory)
    other.start(GET)
    assert other.on_challenge(section([STALE]), GET) == "Digest alice 2"
    assert len(bench.made) == 1


@pytest.mark.parametrize("response", [DIGEST, STALE.replace('realm="r"', 'realm="another"')])
def test_a_digest_that_is_refused_unasked_begins_again_once(response: str, bench: Bench) -> None:
    memory = LoginMemory()
    login = bench.login(memory)
    login.on_challenge(section([DIGEST]), GET)
    login.on_response(section())
    login.start(GET)
    assert login.on_challenge(section([response]), GET) == "Digest alice 1"
    assert memory.recall(PEER) is None
    assert login.on_challenge(section([DIGEST]), GET) is None
    assert len(bench.made) == 2


def test_basic_is_not_sent_twice_with_the_same_password() -> None:
    memory = LoginMemory()
    first = Login(Role.ORIGIN, PEER, lambda realm: ALICE, memory=memory)
    header = first.on_challenge(section(["Basic realm=r"], role=Role.ORIGIN), GET)
    first.on_response(section())
    second = Login(Role.ORIGIN, PEER, lambda realm: ALICE, memory=memory)
    assert second.start(GET) == header
    assert second.on_challenge(section(["Basic realm=other"], role=Role.ORIGIN), GET) is None
    assert str(second.report) == "Basic: the user name or password was refused"


def test_basic_for_another_realm_has_another_password() -> None:
    users = {"a": ALICE, "b": Credentials("bob", "hidden")}
    login = Login(Role.ORIGIN, PEER, lambda realm: users.get(realm or ""))
    login.on_challenge(section(["Basic realm=a"], role=Role.ORIGIN), GET)
    login.on_response(section())
    assert login.start(GET) is not None
    assert login.on_challenge(section(["Basic realm=b"], role=Role.ORIGIN), GET) == "Basic Ym9iOmhpZGRlbg=="


def test_a_new_connection_begins_with_the_scheme_that_was_accepted(bench: Bench) -> None:
    memory = LoginMemory()
    bench.unservable = {"Negotiate": "no ticket"}
    first = bench.login(memory)
    first.on_challenge(section(["Negotiate", "NTLM"]), GET)
    first.on_response(section())
    bench.unservable = {}
    second = bench.login(memory)
    assert second.start(GET) is None
    assert second.on_challenge(section(["Negotiate", "NTLM"]), GET) == "NTLM alice 1"
    assert not second.in_progress


def test_basic_is_not_preferred_because_it_was_accepted(bench: Bench) -> None:
    memory = LoginMemory()
    first = bench.login(memory)
    first.on_challenge(section(["Basic realm=r"]), GET)
    first.on_response(section())
    second = bench.login(memory)
    second.start(GET)
    assert second.on_challenge(section(["Basic realm=r", "NTLM"]), GET) == "NTLM alice 1"


def test_a_bound_connection_is_for_its_user_only(bench: Bench) -> None:
    login = bench.login()
    assert login.is_still_for_its_user()
    login.on_challenge(section(["NTLM"]), GET)
    assert login.is_still_for_its_user()
    bench.user = Credentials("bob", "hidden")
    assert not login.is_still_for_its_user()
    login.credentials = {}
    assert not login.is_still_for_its_user()


def test_a_connection_that_is_not_bound_is_for_everybody(bench: Bench) -> None:
    login = bench.login()
    login.on_challenge(section(["Basic realm=r"]), GET)
    login.on_response(section())
    bench.user = Credentials("bob", "hidden")
    assert login.is_still_for_its_user()


def test_a_newer_login_is_not_forgotten_with_an_older_one(bench: Bench) -> None:
    memory = LoginMemory()
    first, second = bench.login(memory), bench.login(memory)
    for login in (first, second):
        login.on_challenge(section([DIGEST]), GET)
        login.on_response(section())
    newer = memory.recall(PEER)
    first.start(GET)
    first.on_challenge(section(["NTLM"]), GET)
    assert newer is not None
    assert memory.recall(PEER) is newer
