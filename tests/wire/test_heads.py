"""Status lines and header lines: what is read, what is refused, and that it reads as in http.client."""

from __future__ import annotations

import email.errors
import http.client
import io
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._wire import heads

BAD_STATUS_LINES = [
    b"<html>\r\n",
    b"HTTP/1.1\r\n",
    b"HTTP/1.1 \r\n",
    b"HTTP/1.1 20\r\n",
    b"HTTP/1.1 099 low\r\n",
    b"HTTP/1.1 1000 high\r\n",
    b"HTTP/1.1 2_0 OK\r\n",
    b"HTTP/1.1 +20 OK\r\n",
    b"HTTP/1.1 -20 OK\r\n",
    b"HTTP/1.1 200OK\r\n",
    b"HTTP/1.1\xa0200 OK\r\n",
    b"HTTP/1.1 200 O\rK\r\n",
    b"HTTP/1.1 200 O\0K\r\n",
    b"http/1.1 200 OK\r\n",
    b" HTTP/1.1 200 OK\r\n",
    b"\r\n",
]


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (b"HTTP/1.1 200 OK\r\n", ("HTTP/1.1", 200, "OK")),
        (b"HTTP/1.0 404 Not Found\r\n", ("HTTP/1.0", 404, "Not Found")),
        (b"HTTP/1.1 999 odd\r\n", ("HTTP/1.1", 999, "odd")),
        (b"HTTP/1.1 200\r\n", ("HTTP/1.1", 200, "")),
        (b"HTTP/1.1 200 \r\n", ("HTTP/1.1", 200, "")),
        (b"HTTP/1.1  200  two  words \r\n", ("HTTP/1.1", 200, "two  words")),
        (b"HTTP/1.1 200 OK\n", ("HTTP/1.1", 200, "OK")),
        (b"HTTP/1.1 200 OK", ("HTTP/1.1", 200, "OK")),
        (b"HTTP/1.1 200 Gr\xfc\xdfe\r\n", ("HTTP/1.1", 200, "Gr\xfc\xdfe")),
    ],
)
def test_the_reason_of_a_status_line_may_be_missing(line, parts):
    assert heads.parse_status_line(line) == parts


@pytest.mark.parametrize("line", BAD_STATUS_LINES)
def test_a_malformed_status_line_is_refused_and_shown(line):
    with pytest.raises(http.client.BadStatusLine) as refused:
        heads.parse_status_line(line)
    assert refused.value.line == line.decode("latin-1")


@pytest.mark.parametrize(
    ("version", "number"),
    [("HTTP/1.1", 11), ("HTTP/1.0", 10), ("HTTP/0.9", 10), ("HTTP/1.2", 11), ("HTTP/1.10", 11)],
)
def test_later_minor_versions_count_as_http_1_1(version, number):
    assert heads.version_number(version) == number


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/2", "HTTP/", "HTTP/11"])
def test_another_major_version_is_refused(version):
    with pytest.raises(http.client.UnknownProtocol):
        heads.version_number(version)


@pytest.mark.parametrize(
    ("status", "interim"), [(100, True), (101, False), (102, True), (103, True), (199, True), (200, False), (99, False)]
)
def test_interim_responses_are_all_1xx_except_101(status, interim):
    assert heads.is_interim(status) is interim


@pytest.mark.parametrize("end", [b"\r\n", b"\n", b""])
def test_header_lines_are_read_up_to_the_empty_line_or_the_end_of_the_file(end):
    source = io.BytesIO(b"A: 1\r\nB: 2\r\n" + end + (b"surplus" if end else b""))
    assert heads.read_field_lines(source) == [b"A: 1\r\n", b"B: 2\r\n", end]
    assert source.read() == (b"surplus" if end else b"")


def test_a_header_line_may_be_as_long_as_in_http_client_and_no_longer():
    longest = b"A: " + b"x" * (http.client._MAXLINE - 5) + b"\r\n"
    assert heads.read_field_lines(io.BytesIO(longest + b"\r\n"))[0] == longest
    with pytest.raises(http.client.LineTooLong, match="header line"):
        heads.read_field_lines(io.BytesIO(b"x" + longest + b"\r\n"))


@pytest.mark.parametrize("end", [b"\r\n", b""], ids=["empty line", "end of the file"])
def test_a_head_may_have_as_many_lines_as_in_http_client_and_no_more(end):
    def outcome(read, number):
        source = io.BytesIO(b"A: 1\r\n" * number + end)
        try:
            lines = read(source)
        except http.client.HTTPException as error:
            return str(error), source.tell()
        return len([line for line in lines if line.strip()]), source.tell()

    numbers = range(98, 103)
    arguments = (None,) if sys.version_info >= (3, 15) else ()
    theirs = [outcome(lambda source: http.client._read_headers(source, *arguments), number) for number in numbers]
    assert [outcome(heads.read_field_lines, number) for number in numbers] == theirs
    assert theirs[0][0] == 98
    assert theirs[-1][0] == "got more than 100 headers"


