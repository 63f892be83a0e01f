"""Where a body ends, and whether the connection persists (RFC 9112 sections 6.3, 7.1 and 9.3)."""

from __future__ import annotations

import http.client
import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._wire import framing


def fields(*lines: str) -> http.client.HTTPMessage:
    return http.client.parse_headers(io.BytesIO("".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"))


def frame(*lines: str, version: int = 11, status: int = 200, method: str = "GET") -> tuple[int | None, bool, bool]:
    return tuple(framing.body_framing(fields(*lines), version, status, method))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["Content-Length: 5"], (5, False, False)),
        (["content-length:5"], (5, False, False)),
        (["Content-Length: 0"], (0, False, False)),
        (["Content-Length: 00000000000000000000000005"], (5, False, False)),
        (["Content-Length: 1000000000000000000"], (10**18, False, False)),
        (["Content-Length: 18446744073709551616"], (sys.maxsize, False, False)),  # nobody reads to its end
        (["Content-Length: 5, 5"], (5, False, False)),
        (["Content-Length: 5", "Content-Length: 5"], (5, False, False)),
        (["Content-Length:\r\n 5"], (5, False, False)),
        (["Content-Length: -5"], (None, False, True)),  # counts as absent, as in http.client
        (["Content-Length:"], (None, False, True)),
        ([], (None, False, True)),
        (["Transfer-Encoding: chunked"], (None, True, False)),
        (["Transfer-Encoding: CHUNKED"], (None, True, False)),
        (["Transfer-Encoding:\r\n chunked"], (None, True, False)),
        (["Transfer-Encoding: gzip, chunked"], (None, True, False)),
        (["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"], (None, True, False)),
        (["Transfer-Encoding: chunked", "Content-Length: 5"], (None, True, True)),
        (["Transfer-Encoding: identity", "Content-Length: 5"], (5, False, False)),
        (["Content-Length: 5", "Content-Length: 05"], (5, False, False)),
        (["Content-Length: 00, 0"], (0, False, False)),
        # An unknown coding: a length counts, and without one the end of the connection.
        (["Transfer-Encoding: gzip", "Content-Length: 5"], (5, False, True)),
        (["Transfer-Encoding: binary", "Content-Length: 5"], (5, False, True)),
        (["Transfer-Encoding: xchunked"], (None, False, True)),
        # Said twice, and done once; identity is no coding.
        (["Transfer-Encoding: chunked, chunked"], (None, True, True)),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], (None, True, True)),
    ],
)
def test_the_body_has_the_length_that_the_fields_say(lines, expected):
    assert frame(*lines) == expected


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: +5"],
        ["Content-Length: 5_0"],
        ["Content-Length: 0x5"],
        ["Content-Length: 5.0"],
        ["Content-Length: 5 5"],
        ["Content-Length: 5;"],
        ["Content-Length: --5"],
        ["Content-Length: -"],
        ["Content-Length: five"],
        ["Content-Length: \xb2"],
        ["Content-Length: 5, 6"],
        ["Content-Length: 5, +5"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Content-Length: -5"],
        ["Content-Length: 999999999999999999999"],
        ["Content-Length: " + "9" * 5000],
        ["Transfer-Encoding: chunked, gzip"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked, br"],
    ],
)
def test_contradicting_or_malformed_lengths_are_refused(lines):
    with pytest.raises(http.client.HTTPException):
        frame(*lines)


@pytest.mark.parametrize(
    ("status", "method"), [(200, "HEAD"), (204, "GET"), (304, "GET"), (101, "GET"), (404, "HEAD"), (304, "HEAD")]
)
@pytest.mark.parametrize("line", ["Content-Length: 5", "Transfer-Encoding: chunked", "X: y", "Content-Length: 5, 6"])
def test_some_responses_have_no_body_whatever_their_fields_say(status, method, line):
    assert frame(line, status=status, method=method) == (0, False, False)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
@pytest.mark.parametrize("line", ["Content-Length: 5", "Transfer-Encoding: chunked", "X: y", "Connection: close"])
def test_the_tunnel_begins_behind_an_accepted_connect_whatever_the_fields_say(status, line):
    assert frame(line, status=status, method="CONNECT") == (0, False, line == "Connection: close" and status == 204)


