"""The short way of a request gives http.client's bytes, or leaves the request to the long way."""

from __future__ import annotations

import http.client
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coda_network._wire.fast_request import Composer


def host() -> str:
    return "example.org:8080"


def compose(method: str, target: str, ask: Callable[[], str | None], body: bytes | None, headers: Any) -> bytes | None:
    return Composer().compose(method, target, ask, body, headers)


class Recorder:
    """A socket that keeps what is sent."""

    def __init__(self) -> None:
        self.data = b""

    def sendall(self, data: bytes) -> None:
        self.data += data

    def close(self) -> None:
        pass


def as_http_client_sends(method: str, target: str, body: bytes | None, headers: dict[str, str]) -> bytes:
    connection = http.client.HTTPConnection("example.org", 8080)
    connection.sock = Recorder()
    connection.request(method, target, body, headers)
    return connection.sock.data


@pytest.mark.parametrize("body", [None, b"", b"data"], ids=["none", "empty", "some"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Host": "other.example"},
        {"host": "other.example", "Accept-encoding": "gzip"},
        {"User-Agent": "x", "Accept": "*/*", "X-Latin": "caf\xe9", "X-Empty": ""},
        {"X-A": "1", "x-a": "2"},
    ],
    ids=["none", "host", "host-and-encoding", "several", "twice"],
)
def test_an_ordinary_request_is_sent_as_http_client_sends_it(
    method: str, body: bytes | None, headers: dict[str, str]
) -> None:
    assert compose(method, "/path?q=1", host, body, headers) == as_http_client_sends(method, "/path?q=1", body, headers)


@pytest.mark.parametrize(("body", "announced"), [(None, "0"), (b"", "0"), (b"data", "4")])
def test_a_length_that_is_kept_is_sent_at_once(body: bytes | None, announced: str) -> None:
    fields = {"Content-Length": announced}
    assert compose("PUT", "/", host, body, fields) == as_http_client_sends("PUT", "/", body, fields)


@pytest.mark.parametrize(
    "fields", [{"Content-Length": "5"}, {"content-length": "x"}, {"Content-Length": "4", "content-length": "5"}]
)
def test_a_length_that_is_not_kept_goes_the_long_way_which_counts(fields: dict[str, str]) -> None:
    assert compose("PUT", "/", host, b"data", fields) is None


@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.text(max_size=20),
    st.none() | st.binary(max_size=10),
    st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=4),
)
def test_any_request_is_composed_as_http_client_sends_it_or_left_to_it(
    method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> None:
    message = compose(method, "/" + path, host, body, headers)
    if message is not None:
        assert message == as_http_client_sends(method, "/" + path, body, headers)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST"]),
            st.sampled_from([{}, {"Host": "here.example"}, {"Host": "here.example", "X": "1"}]),
            st.sampled_from(["Authorization", "authorization", "X", "Content-Length", "Host", "Accept-Encoding"]),
            st.sampled_from(["one", "another", "caf\xe9", "a\r\nX: y", "a\rb", "a\0b", "", "0", "\u20ac"]),
        ),
        min_size=2,
        max_size=6,
    )
)
def test_requests_of_which_the_last_field_changes_are_each_composed_as_the_first_one(
    requests: list[tuple[str, dict[str, str], str, str]],
) -> None:
    composer = Composer()
    for method, others, name, value in requests:
        headers = {**others, name: value}
        expected = compose(method, "/", host, None, headers)
        assert composer.compose(method, "/", host, None, headers) == expected


@pytest.mark.parametrize(
    ("method", "target", "headers"),
    [
        ("BREW", "/", {}),
        ("get", "/", {}),
        ("GET", "", {}),
        ("GET", "/a b", {}),
        ("GET", "/a\r\nX: y", {}),
        ("GET", "/\xe9", {}),
        ("GET", "/", {"X": "a\r\nY: b"}),
        ("GET", "/", {"X": "a\rb"}),
        ("GET", "/", {"X": "a\nb"}),
        ("GET", "/", {"X": "a\0b"}),
        ("GET", "/", {"X\r\nY": "a"}),
        ("GET", "/", {"X:": "a"}),
        ("GET", "/", {"": "a"}),
        ("GET", "/", {"X": "\u20ac"}),
        ("GET", "/", {"X": 1}),
        ("GET", "/", {"X": b"bytes"}),
        ("GET", "/", {b"X": "bytes"}),
        ("POST", "/", {"Transfer-Encoding": "chunked"}),
    ],
)
def test_requests_that_are_not_ordinary_go_the_long_way(
    method: str, target: str, headers: dict[object, object]
) -> None:
    body = b"data" if method == "POST" else None
    assert compose(method, target, host, body, headers) is None


def test_a_host_that_needs_more_care_goes_the_long_way() -> None:
    assert compose("GET", "/", lambda: None, None, {}) is None
    assert compose("GET", "/", lambda: None, None, {"Host": "example.org"}) is not None


REQUESTS: list[tuple[str, str, bytes | None, dict[str, str]]] = [
    ("GET", "/a", None, {"X": "1", "Y": "2"}),
    ("GET", "/b", None, {"X": "1", "Y": "2"}),
    ("GET", "/b", None, {"Y": "2", "X": "1"}),
    ("GET", "/b", None, {"X": "1", "Y": "3"}),
    ("GET", "/b", None, {"X": "1"}),
    ("GET", "/b", None, {}),
    ("POST", "/b", None, {}),
    ("POST", "/b", b"", {}),
    ("POST", "/b", b"one", {}),
    ("POST", "/c", b"two", {}),
    ("POST", "/c", b"three", {}),
    ("DELETE", "/c", None, {}),
    ("GET", "/c", None, {"Host": "other.example"}),
    ("GET", "/c", None, {}),
]


def test_remembered_fields_are_sent_only_with_a_request_that_has_the_same() -> None:
    composer = Composer()
    for method, target, body, headers in REQUESTS:
        message = composer.compose(method, target, host, body, headers)
        assert message == as_http_client_sends(method, target, body, headers)


def test_another_host_is_sent_in_another_field() -> None:
    composer = Composer()
    first = composer.compose("GET", "/", lambda: "a.example", None, {})
    second = composer.compose("GET", "/", lambda: "b.example", None, {})
    assert (first and b"Host: a.example\r\n" in first, second and b"Host: b.example\r\n" in second) == (True, True)


def test_fields_that_were_refused_are_not_remembered() -> None:
    composer = Composer()
    for headers in ({"X": "1"}, {"X": "a\r\nY: b"}, {"X": "a\r\nY: b"}, {"X": "\u20ac"}, {"X": "\u20ac"}):
        assert (composer.compose("GET", "/", host, None, headers) is None) == (headers != {"X": "1"})
    assert composer.compose("GET", "/", host, None, {"X": "1"}) is not None