@pytest.mark.parametrize("lines", [[b"A: 1\r\n", b"Content-Length: 1", b""], [b"A", b""], [b""], [b"A: 1\r\n", b""]])
def test_a_header_section_without_its_end_is_refused(lines):
    with pytest.raises(http.client.RemoteDisconnected, match="in the middle of the head"):
        heads.refuse_cut(lines)


@pytest.mark.parametrize("lines", [[b"\r\n"], [b"A: 1\r\n", b"\r\n"], [b"A: 1\n", b"\n"]])
def test_a_header_section_with_its_end_passes(lines):
    heads.refuse_cut(lines)


@pytest.mark.parametrize("line", [b"H", b"HTTP/", b"HTTP/1.1 200 O", b"HTTP/1.1 200 OK\r"])
def test_a_status_line_that_was_cut_is_refused(line):
    with pytest.raises(http.client.RemoteDisconnected, match="in the middle of the head"):
        heads.refuse_cut_status(line)


@pytest.mark.parametrize("line", [b"SSH-2.0-OpenSSH_9.2", b"<html>", b"HTTP 200", b"\x15\x03", b"HTTP/1.1 200 OK\n"])
def test_malformed_and_whole_status_lines_are_not_called_cut(line):
    heads.refuse_cut_status(line)


@pytest.mark.parametrize("fields", [b"A: 1\0\r\n\r\n", b"A\0: 1\r\n\r\n", b"A: 1\r\n\0\r\n\r\n"])
def test_nul_in_a_header_section_is_refused(fields):
    with pytest.raises(http.client.HTTPException, match="NUL in the header section"):
        heads.is_odd(fields)


ODD = [
    (b"A: 1\rB: 2\r\n\r\n", [("A", "1 B: 2")]),
    (b"A: 1\r\r\nB: 2\r\n\r\n", [("A", "1"), ("B", "2")]),
    (b"\rA: 1\r\n\r\n", [("A", "1")]),
    (b"Content-Length : 5\r\nB: 2\r\n\r\n", [("Content-Length", "5"), ("B", "2")]),
    (b"A: 1\r\nTransfer-Encoding\t: chunked\r\n\r\n", [("A", "1"), ("Transfer-Encoding", "chunked")]),
    (b"A B: 1\r\nC: 2\r\n\r\n", [("A B", "1"), ("C", "2")]),
    (b"A: 1\r\nno colon here\r\nB: 2\r\n\r\n", [("A", "1"), ("B", "2")]),
    (b"From somebody\r\nA: 1\r\n\r\n", [("A", "1")]),
]


@pytest.mark.parametrize(("fields", "items"), ODD)
def test_lines_that_parsers_read_differently_are_read_one_by_one_and_reported(fields, items):
    assert heads.is_odd(fields)
    assert heads.parse_fields(fields).items() == items


@pytest.mark.parametrize(
    ("fields", "items"),
    [
        (b"A:1\r\nA: 2\r\na:  3 \t\r\n\r\n", [("A", "1"), ("A", "2"), ("a", "3")]),
        (b"N\xe4me: 1\r\nA: 2\r\n\r\n", [("N\xe4me", "1"), ("A", "2")]),
        (b"X\x01: 1\r\nA: 2\r\n\r\n", [("X\x01", "1"), ("A", "2")]),
        (b": no name\r\nA: 1\r\n\r\n", [("A", "1")]),
        (b" folded first: x\r\nA: 1\r\n\r\n", [("A", "1")]),
        (b"A: 1 \r\n \t\r\nB: 2\r\n\r\n", [("A", "1"), ("B", "2")]),
    ],
)
def test_no_odd_line_hides_the_fields_behind_it(fields, items):
    assert not heads.is_odd(fields)
    assert heads.parse_fields(fields).items() == items


@pytest.mark.parametrize(
    ("line", "defect"),
    [
        ("no colon here", email.errors.MissingHeaderBodySeparatorDefect),
        (": no name", email.errors.InvalidHeaderDefect),
        (":", email.errors.InvalidHeaderDefect),
    ],
)
def test_a_line_that_is_no_field_is_a_defect_and_part_of_the_payload(line, defect):
    """As in the standard library; urllib3 looks there, and warns."""
    message = heads.parse_fields(f"A: 1\r\n{line}\r\nB: 2\r\n\r\n".encode())
    assert [type(found) for found in message.defects] == [defect]
    assert message.get_payload() == f"{line}\r\n"
    assert message.items() == [("A", "1"), ("B", "2")]