def test_a_refused_connect_has_a_body_like_any_other_response():
    assert frame("Content-Length: 5", status=407, method="CONNECT") == (5, False, False)


@pytest.mark.parametrize(
    ("version", "lines", "persistent"),
    [
        (11, [], True),
        (11, ["Connection: close"], False),
        (11, ["Connection: Close"], False),
        (11, ["Connection: keep-alive, CLOSE"], False),
        (11, ["Connection: x", "Connection: close"], False),
        (11, ["Connection: disclosed"], True),
        (11, ["Connection: upgrade"], True),
        (10, [], False),
        (10, ["Connection: keep-alive"], True),
        (10, ["Connection: Keep-Alive"], True),
        (10, ["Proxy-Connection: keep-alive"], True),
        (10, ["Keep-Alive: timeout=5"], True),
        (10, ["Connection: keep-alive, close"], False),
        (10, ["Connection: upgrade"], False),
    ],
)
def test_version_and_fields_say_whether_the_connection_persists(version, lines, persistent):
    assert framing.is_persistent(fields(*lines), version) is persistent
    assert frame("Content-Length: 1", *lines, version=version) == (1, False, not persistent)


def test_chunks_from_an_http_1_0_peer_end_the_connection():
    assert frame("Transfer-Encoding: chunked", "Connection: keep-alive", version=10) == (None, True, True)


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (b"5\r\n", 5),
        (b"0\r\n", 0),
        (b"000\r\n", 0),
        (b"aF\r\n", 0xAF),
        (b"00000000000000000000005\r\n", 5),
        (b"5 \t \r\n", 5),
        (b"5;name=value\r\n", 5),
        (b'5 ; name="a;b" \r\n', 5),
        (b"FFFFFFFFFFFFFFF\r\n", 2**60 - 1),
    ],
)
def test_the_size_of_a_chunk_is_read(line, size):
    assert framing.chunk_size(line) == size


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\r\n", b"5", b"5\r", b"5\n\n", b"-5\r\n", b"+5\r\n", b"0x5\r\n", b"5_0\r\n", b" 5\r\n", b"5 5\r\n",
        b"g\r\n", b"5,\r\n", b"5;a\rb\r\n", b";a\r\n", b"5.0\r\n", b"FFFFFFFFFFFFFFFF\r\n", b"\xb2\r\n", b"5;\n",
    ],
)  # fmt: skip
def test_a_malformed_chunk_size_is_refused(line):
    with pytest.raises(ValueError):
        framing.chunk_size(line)


@given(st.binary(max_size=30))
def test_any_chunk_line_gives_a_number_or_a_value_error(junk):
    try:
        assert 0 <= framing.chunk_size(junk) < 2**60
    except ValueError:
        pass


junk_value = st.one_of(
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=20),
    st.sampled_from(["chunked", "5", "gzip, chunked", "close", "keep-alive", "5, 5", "+5"]),
)
junk_name = st.sampled_from(["Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection"])


@given(st.lists(st.tuples(junk_name, junk_value), max_size=4), st.sampled_from([10, 11]))
def test_any_header_section_is_framed_safely_or_refused(lines, version):
    try:
        length, chunked, will_close = frame(*(f"{name}: {value}" for name, value in lines), version=version)
    except http.client.HTTPException:
        return
    assert length is None or (length >= 0 and not chunked)
    # What has no end of its own ends with its connection.
    assert will_close or chunked or length is not None


@pytest.mark.parametrize(
    ("lines", "limits"),
    [
        ([], (None, None)),
        (["Keep-Alive: timeout=5, max=100"], (5, 100)),
        (["Keep-Alive: TIMEOUT=5"], (5, None)),
        (["Keep-Alive: max=0"], (None, 0)),
        (["Keep-Alive: timeout=-5, max=five, =3, x"], (None, None)),
        (["Keep-Alive: timeout=99999999999999"], (None, None)),
    ],
)
def test_the_limits_in_keep_alive_are_read(lines, limits):
    assert framing.keep_alive_limits(fields(*lines)) == limits
