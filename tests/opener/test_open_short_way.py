"""What an opener sends, and whom it asks in which order, is what urllib.request does, but for keeping connections."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.peer import ScriptedPeer, Wire

from coda_network import urllib2

NAMES = ["User-agent", "USER-AGENT", "Host", "host", "X-Mine", "Accept", "Content-type"]
VALUES = st.sampled_from(["", "1", "two", "a.example", "caf\xe9"])
HEADERS = st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3)
ADDHEADERS = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=3)
DATA = st.sampled_from([None, b"", b"data"])


@pytest.fixture(scope="module")
def peer() -> Iterator[ScriptedPeer]:
    """Lets every request in; ``heads`` has what came. It follows no script that could fail."""

    def script(wire: Wire) -> None:
        while True:
            try:
                wire.read_request()
            except EOFError:
                return
            wire.respond(b"", "204 No Content")

    with ScriptedPeer(script) as server:
        yield server


class Watched(urllib.request.Request):
    """What a program derives to see the headers that are added."""

    def add_unredirected_header(self, key: str, val: str) -> None:
        super().add_unredirected_header("Seen-" + key if key == "Accept" else key, val)


def prepared(handler_class: Any, request: Any, addheaders: list[tuple[str, str]]) -> Any:
    """Return the headers of a request after do_request_, in their order."""
    handler = handler_class()
    handler.parent = urllib.request.OpenerDirector()
    handler.parent.addheaders = addheaders
    try:
        assert handler.do_request_(request) is request
    except (urllib.request.URLError, TypeError) as error:
        return type(error), str(error)
    return list(request.headers.items()), list(request.unredirected_hdrs.items()), vars(request)


# What goes the short way stands first and several times, so that it is what is looked at.
SHORT_WAY_URLS = ["http://here.example/a#b", "http://here.example/", "http://here.example:81/path?query"]
URLS = st.sampled_from(SHORT_WAY_URLS) | st.sampled_from(["https://here.example", "http://a?q", "http:///nowhere"])


@settings(max_examples=300)
@given(
    URLS,
    st.none() | DATA | st.sampled_from(["text", [b"pieces"]]),
    HEADERS,
    HEADERS,
    ADDHEADERS,
    st.none() | st.sampled_from(["http", "https"]),
    st.sampled_from([urllib2.Request, urllib.request.Request, Watched]),
)
def test_do_request_adds_what_the_standard_librarys_adds(
    url: str,
    data: Any,
    headers: dict[str, str],
    unredirected: dict[str, str],
    addheaders: list[tuple[str, str]],
    proxy: str | None,
    request_class: Any,
) -> None:
    found = []
    for handler_class in (urllib2.AbstractHTTPHandler, urllib.request.AbstractHTTPHandler):
        request = request_class(url, data, headers)
        for name, value in unredirected.items():
            request.add_unredirected_header(name, value)
        if proxy is not None:
            request.set_proxy("proxy.example", proxy)
        found.append(prepared(handler_class, request, addheaders))
    assert found[0] == found[1]


def sent_by(library: Any, peer: ScriptedPeer, form: str, path: str, data: Any, headers: Any, addheaders: Any) -> bytes:
    """Return the bytes of one request of an opener of *library*."""
    opener = library.build_opener(library.ProxyHandler({"http": peer.url} if form == "absolute" else {}))
    opener.addheaders += addheaders
    url = f"http://site.example{path}" if form == "absolute" else peer.url + path
    before = sum(map(len, peer.received))
    asked = url if headers is None else library.Request(url, headers=headers)
    with opener.open(asked, data, 10) as response:
        assert response.status == 204
    opener.close()
    received = b"".join(peer.received)
    return received[before:]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["origin", "absolute"]),
    st.sampled_from(["", "/", "/path?query#part", "?query", "/caf%C3%A9"]),
    DATA,
    st.none() | HEADERS,
    ADDHEADERS,
)
def test_open_sends_the_bytes_that_the_standard_librarys_sends(
    peer: ScriptedPeer, form: str, path: str, data: bytes | None, headers: dict[str, str] | None, addheaders: Any
) -> None:
    ours = sent_by(urllib2, peer, form, path, data, headers, addheaders)
    theirs = sent_by(urllib.request, peer, form, path, data, headers, addheaders)
    # The two differences of docs/differences.md: connections are kept, and the fragment is not shown to a proxy.
    theirs = theirs.replace(b"\r\nConnection: close\r\n", b"\r\nConnection: keep-alive\r\n").replace(b"#part ", b" ")
    assert ours == theirs


@pytest.mark.parametrize(
    ("given_by", "sent"), [("nobody", "opener's"), ("request", "request's"), ("unredirected", "own")]
)
def test_a_header_of_the_request_counts_more_than_one_of_the_opener(
    peer: ScriptedPeer, given_by: str, sent: str
) -> None:
    opener = urllib2.build_opener(urllib2.ProxyHandler({}))
    opener.addheaders = [("user-agent", "opener's"), ("X-Mine", "opener's")]
    request = urllib2.Request(f"{peer.url}/")
    for name in ("User-Agent", "x-mine"):
        if given_by == "request":
            request.add_header(name, "request's")
        elif given_by == "unredirected":
            request.add_unredirected_header(name, "own")
    opener.open(request, timeout=10).read()
    opener.close()
    lines = peer.heads[-1].decode().split("\r\n")
    assert [line for line in lines if line.startswith(("User-Agent", "X-Mine"))] == [
        f"User-Agent: {sent}",
        f"X-Mine: {sent}",
    ]


audited: list[Any] | None = None


def audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "urllib.Request" and audited is not None:
        audited.append(arguments)


sys.addaudithook(audit)  # it cannot be taken away again, and does nothing but in the test below

KINDS = [
    "default_open",
    "x_open",
    "unknown_open",
    "x_request",
    "x_response",
    "http_open",
    "http_request",
    "http_response",
]


def handler_of(kind: str, order: int, result: str, events: list[str], number: int) -> Any:
    """Return a handler with one method, which notes that it is asked and gives *result* or changes what it got."""
    name = f"{number} {kind}"

    def method(self: Any, *arguments: Any) -> Any:
        events.append(f"{name}({arguments[0].full_url})")
        if kind.endswith("_open"):
            return {"nothing": None, "false": "", "something": name}[result]
        return arguments[-1] if result == "nothing" or kind.endswith("_request") else f"{arguments[-1]} {name}"

    return type("Handler", (urllib.request.BaseHandler,), {"handler_order": order, kind: method})()


@given(
    st.lists(
        st.tuples(st.sampled_from(KINDS), st.integers(1, 3), st.sampled_from(["nothing", "false", "something"])),
        max_size=6,
    ),
    st.sampled_from(["x://here.example/", "http://here.example/#part", "nothing"]),
    st.booleans(),
    DATA,
)
def test_open_asks_the_handlers_that_the_standard_librarys_asks(
    handlers: list[tuple[str, int, str]], url: str, as_request: bool, data: bytes | None
) -> None:
    global audited
    found = []
    for library in (urllib2, urllib.request):
        events: list[str] = []
        audited = []
        opener: Any = library.OpenerDirector()
        for number, (kind, order, result) in enumerate(handlers):
            opener.add_handler(handler_of(kind, order, result, events, number))
        try:
            asked = library.Request(url, b"its own", {"X": "1"}) if as_request else url
            outcome: Any = opener.open(asked, data, timeout=7)
            if as_request:
                outcome = outcome, asked.data, asked.timeout
        except ValueError as error:
            outcome = str(error)
        found.append((outcome, events, audited))
    audited = None
    assert found[0] == found[1]