@pytest.mark.parametrize(
    "fields",
    [
        b"\r\n",
        b"A: 1\r\n\r\n",
        b"A:\r\n\r\n",
        b"A: b : c\r\n\r\n",
        b"A: 1\r\n x : y\r\n\r\n",
        b"A: 1\n\n",
    ],
)
def test_other_header_sections_are_not_odd(fields):
    assert not heads.is_odd(fields)


HEADS = [
    b"\r\n",
    b"A: 1\r\n\r\n",
    b"A:1\r\nA: 2\r\na:  3\r\n\r\n",
    b"A:\r\nB: \r\n\r\n",
    b"Folded: one\r\n two\r\n\tthree\r\nB: 2\r\n\r\n",
    b"A: 1\nB: 2\n\n",
    b"A: Gr\xfc\xdfe\xff\r\n\r\n",
    b"A: \x0b\x0c\x1c\x1d\x1e\x85x\r\nB: 1\r\n\r\n",
    b"Content-Type: multipart/mixed; boundary=x\r\n\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: MESSAGE/delivery-status\r\n\r\n",
    b"Content-Type: text/plain; charset=x\r\n\r\n",
    b"A: 1\r\n",
    b"",
]


def as_text(message: http.client.HTTPMessage) -> object:
    """The message as it is printed; Python 3.13 refuses to print some that it has read."""
    try:
        return message.as_string()
    except Exception as error:
        return type(error)


def as_seen(message: http.client.HTTPMessage) -> dict[str, object]:
    """Everything that a program can find in a message."""
    return {
        "class": type(message),
        "items": message.items(),
        "raw": list(message.raw_items()),
        "text": as_text(message),
        "payload": repr(message.get_payload()) if not message.is_multipart() else len(message.get_payload()),
        "type": message.get_content_type(),
        "charset": message.get_content_charset(),
        "defects": [type(defect) for defect in message.defects],
        "envelope": message.get_unixfrom(),
    }


@pytest.mark.parametrize("fields", HEADS)
def test_header_sections_are_parsed_as_by_http_client(fields):
    theirs = http.client.parse_headers(io.BytesIO(fields))
    assert as_seen(heads.parse_fields(fields)) == as_seen(theirs)


names = st.text("!#$%&'*+-.^_`|~09AZaz", min_size=1, max_size=8)
values = st.text(st.characters(max_codepoint=255, exclude_characters="\0\r\n"), max_size=12)
line_ends = st.sampled_from(["\r\n", "\r\n ", "\r\n\t", "\n"])


@given(st.lists(st.tuples(names, values, line_ends), max_size=8))
def test_any_header_section_is_parsed_as_by_http_client_field_by_field(fields):
    head = "".join(f"{name}:{value}{end}" for name, value, end in fields).encode("latin-1") + b"\r\n"
    theirs = [(name, value.strip(" \t\r\n")) for name, value in http.client.parse_headers(io.BytesIO(head)).raw_items()]
    assert list(heads.parse_fields(head).raw_items()) == theirs


@given(st.lists(st.tuples(names, values), max_size=8))
def test_fields_are_read_as_they_were_sent(fields):
    head = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1") + b"\r\n"
    heads.is_odd(head)
    assert heads.parse_fields(head).items() == [(name, value.strip(" \t")) for name, value in fields]


@given(st.binary(max_size=200))
def test_junk_raises_nothing_but_http_exceptions(junk):
    try:
        heads.parse_status_line(junk)
    except http.client.HTTPException:
        pass
    source = io.BytesIO(junk)
    fields = b"".join(heads.read_field_lines(source))
    try:
        heads.is_odd(fields)
    except http.client.HTTPException:
        return
    heads.parse_fields(fields)


PIECES = st.sampled_from([b"\r\n", b"\r", b"\n", b":", b"a", b" ", b"\t", b"\0", b"a:", b"a: b\r\n"])


@given(st.lists(PIECES, max_size=12), st.sampled_from([b"", b"\r\n", b"\r\n\r\n"]))
def test_an_ordinary_section_is_told_by_its_shape(pieces: list[bytes], end: bytes) -> None:
    fields = b"".join(pieces) + end
    by_all_bytes = re.fullmatch(rb"(?:[^\0\r\n\t :]*:[^\0\r\n]*\r\n)*\r\n", fields) is not None
    assert heads.is_plain(fields) is by_all_bytes
