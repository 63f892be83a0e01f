"""A login beside a header of the program's own, and what the opener asks a login before it sends a body."""

from __future__ import annotations

import base64

import pytest
from support.scripted_login import ALICE, DIGEST, GET, Bench, section

from coda_network._auth.credentials import Credentials
from coda_network._auth.memory import LoginMemory

BOB = Credentials("bob", "secret")
BASIC = 'Basic realm="r"'


def basic(credentials: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{credentials.username}:{credentials.password}".encode()).decode()


def test_a_given_header_goes_out_first() -> None:
    login = Bench().login()
    login.preset_header = basic(ALICE)
    assert login.start(GET) == basic(ALICE)
    login.on_response(section())
    assert login.start(GET) == basic(ALICE)


def test_a_given_header_gives_way_to_what_was_accepted_for_its_user() -> None:
    login = Bench().login()
    login.preset_header = "Bearer token"
    assert login.start(GET) == "Bearer token"
    assert login.on_challenge(section([DIGEST]), GET) == "Digest alice 1"
    login.on_response(section())
    assert login.start(GET) == "Bearer token"
    login.on_response(section())
    login.preset_header = basic(ALICE)
    assert login.start(GET) == basic(ALICE)
    assert login.on_challenge(section([DIGEST]), GET) == "Digest alice 1"
    login.on_response(section())
    assert login.start(GET) == "Digest alice again"


def test_a_given_header_of_somebody_else_is_not_replaced() -> None:
    memory = LoginMemory()
    first = Bench().login(memory)
    first.start(GET)
    first.on_challenge(section([DIGEST]), GET)
    first.on_response(section())
    other = Bench().login(memory)
    other.preset_header = basic(BOB)
    assert other.start(GET) == basic(BOB)


def test_a_connection_that_is_logged_in_needs_no_given_header() -> None:
    login = Bench().login()
    login.preset_header = basic(ALICE)
    assert login.start(GET) == basic(ALICE)
    assert login.on_challenge(section(["NTLM"]), GET) == "NTLM alice 1"
    assert login.on_challenge(section(["NTLM dG9rZW4="]), GET) == "NTLM alice 2"
    login.on_response(section())
    assert login.start(GET) is None


def test_a_given_header_that_is_refused_is_judged() -> None:
    login = Bench().login()
    login.preset_header = basic(ALICE)
    login.start(GET)
    assert login.on_challenge(section([BASIC, DIGEST]), GET) is None
    assert login.failed
    assert "Basic: the user name or password was refused" in str(login.report)


@pytest.mark.parametrize(
    ("offer", "expected"), [([BASIC], False), ([DIGEST], True), (["NTLM", "NTLM dG9rZW4="], False)], ids=str
)
def test_whether_a_login_may_be_challenged(offer: list[str], expected: bool) -> None:
    # The name of the scheme as a challenge has it decides, so that Basic alone is known to last.
    login = Bench().login()
    assert login.may_be_challenged
    login.start(GET)
    for challenge in offer:
        login.on_challenge(section([challenge]), GET)
    login.on_response(section())
    assert login.is_untried == login.binds_connection
    assert login.may_be_challenged == (expected or login.is_untried)
    login.start(GET)
    login.on_response(section())
    assert login.may_be_challenged == expected
    bench_of_another = Bench()
    bench_of_another.user = BOB
    login.credentials = bench_of_another.source
    assert login.may_be_challenged


def test_whose_a_connection_is() -> None:
    bench = Bench()
    login = bench.login()
    login.start(GET)
    login.on_challenge(section([DIGEST]), GET)
    login.on_response(section())
    bench.user = BOB
    assert login.is_still_for_its_user()
    assert not login.is_still_for_its_user(bound=True)
    bench.user = ALICE
    assert login.is_still_for_its_user(bound=True)


def test_a_header_that_was_not_sent_is_taken_back() -> None:
    login = Bench().login()
    login.withdraw("nothing was begun")
    assert str(login.report) == ""
    login.start(GET)
    assert login.on_challenge(section([DIGEST]), GET)
    login.withdraw("not sent")
    assert str(login.report) == "Digest: not sent"
    assert login.start(GET) is None


def test_a_memory_of_nothing_is_false() -> None:
    memory = LoginMemory()
    assert not memory
    login = Bench().login(memory)
    login.start(GET)
    login.on_challenge(section([DIGEST]), GET)
    login.on_response(section())
    assert memory
