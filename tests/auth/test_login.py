"""The login: which scheme is tried, what follows a refusal, and every pair of state and event."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from itertools import product

import pytest
from support.scripted_login import ALICE, DIGEST, GET, PEER, STALE, Bench, Scripted, section

from coda_network._auth.credentials import Credentials
from coda_network._auth.login import CUT_SHORT, MOST_ROUNDS, TRANSITIONS, Event, Login, State
from coda_network._auth.memory import LoginMemory
from coda_network._auth.refused_passwords import refused_passwords
from coda_network._auth.registry import Entry
from coda_network._auth.scheme import Outgoing, PasswordRefused, Peer, PeerUnproven, Role, Scheme
from coda_network._wire.challenge import Challenge


@pytest.fixture
def bench() -> Bench:
    return Bench()


def in_state(state: State, bench: Bench) -> Login:
    """A login that was brought into a state by its own methods."""
    refused_passwords.clear()
    memory = LoginMemory()
    if state is State.ANTICIPATED:
        first = bench.login(memory)
        first.on_challenge(section([DIGEST]), GET)
        first.on_response(section())
    login = bench.login(memory)
    login.start(GET)
    if state in (State.NEGOTIATING, State.COMPLETED, State.ACCEPTED):
        login.on_challenge(section(["NTLM"]), GET)
    if state in (State.COMPLETED, State.ACCEPTED):
        login.on_challenge(section(["NTLM dG9rZW4="]), GET)
    if state is State.ACCEPTED:
        login.on_response(section())
        login.start(GET)
    if state is State.GIVEN_UP:
        login.on_challenge(section(["Unknown"]), GET)
    assert login.state is state
    return login


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_of_state_and_event(state: State, event: Event, bench: Bench) -> None:
    login = bench.login()
    login._state = state
    if (state, event) in TRANSITIONS:
        login._move(event)
        assert login.state is TRANSITIONS[state, event]
    else:
        with pytest.raises(RuntimeError, match=f"{state.name} cannot take {event.name}$"):
            login._move(event)
        assert login.state is state


@pytest.mark.parametrize(
    (
        "state",
        "after_token",
        "after_bare",
        "after_other",
        "after_none",
        "after_response",
        "after_request",
    ),
    [
        # After NTLM with a token, NTLM, Basic, no challenge, another response, a new request.
        (State.IDLE, "NEGOTIATING", "NEGOTIATING", "COMPLETED", "GIVEN_UP", "IDLE", "IDLE"),
        (State.ANTICIPATED, "NEGOTIATING", "NEGOTIATING", "COMPLETED", "GIVEN_UP", "ACCEPTED", "ANTICIPATED"),
        (State.NEGOTIATING, "COMPLETED", "GIVEN_UP", "GIVEN_UP", "GIVEN_UP", "ACCEPTED", "IDLE"),
        (State.COMPLETED, "GIVEN_UP", "GIVEN_UP", "GIVEN_UP", "GIVEN_UP", "ACCEPTED", "IDLE"),
        (State.ACCEPTED, "NEGOTIATING", "NEGOTIATING", "COMPLETED", "GIVEN_UP", "ACCEPTED", "ACCEPTED"),
        (State.GIVEN_UP, "GIVEN_UP", "GIVEN_UP", "GIVEN_UP", "GIVEN_UP", "GIVEN_UP", "IDLE"),
    ],
)
def test_every_state_takes_every_response(
    state: State,
    after_token: str,
    after_bare: str,
    after_other: str,
    after_none: str,
    after_response: str,
    after_request: str,
) -> None:
    def after(act: Callable[[Login], object]) -> str:
        login = in_state(state, Bench())
        act(login)
        return login.state.name

    assert after(lambda login: login.on_challenge(section(["NTLM dG9rZW4="]), GET)) == after_token
    assert after(lambda login: login.on_challenge(section(["NTLM"]), GET)) == after_bare
    assert after(lambda login: login.on_challenge(section(["Basic realm=r"]), GET)) == after_other
    assert after(lambda login: login.on_challenge(section([]), GET)) == after_none
    assert after(lambda login: login.on_response(section())) == after_response
    assert after(lambda login: login.start(GET)) == after_request


@pytest.mark.parametrize(
    ("offers", "chosen"),
    [
        (["Basic realm=r", DIGEST, "NTLM", "Negotiate"], "Negotiate"),
        (["Basic realm=r, NTLM", DIGEST], "NTLM"),
        (["Basic realm=r", DIGEST], "Digest"),
        (["Basic realm=r"], "Basic"),
        (["Bearer", "Basic realm=r"], "Basic"),
        (['Digest broken="', "Basic realm=r"], "Digest"),
    ],
)
def test_the_strongest_scheme_is_chosen(offers: list[str], chosen: str, bench: Bench) -> None:
    header = bench.login().on_challenge(section(offers), GET)
    assert header == f"{chosen} alice 1"


@pytest.mark.parametrize(
    ("algorithms", "chosen"),
    [
        (["MD5", "SHA-256"], "Digest SHA-256"),
        (["MD5", "SHA-512-256", "SHA-256"], "Digest SHA-512-256"),
        (["MD5", "SHA-256-sess"], "Digest SHA-256-SESS"),
        (["MD5", "md5-sess"], "Digest MD5"),
        (["WHIRLPOOL", "MD5"], "Digest MD5"),
    ],
)
def test_the_strongest_digest_is_chosen(algorithms: list[str], chosen: str, bench: Bench) -> None:
    pytest.importorskip("hashlib").new("sha512_256")
    login = bench.login()
    login.on_challenge(section([f"{DIGEST}, algorithm={algorithm}" for algorithm in algorithms]), GET)
    assert login.report.entries == [(chosen, "sent")]


def test_the_source_is_asked_for_the_realm_where_there_is_one(bench: Bench) -> None:
    bench.unservable = dict.fromkeys(("Negotiate", "NTLM", "Digest"), "no")
    bench.login().on_challenge(section(["Negotiate", "NTLM realm=x", DIGEST, 'Basic realm="b"']), GET)
    assert bench.realms == [None, None, "r", "b"]


def test_a_scheme_may_have_a_source_of_its_own(bench: Bench) -> None:
    login = Login(Role.PROXY, PEER, {"basic": bench.source}, bench.schemes)
    assert login.on_challenge(section(["NTLM", "Basic realm=r"]), GET) == "Basic alice 1"
    assert ("NTLM", "not enabled") in login.report.entries


def test_a_handshake_goes_on_with_the_same_scheme(bench: Bench) -> None:
    login = bench.login()
    assert login.start(GET) is None
    assert login.on_challenge(section(["Negotiate", "NTLM"]), GET) == "Negotiate alice 1"
    assert (login.in_progress, login.awaits_challenge, login.binds_connection) == (False, True, True)
    assert login.on_challenge(section(["NTLM", "Negotiate", "Negotiate dG9r"]), GET) == "Negotiate alice 2"
    assert (login.in_progress, login.awaits_challenge) == (True, False)
    login.on_response(section(["Basic realm=x", "Negotiate bGFzdA=="]))
    assert (login.in_progress, login.awaits_challenge, login.binds_connection) == (False, False, True)
    assert bench.made[0].seen == [None, "dG9r"]
    assert bench.made[0].info == ["Negotiate bGFzdA=="]
    assert login.start(GET) is None
    assert str(login.report) == ""


def test_a_token_of_the_handshake_is_not_sent_after_its_connection_closed(bench: Bench) -> None:
    login = bench.login()
    assert login.on_challenge(section(["NTLM"]), GET, will_close=True) == "NTLM alice 1"  # fits any connection
    assert login.on_challenge(section(["NTLM dG9r"]), GET, will_close=True) is None
    assert str(login.report) == f"NTLM: {CUT_SHORT}"


@pytest.mark.parametrize("role", Role)
def test_a_login_learns_from_the_fields_of_its_own_role_only(role: Role, bench: Bench) -> None:
    other = Role.ORIGIN if role is Role.PROXY else Role.PROXY
    for headers, learned in (
        (section(info=['rspauth="x"'], role=role), 'rspauth="x"'),
        (section(info=['rspauth="x"'], role=other), None),
    ):
        login = Login(role, Peer(role, "site.example", 80), bench.source, bench.schemes)
        login.on_challenge(section([DIGEST], role=role), GET)
        login.on_response(headers)
        assert bench.made[-1].info == [learned]


def test_a_token_before_the_first_leg_is_not_handed_on(bench: Bench) -> None:
    assert bench.login().on_challenge(section(["NTLM dG9r"]), GET) == "NTLM alice 1"
    assert bench.made[0].seen == [None]


def test_a_scheme_may_begin_again_when_the_peer_does() -> None:
    class Twofold(Scripted):
        def step(self, challenge: Challenge, outgoing: Outgoing) -> str:
            self.sent += challenge.token is not None
            return f"try {challenge.token}"

    def load() -> Callable[[Credentials | None, Peer], Scheme]:
        return lambda credentials, peer: Twofold("Negotiate", 2, credentials)

    login = Login(Role.PROXY, PEER, lambda realm: ALICE, {"negotiate": Entry("Negotiate", False, False, load)})
    assert login.on_challenge(section(["Negotiate"]), GET) == "try None"
    assert login.on_challenge(section(["Negotiate"]), GET) == "try None"
    assert not login.in_progress  # the new beginning may be sent on a new connection


def test_a_response_without_a_challenge_ends_the_login_at_any_step(bench: Bench) -> None:
    login = bench.login()
    login.on_challenge(section(["NTLM"]), GET)
    login.on_response(section())
    assert login.state is State.ACCEPTED
    assert login.report.entries == [("NTLM", "accepted")]
    assert login.start(GET) is None


def test_one_refused_login_is_the_last(bench: Bench) -> None:
    login = bench.login()
    offers = ["NTLM", DIGEST, "Basic realm=r"]
    login.on_challenge(section(offers), GET)
    login.on_challenge(section(["NTLM dG9r"]), GET)
    assert login.on_challenge(section(offers), GET) is None
    assert str(login.report) == (
        "NTLM: the user name or password was refused\n"
        "Digest: not tried after a refused login\n"
        "Basic: not tried after a failed login, because it gives the password away"
    )
    assert login.on_challenge(section(offers), GET) is None
    assert len(bench.made) == 1


def test_basic_may_follow_a_failure_where_that_is_allowed(bench: Bench) -> None:
    login = bench.login(allow_basic_after_failure=True)
    offers = ["NTLM", DIGEST, "Basic realm=r"]
    login.on_challenge(section(offers), GET)
    login.on_challenge(section(["NTLM dG9r"]), GET)
    assert login.on_challenge(section(offers), GET) == "Basic alice 1"
    assert login.on_challenge(section(offers), GET) is None


@pytest.mark.parametrize("response", [["NTLM", DIGEST, "Basic realm=r"], [DIGEST, "Basic realm=r"]])
def test_a_handshake_that_breaks_off_is_followed_by_the_next_scheme(response: list[str], bench: Bench) -> None:
    login = bench.login()
    login.on_challenge(section(["NTLM"]), GET)
    assert login.on_challenge(section(response), GET) == "Digest alice 1"


def test_basic_does_not_follow_a_handshake_that_breaks_off(bench: Bench) -> None:
    login = bench.login()
    login.on_challenge(section(["NTLM", "Basic realm=r"]), GET)
    assert login.on_challenge(section(["NTLM", "Basic realm=r"]), GET) is None


def test_a_refused_ticket_does_not_stand_in_the_way_of_the_password(bench: Bench) -> None:
    bench.legs["Negotiate"] = 1
    sources = {"negotiate": lambda realm: None, "ntlm": bench.source}
    login = Login(Role.PROXY, PEER, sources, bench.schemes)
    assert login.on_challenge(section(["Negotiate", "NTLM"]), GET) == "Negotiate ticket 1"
    assert login.on_challenge(section(["Negotiate", "NTLM"]), GET) == "NTLM alice 1"


def test_a_scheme_that_cannot_serve_is_followed_by_the_next(bench: Bench) -> None:
    bench.unservable = {"Negotiate": "no ticket", "NTLM": "pyspnego is not installed"}
    login = bench.login()
    assert login.on_challenge(section(["Negotiate", "NTLM", "Basic realm=r"]), GET) == "Basic alice 1"
    login.on_response(section())
    assert login.report.entries == [
        ("Negotiate", "no ticket"),
        ("NTLM", "pyspnego is not installed"),
        ("Basic", "accepted"),
    ]


def test_without_credentials_the_report_says_so(bench: Bench) -> None:
    bench.user = None
    bench.unservable = {"Negotiate": "no ticket for HTTP@proxy.example"}
    login = bench.login()
    assert login.on_challenge(section(["Negotiate, NTLM", DIGEST, "Basic realm=r", "Bearer"]), GET) is None
    assert str(login.report).splitlines() == [
        "Negotiate: no ticket for HTTP@proxy.example",
        "NTLM: no user name given",
        "Digest: no user name given",
        "Basic: no user name given",
        "Bearer: not supported",
    ]


@pytest.mark.parametrize("values", [[], [""], ["@"], ['"']])
def test_a_malformed_challenge_is_reported(values: list[str], bench: Bench) -> None:
    login = bench.login()
    assert login.on_challenge(section(values), GET) is None
    assert str(login.report) == "Proxy-Authenticate: missing or malformed"


def test_a_refusal_without_a_challenge_is_a_refusal(bench: Bench) -> None:
    login = bench.login()
    login.on_challenge(section(["Basic realm=r"]), GET)
    assert login.on_challenge(section([]), GET) is None
    assert ("Basic", "the login was refused") in login.report.entries


def test_a_stale_nonce_is_not_a_refusal(bench: Bench) -> None:
    login = bench.login()
    assert login.on_challenge(section([DIGEST]), GET) == "Digest alice 1"
    assert login.on_challenge(section([STALE]), GET) == "Digest alice 2"
    login.on_response(section(info=['rspauth="x"']))
    assert len(bench.made) == 1
    assert bench.made[0].info == ['rspauth="x"']


def test_a_nonce_that_is_always_stale_comes_to_an_end(bench: Bench) -> None:
    login = bench.login()
    headers = [login.on_challenge(section([STALE]), GET) for _ in range(MOST_ROUNDS + 2)]
    assert headers[MOST_ROUNDS - 1 :] == [f"Digest alice {MOST_ROUNDS}", None, None]
    assert str(login.report) == "Digest: the login does not come to an end"


def test_a_wrong_proof_of_the_peer_is_no_login(bench: Bench) -> None:
    memory = LoginMemory()
    login = bench.login(memory)
    login.on_challenge(section([DIGEST]), GET)
    bench.made[0].wrong_proof = True
    login.on_response(section(info=['rspauth="x"']))
    assert login.state is State.GIVEN_UP
    assert str(login.report) == "Digest: the peer's proof is wrong"
    assert memory.recall(PEER) is None
    assert login.start(GET) is None


def test_a_wrong_proof_of_a_peer_of_negotiate_is_an_error(bench: Bench) -> None:
    memory = LoginMemory()
    login = bench.login(memory)
    login.on_challenge(section(["Negotiate"]), GET)
    bench.made[0].wrong_proof = True
    with pytest.raises(PeerUnproven, match="the peer's proof is wrong"):
        login.on_response(section(["Negotiate b29wcw=="]))
    assert login.state is State.GIVEN_UP
    assert memory.recall(PEER) is None


def test_a_password_that_was_refused_elsewhere_goes_to_nobody(bench: Bench) -> None:
    bench.unservable["Negotiate"] = PasswordRefused("Negotiate: the KDC refused the password")
    assert bench.login().on_challenge(section(["Negotiate", "NTLM", DIGEST, "Basic realm=r"]), GET) is None
    assert bench.made == []


def test_a_bound_connection_that_is_asked_again_logs_in_again(bench: Bench) -> None:
    login = in_state(State.ACCEPTED, bench)
    assert login.start(GET) is None
    assert login.on_challenge(section(["NTLM"]), GET) == "NTLM alice 1"
    assert len(bench.made) == 2


def test_a_login_that_failed_is_tried_again_with_the_next_request(bench: Bench) -> None:
    login = in_state(State.GIVEN_UP, bench)
    assert str(login.report) == "Unknown: not supported"
    assert login.start(GET) is None
    assert str(login.report) == ""
    assert login.on_challenge(section(["Basic realm=r"]), GET) == "Basic alice 1"


def test_nothing_secret_is_logged_or_reported(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "coda_network")
    memory = LoginMemory()
    login = Login(Role.PROXY, PEER, lambda realm: ALICE, memory=memory)
    header = login.on_challenge(section([DIGEST, "Basic realm=r"]), GET)
    assert header is not None
    response = header.partition('response="')[2].partition('"')[0]
    login.on_response(section())
    told = f"{caplog.text} {login.report} {login.report!r} {memory.recall(PEER)!r}"
    assert "PROXY proxy.example: Digest" in caplog.text
    assert not any(secret in told for secret in ("secret", response, header))


def test_importing_the_login_loads_no_scheme() -> None:
    program = (
        "import sys, coda_network._auth.login\n"
        "heavy = {'spnego', 'hashlib', 'ssl', 'cryptography', 'dataclasses', 'coda_network._auth.basic'}\n"
        "print(*heavy & sys.modules.keys(), end='')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("", "")
