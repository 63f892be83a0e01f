"""Odd responses, in three deliveries, against http.client and h11: each difference has a row, or is a failure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest
from support.odd_responses import odd_response
from support.readers import Result, ours, read_by_h11, stdlib

SCALES = [pytest.param(600, id="short"), pytest.param(10000, id="all", marks=pytest.mark.soak)]
PIECES = (1 << 20, 7, 1)

HEAD = re.compile(rb"(?:HTTP/1\.[01] 1[0-9]{2}.*?\r?\n\r?\n)*.*?\r*\n(?:\r*\n|.*?\n\r*\n|.*)", re.DOTALL)
PLAIN_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\0]*").fullmatch


def head_of(data: bytes) -> bytes:
    found = HEAD.match(data)
    return found[0] if found else data


def has_odd_line(data: bytes, ours: Result, theirs: Result) -> bool:
    lines = re.split(rb"\r*\n", head_of(data))
    fields = [line for line in lines if line and not line.startswith((b"HTTP/", b"http/"))]
    return not all(PLAIN_FIELD(line) or line[:1] in b" \t" for line in fields) or any(
        line[:1] in b" \t" for line in fields[:1]
    )


def lengths(data: bytes) -> list[bytes]:
    return re.findall(rb"(?i)content-length *:[ \t]*([^\r\n]*)", data)


def has_odd_lengths(data: bytes) -> bool:
    found = lengths(data)
    is_folded = re.search(rb"(?i)content-length[^\r\n]*\r\n[ \t]", data) is not None
    return is_folded or len(set(found)) > 1 or not all(each.isdigit() for each in found)


def codings(data: bytes) -> bytes:
    return b",".join(re.findall(rb"(?i)transfer-encoding *:[ \t]*([^\r\n]*)", data)).lower().replace(b" ", b"")


Row = Callable[[bytes, Result, Result], bool]

# By the first cell of their row in docs/differences.md.
ROWS: dict[str, Row] = {
    "A head that ends before its empty line": lambda data, ours, theirs: ours.status == "RemoteDisconnected",
    "102 and 103": lambda data, ours, theirs: theirs.status == 103 or b" 103 " in data[:60],
    "An odd header line in a response": has_odd_line,
    "Malformed lengths": lambda data, ours, theirs: has_odd_lengths(data),
    "204 or 304 with chunked": lambda data, ours, theirs: ours.status in (204, 304) and b"chunked" in codings(data),
    "`Transfer-Encoding` that names chunked twice": lambda data, ours, theirs: (
        codings(data).count(b"chunked") > 1 or b"identity" in codings(data)
    ),
    "`Transfer-Encoding` with chunked before another coding": lambda data, ours, theirs: b"chunked," in codings(data),
    "`Transfer-Encoding` with a coding before chunked": lambda data, ours, theirs: b",chunked" in codings(data),
    "White space before a chunk size": lambda data, ours, theirs: (
        re.search(rb"\n[ \t]+[0-9a-f]+\r\n", data) is not None
    ),
    "LF, or CR CR LF, for CR LF in chunk framing": lambda data, ours, theirs: (
        b"chunked" in codings(data) and re.search(rb"[0-9a-z](?:\n|\r\r\n|\r[^\n])", data) is not None
    ),
    "NUL in a head": lambda data, ours, theirs: b"\0" in data,
    "A bare CR or NUL in a status line": lambda data, ours, theirs: (
        ours.status == "BadStatusLine" and re.search(rb"HTTP/1[^\n]*(?:\r[^\r\n]|\0)", data) is not None
    ),
    "The end of a chunk": lambda data, ours, theirs: ours.status == "BrokenBody",
}
# h11 is a parser for both sides and stricter than clients are: where it refuses, we may read.
H11_REFUSES = re.compile(
    r"illegal|conflicting|bad |multiple|Only|continuation|malformed|unexpectedly|unsupported|NeedData|ConnectionClosed|"
    r"Expected|Receive buffer|can't handle|no request|peer"
)


def explained(data: bytes, mine: Result, theirs: Result) -> str | None:
    return next((name for name, applies in ROWS.items() if applies(data, mine, theirs)), None)


@pytest.mark.parametrize("number", SCALES)
def test_each_difference_has_a_row(number, record_property):
    rows: Counter[str] = Counter()
    wrong = []
    for seed in range(number):
        data, names = odd_response(seed)
        results = [ours(data, most) for most in PIECES]
        if len(set(results)) > 1:
            wrong.append(f"{seed} {names}: depends on the delivery: {data!r}: {results}")
        mine = results[0]
        for reader, theirs in (("http.client", stdlib(data)), ("h11", read_by_h11(data))):
            if mine == theirs or (mine.is_error and theirs.is_error):
                continue
            row = explained(data, mine, theirs)
            if row is None and reader == "h11" and theirs.is_error and H11_REFUSES.match(str(theirs.status)):
                row = "stricter"
            if row is None and reader == "h11" and mine.status == "UnknownProtocol":
                row = "HTTP/2.0 in a status line"
            if row is None:
                wrong.append(f"{seed} {names}, {reader}: {data!r}: {mine} {theirs}")
            else:
                rows[f"{reader}: {row}"] += 1
    for row, count in rows.most_common():
        print(f"{count:5} {row}")
    record_property("responses", number)
    record_property("differences", dict(rows))
    assert wrong == []
    assert rows
