"""A password that a peer has refused is not sent again for a while; nothing of it is kept in the clear."""

from __future__ import annotations

import gc
import threading
from typing import Any

import pytest
from support.scripted_login import ALICE, DIGEST, GET, PEER, STALE, Bench, section

from coda_network._auth import refused_passwords as module
from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login
from coda_network._auth.memory import LoginMemory
from coda_network._auth.refused_passwords import MOST_AFTER_ACCEPTANCE, MOST_PAIRS, MOST_REFUSALS, RefusedPasswords
from coda_network._auth.scheme import PasswordRefused, Role

NOT_SENT = "the user name or password was refused 0 s ago, and is not sent again"
BASIC = 'Basic realm="r"'
PRESET = "Basic YWxpY2U6c2VjcmV0"  # alice:secret


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def table() -> RefusedPasswords:
    return RefusedPasswords()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list of one."""
    now = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    return now


def offered(login: Login, *challenges: str) -> str | None:
    """Return what a new request sends after these challenges."""
    login.start(GET)
    return login.on_challenge(section(challenges), GET)


def refuse(bench: Bench, offer: str, login: Login | None = None) -> Login:
    """Bring a login with one scheme to its end: refused."""
    login = login or bench.login()
    assert offered(login, offer)
    if offer in ("NTLM", "Negotiate"):
        assert login.on_challenge(section([f"{offer} dG9rZW4="]), GET)
    assert login.on_challenge(section([offer]), GET) is None
    return login


# -- through a login


@pytest.mark.parametrize("offer", ["Negotiate", "NTLM", DIGEST, BASIC])
def test_a_refused_password_is_not_sent_by_the_next_connection(offer: str, bench: Bench) -> None:
    refuse(bench, offer)
    login = bench.login()
    assert offered(login, offer) is None
    name = offer.partition(" ")[0]
    assert (str(login.report), login.report.not_sent, login.failed) == (f"{name}: {NOT_SENT}", NOT_SENT, True)


@pytest.mark.parametrize(
    ("refused", "other"), [("Negotiate", "NTLM"), ("NTLM", "Negotiate"), (DIGEST, BASIC), (BASIC, DIGEST)]
)
def test_schemes_that_prove_the_same_password_are_one(refused: str, other: str, bench: Bench) -> None:
    refuse(bench, refused)
    assert offered(bench.login(), other) is None


def test_no_weaker_scheme_follows_a_password_that_is_held_back(bench: Bench) -> None:
    refuse(bench, "NTLM")
    login = bench.login()
    assert offered(login, "NTLM", DIGEST, BASIC) is None
    assert login.report.entries[1:] == [
        ("Digest", "not tried after a refused login"),
        ("Basic", "not tried after a failed login, because it gives the password away"),
    ]


def test_basic_after_a_refused_digest_is_for_programs_that_ask_for_it(bench: Bench) -> None:
    refuse(bench, DIGEST)
    assert offered(bench.login(allow_basic_after_failure=True), DIGEST, BASIC) == "Basic alice 1"


@pytest.mark.parametrize(
    "changed", [Credentials("alice", "new"), Credentials("Alice", "secret"), Credentials("D\\alice", "secret")]
)
def test_another_user_or_password_is_sent_at_once(changed: Credentials, bench: Bench) -> None:
    refuse(bench, "NTLM")
    bench.user = changed
    assert offered(bench.login(), "NTLM")


@pytest.mark.parametrize(
    "peer", [PEER._replace(port=1), PEER._replace(host="other.example"), PEER._replace(role=Role.ORIGIN)]
)
def test_another_peer_gets_the_password(peer: Any, bench: Bench) -> None:
    refuse(bench, BASIC)
    login = Login(peer.role, peer, bench.source, bench.schemes)
    login.start(GET)
    assert login.on_challenge(section([BASIC], role=peer.role), GET) == "Basic alice 1"


def test_another_realm_gets_the_password(bench: Bench) -> None:
    refuse(bench, BASIC)
    assert offered(bench.login(), 'Basic realm="other"') == "Basic alice 1"
    assert offered(bench.login(), BASIC) is None


def test_a_ticket_is_no_password(bench: Bench) -> None:
    bench.user = None
    refuse(bench, "Negotiate")
    assert offered(bench.login(), "Negotiate")


def test_a_stale_nonce_is_no_refusal(bench: Bench) -> None:
    login = bench.login()
    assert offered(login, DIGEST)
    assert login.on_challenge(section([STALE]), GET) == "Digest alice 2"
    assert offered(bench.login(), STALE)


@pytest.mark.parametrize("legs", [["NTLM"], ["NTLM", "NTLM dG9rZW4="]])
def test_a_handshake_that_is_broken_off_is_no_refusal(legs: list[str], bench: Bench) -> None:
    login = bench.login()
    login.start(GET)
    for leg in legs:
        assert login.on_challenge(section([leg]), GET)
    assert offered(bench.login(), "NTLM")  # the connection was lost in between


def test_what_the_kdc_refused_is_not_asked_again(bench: Bench) -> None:
    bench.unservable["Negotiate"] = PasswordRefused("Negotiate: the KDC refused the password")
    assert offered(bench.login(), "Negotiate") is None
    del bench.unservable["Negotiate"]
    assert offered(bench.login(), "Negotiate") is None
    assert not bench.made


def test_the_programs_own_header_is_held_back(bench: Bench) -> None:
    def login() -> Login:
        return Login(Role.PROXY, PEER, lambda realm: ALICE, bench.schemes, preset_header=PRESET)

    first = login()
    assert first.start(GET) == PRESET
    assert first.on_challenge(section([BASIC]), GET) is None
    second = login()
    assert second.start(GET) is None
    assert second.on_challenge(section([BASIC]), GET) is None
    assert second.report.not_sent == NOT_SENT
    module.refused_passwords.clear()
    assert login().start(GET) == PRESET


def test_a_password_that_was_accepted_before_has_three_tries(bench: Bench) -> None:
    memory = LoginMemory()
    for _ in range(2):
        login = bench.login(memory)
        assert offered(login, "NTLM")
        login.on_challenge(section(["NTLM dG9rZW4="]), GET)
        login.on_response(section())  # after this the tries are counted anew
        for _ in range(MOST_AFTER_ACCEPTANCE - 1):
            refuse(bench, "NTLM", bench.login(memory))
    refuse(bench, "NTLM", bench.login(memory))
    assert offered(bench.login(memory), "NTLM") is None


def test_an_accepted_header_of_the_program_has_three_tries_too(bench: Bench) -> None:
    def login() -> Login:
        return Login(Role.PROXY, PEER, lambda realm: ALICE, bench.schemes, preset_header=PRESET)

    first = login()
    for _ in range(2):  # on one connection
        assert first.start(GET) == PRESET
        first.on_response(section())
        for _ in range(MOST_AFTER_ACCEPTANCE - 1):
            other = login()
            assert other.start(GET) == PRESET
            other.on_challenge(section([BASIC]), GET)


# -- the table


def test_a_refusal_is_forgotten_with_time(table: RefusedPasswords, clock: list[float]) -> None:
    table.refuse(PEER, ALICE, "ntlm", None)
    clock[0] += 299
    assert table.age(PEER, ALICE) == 299
    clock[0] += 1
    assert table.age(PEER, ALICE) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("0", None), ("", 5.0), ("10", 5.0), ("4", None), ("five", 5.0), ("-1", 5.0), ("nan", 5.0)]
)
def test_the_environment_says_for_how_long(
    text: str, expected: float | None, table: RefusedPasswords, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODA_NETWORK_REFUSED_SECONDS", text)
    table.refuse(PEER, ALICE, "ntlm", None)
    clock[0] += 5
    assert table.age(PEER, ALICE) == expected


def test_what_a_program_sets_comes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODA_NETWORK_REFUSED_SECONDS", "7")
    first, second = module.set_seconds(3), module.set_seconds(0)
    assert module.seconds() == 0
    module.unset_seconds(first)
    assert module.seconds() == 0
    module.unset_seconds(second)
    assert module.seconds() == 7


@pytest.mark.parametrize("value", [-1, float("nan"), "many"])
def test_what_is_no_number_of_seconds_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"refused_seconds|could not convert"):
        module.set_seconds(value)
    assert module.seconds() == 300


def test_the_table_is_bounded(table: RefusedPasswords) -> None:
    for number in range(MOST_PAIRS + 5):
        table.refuse(PEER, Credentials(f"user {number}", "x"), "ntlm", None)
    assert table.age(PEER, Credentials("user 4", "x")) is None
    assert table.age(PEER, Credentials("user 5", "x")) is not None
    for number in range(MOST_REFUSALS + 5):
        table.refuse(PEER, ALICE, "basic", f"realm {number}")
    assert table.age(PEER, ALICE, ["basic"], "realm 4") is None
    assert table.age(PEER, ALICE, ["basic"], "realm 5") is not None


def test_the_parts_of_a_pair_do_not_run_into_each_other(table: RefusedPasswords) -> None:
    table.refuse(PEER, Credentials("alice", "1:x"), "ntlm", None)
    for user, password in (("alice1", ":x"), ("alice\0", "1:x"), ("alice1:x", "")):
        assert table.age(PEER, Credentials(user, password)) is None
    table.refuse(PEER, Credentials("al\udc80", "\udcff"), "ntlm", None)  # bytes of the environment that are no UTF-8
    assert table.age(PEER, Credentials("al\udc80", "\udcff")) is not None


def test_no_password_is_kept(table: RefusedPasswords) -> None:
    table.refuse(PEER, Credentials("alice", "s3cret word"), "basic", "realm")
    seen: set[int] = set()
    waiting: list[Any] = [table._pairs]
    while waiting:
        for found in gc.get_referents(waiting.pop()):
            if id(found) not in seen and isinstance(found, (str, bytes, dict, list, tuple, module._Pair)):
                seen.add(id(found))
                waiting.append(found)
                assert "s3cret" not in repr(found)
    assert repr(table) == "<RefusedPasswords: 1>"


def test_many_threads_share_the_table(table: RefusedPasswords) -> None:
    def work(number: int) -> None:
        for place in range(200):
            user = Credentials(f"{number} {place % 7}", "x")
            table.refuse(PEER, user, "basic", str(place))
            table.age(PEER, user)
            table.accept(PEER, user)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(table._pairs) == 56
