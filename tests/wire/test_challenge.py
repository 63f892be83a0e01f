"""Challenges are taken apart as RFC 9110 section 11.6.1 says, and what servers get wrong is skipped."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._wire.challenge import MOST_CHALLENGES, Challenge, parse_challenges

TYPE_2 = "TlRMTVNTUAACAAAADAAMADAAAAA+/w=="


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Negotiate", [Challenge("negotiate")]),
        ("NTLM ", [Challenge("ntlm")]),
        (f"NTLM {TYPE_2}", [Challenge("ntlm", TYPE_2)]),
        (f"NTLM {TYPE_2}, Negotiate", [Challenge("ntlm", TYPE_2), Challenge("negotiate")]),
        (f"Negotiate,NTLM {TYPE_2}\t,", [Challenge("negotiate"), Challenge("ntlm", TYPE_2)]),
        ("Basic realm=simple", [Challenge("basic", None, {"realm": "simple"})]),
        ('bAsIc ReAlM="a, b"', [Challenge("basic", None, {"realm": "a, b"})]),
        (r'Basic realm="say \"hi\" \\ there"', [Challenge("basic", None, {"realm": r'say "hi" \ there'})]),
        ('Basic realm=""', [Challenge("basic", None, {"realm": ""})]),
        (
            'Basic realm = \t"a" , charset =UTF-8',
            [Challenge("basic", None, {"realm": "a", "charset": "UTF-8"})],
        ),
        ('Basic realm="a",realm="b"', [Challenge("basic", None, {"realm": "a"})]),
        (
            'Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256, Basic realm="r"',
            [
                Challenge(
                    "digest",
                    None,
                    {"realm": "r", "nonce": "n", "qop": "auth,auth-int", "algorithm": "SHA-256"},
                ),
                Challenge("basic", None, {"realm": "r"}),
            ],
        ),
        (
            'Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
            [
                Challenge("newauth", None, {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
                Challenge("basic", None, {"realm": "simple"}),
            ],
        ),
        (
            ' , ,Basic realm="a",, , Negotiate,',
            [Challenge("basic", None, {"realm": "a"}), Challenge("negotiate")],
        ),
        (
            'Basic realm="folded\r\n here",\r\n\tNTLM',
            [Challenge("basic", None, {"realm": "folded\r\n here"}), Challenge("ntlm")],
        ),
        ('Basic\trealm="tab"', [Challenge("basic", None, {"realm": "tab"})]),
        ('Basic realm="caf\xe9"', [Challenge("basic", None, {"realm": "caf\xe9"})]),
        ("", []),
        (" ,\t, ", []),
    ],
)
def test_well_formed_lines_are_read(line: str, expected: list[Challenge]) -> None:
    assert parse_challenges([line]) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # Missing quotes around what is no token, and missing commas between parameters.
        (
            "Digest nonce=bm9uY2U=, qop=auth",
            [Challenge("digest", None, {"nonce": "bm9uY2U=", "qop": "auth"})],
        ),
        ('Digest realm="r" nonce="n"', [Challenge("digest", None, {"realm": "r", "nonce": "n"})]),
        # Realms in single quotes, as bare words, and empty.
        ("Basic realm=my proxy, NTLM", [Challenge("basic", None, {"realm": "my proxy"}), Challenge("ntlm")]),
        ("Basic realm=my own proxy", [Challenge("basic", None, {"realm": "my own proxy"})]),
        (
            "NTLM, Basic realm=Web Server: a;b ",
            [Challenge("ntlm"), Challenge("basic", None, {"realm": "Web Server: a;b"})],
        ),
        ('Basic realm=my proxy charset="UTF-8"', [Challenge("basic", None, {"realm": "my proxy", "charset": "UTF-8"})]),
        ("Basic realm=, charset=x", [Challenge("basic", None, {"realm": "", "charset": "x"})]),
        ("Basic realm=", [Challenge("basic", None, {"realm": ""})]),
        ("Basic realm= , NTLM", [Challenge("basic", None, {"realm": ""}), Challenge("ntlm")]),
        ("Basic realm=''", [Challenge("basic", None, {"realm": ""})]),
        ("Basic realm='my realm'", [Challenge("basic", None, {"realm": "my realm"})]),
        ("Basic realm='a, b', NTLM", [Challenge("basic", None, {"realm": "a, b"}), Challenge("ntlm")]),
        ("Basic realm='it's mine', NTLM", [Challenge("basic", None, {"realm": "'it's mine'"}), Challenge("ntlm")]),
        ("Basic realm='open, NTLM", [Challenge("basic", None, {"realm": "'open"}), Challenge("ntlm")]),
        ("Digest realm='r', nonce='n'", [Challenge("digest", None, {"realm": "r", "nonce": "n"})]),
        # What follows something unreadable belongs to nobody until the next scheme.
        (
            'Basic realm="a", @, charset="UTF-8", NTLM',
            [Challenge("basic", None, {"realm": "a"}), Challenge("ntlm")],
        ),
        ('Basic @realm="a,b", Negotiate', [Challenge("basic"), Challenge("negotiate")]),
        (f'NTLM {TYPE_2}, realm="a", Basic', [Challenge("ntlm", TYPE_2), Challenge("basic")]),
        ("NTLM abc def, Basic", [Challenge("ntlm"), Challenge("basic")]),
        ('realm="a", NTLM', [Challenge("ntlm")]),
        ('"Basic", NTLM', [Challenge("ntlm")]),
        ("=, NTLM", [Challenge("ntlm")]),
        ("B@sic realm=x, NTLM", [Challenge("ntlm")]),
        # A quote that is never closed ends the line.
        ('NTLM, Basic realm="a, Negotiate', [Challenge("ntlm"), Challenge("basic")]),
        ('NTLM, "Basic, Negotiate', [Challenge("ntlm")]),
        ('Basic realm="a\\', [Challenge("basic")]),
        ("\x00, NTLM", [Challenge("ntlm")]),
    ],
)
def test_malformed_challenges_are_skipped(line: str, expected: list[Challenge]) -> None:
    assert parse_challenges([line]) == expected


def test_several_lines_are_read_in_their_order() -> None:
    lines = ["Negotiate", 'Digest realm="a', 'Basic realm="r", NTLM']
    assert [challenge.scheme for challenge in parse_challenges(lines)] == [
        "negotiate",
        "digest",
        "basic",
        "ntlm",
    ]


def test_without_lines_there_are_no_challenges() -> None:
    assert parse_challenges([]) == []


@pytest.mark.parametrize(
    "junk",
    [
        "=" * 65536,
        "a" * 65536,
        " " * 65536,
        "a " * 32768,
        "a=" * 32768,
        '"' * 65536,
        '\\"' * 32768,
        'a="' * 21845,
        'a="\\' * 16384,
        "a =" * 21845,
        "a='" * 21845,
        "realm='," * 8192,
        "realm=a b" * 7000,
        "realm=" + " a" * 32000,
        "realm=" + "a " * 32000,
        "realm=" + " " * 65000,
        " ," * 32768,
        "NTLM " + "A" * 65536 + "@",
        "NTLM " + "=" * 65536,
    ],
    ids=lambda junk: repr(junk[:8]),
)
def test_long_junk_is_read_to_its_end(junk: str) -> None:
    *_, last = parse_challenges([junk, "NTLM"])
    assert last == Challenge("ntlm")


@pytest.mark.parametrize("line", [f'Digest realm="a\\"b", nonce=n=, Basic realm="r", NTLM {TYPE_2}'])
def test_every_beginning_and_every_end_of_a_line_can_be_read(line: str) -> None:
    for cut in range(len(line)):
        assert len(parse_challenges([line[:cut]])) <= 3
        assert len(parse_challenges([line[cut:]])) <= 3


@given(st.lists(st.text(alphabet=string.printable + "\x00\x7f\xe9", max_size=80), max_size=3))
def test_no_text_raises(lines: list[str]) -> None:
    for challenge in parse_challenges(lines):
        assert challenge.scheme == challenge.scheme.lower() != ""
        assert challenge.token is None or not challenge.params


TOKEN = st.text(alphabet=string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~", min_size=1, max_size=8)
TOKEN68 = st.from_regex(r"\A[A-Za-z0-9\-._~+/]{1,20}={0,2}\Z")
VALUE = st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f"), max_size=12)
PARAMS = st.dictionaries(TOKEN.map(str.lower), VALUE, min_size=1, max_size=4)
CHALLENGE = st.one_of(
    st.builds(Challenge, TOKEN.map(str.lower), st.none(), st.just({})),
    st.builds(Challenge, TOKEN.map(str.lower), TOKEN68, st.just({})),
    st.builds(Challenge, TOKEN.map(str.lower), st.none(), PARAMS),
)
COMMA = st.sampled_from([",", ", ", " ,", " , ,\t"])
EQUALS = st.sampled_from(["=", " =", "= ", "\t= "])


@given(st.data(), st.lists(CHALLENGE, max_size=5))
def test_any_challenges_that_are_written_are_read_back(data: st.DataObject, challenges: list[Challenge]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def written(challenge: Challenge) -> str:
        params = [name + data.draw(EQUALS) + quoted(value) for name, value in challenge.params.items()]
        line = " ".join(filter(None, [challenge.scheme, challenge.token]))
        for number, param in enumerate(params):
            line += (data.draw(COMMA) if number else " ") + param
        return line

    line = ""
    for number, challenge in enumerate(challenges):
        line += (data.draw(COMMA) if number else "") + written(challenge)
    assert parse_challenges([line]) == challenges


@pytest.mark.parametrize("line", ["a," * 32000, "Basic realm=x, " * 4000, 'Digest a="b", c' * 4000])
def test_of_a_flood_of_challenges_only_the_first_are_read(line: str) -> None:
    assert len(parse_challenges([line] * 97)) <= MOST_CHALLENGES


def test_a_token_as_long_as_a_line_is_read_whole() -> None:
    token = "A" * 65000
    assert parse_challenges([f"Negotiate {token}"])[0].token == token
