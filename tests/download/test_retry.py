"""`Retry`: what is repeated, how often, after which wait; and what never is."""

from __future__ import annotations

import contextlib
import pickle
import socket
import ssl
import time
from collections.abc import Callable
from email.message import Message
from email.utils import formatdate
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.error import HTTPError, URLError

import pytest
from support.origin import Origin
from support.peer import ClientGone, ScriptedPeer, Wire

from coda_network import build_opener, create_download_handle, do_download, urllib2
from coda_network._download import retry as module
from coda_network._download.retry import seconds_of_retry_after
from coda_network.utilities import Retry

AT_ONCE = Retry(attempts=3, backoff=0)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between attempts, which take no time."""
    seen: list[float] = []
    monkeypatch.setattr(module.time, "sleep", seen.append)
    return seen


def failing(times: int, status: str = "503 Service Unavailable", *headers: str) -> Callable[[Wire], None]:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            count.append(1)
            if len(count) <= times:
                wire.respond(b"not now", status, *headers)
            else:
                wire.respond(b"there it is")

    count: list[int] = []
    return script


def cut(wire: Wire) -> None:
    wire.read_head()
    wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab")


def gone(wire: Wire) -> None:
    wire.read_head()


def reset(wire: Wire) -> None:
    wire.read_head()
    wire.reset()


def whole(wire: Wire) -> None:
    wire.read_head()
    wire.respond(b"whole")


@pytest.mark.parametrize("status", ["408 T", "425 E", "429 M", "502 B", "503 S", "504 G"])
def test_what_may_be_better_later_is_tried_again(waits: list[float], status: str) -> None:
    with ScriptedPeer(failing(2, status)) as peer:
        assert do_download(peer.url) == (200, b"there it is")
        assert (len(peer.heads), peer.connections, len(waits)) == (3, 1, 2)


@pytest.mark.parametrize("status", ["400 B", "401 U", "403 F", "404 N", "407 P", "410 G", "500 I", "501 N"])
def test_what_stays_as_it_is_is_not(waits: list[float], status: str) -> None:
    with ScriptedPeer(failing(9, status)) as peer:
        assert do_download(peer.url) == (int(status[:3]), None)
        assert (len(peer.heads), waits) == (1, [])


@pytest.mark.parametrize("bad", [cut, gone, reset])
def test_a_connection_that_breaks_off_is_tried_again(waits: list[float], bad: Any) -> None:
    with ScriptedPeer([bad, bad, whole]) as peer:
        assert do_download(peer.url) == (200, b"whole")
    assert len(waits) == 2


def test_the_last_failure_is_the_one_that_is_raised(waits: list[float]) -> None:
    with ScriptedPeer(cut) as peer:
        with pytest.raises(IncompleteRead):
            do_download(peer.url, retry=Retry(attempts=4))
        assert (peer.connections, len(waits)) == (4, 3)


@pytest.mark.parametrize("statuses", [{401, 407, 503}])
def test_a_refused_password_is_never_repeated(origin: Origin, statuses: set[int], waits: list[float]) -> None:
    policy = Retry(statuses=frozenset(statuses))
    url = origin.url.replace("://", "://alice:wrong@")
    assert do_download(f"{url}/basic/alice/right", retry=policy) == (401, None)
    assert (len(origin.requests), waits) == (2, [])  # without the password, and once with it


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        ({"postdata": b"x"}, 1),
        ({"postdata": b"x", "method": "PUT"}, 3),
        ({"postdata": iter([b"x"]), "method": "PUT", "headers": {"Content-Length": "1"}}, 1),
        ({"method": "DELETE"}, 3),
        ({"method": "PATCH"}, 1),
        ({"method": "HEAD"}, 3),
        ({"postdata": b"x", "retry": Retry(methods=frozenset({"post"}))}, 3),
        ({"retry": Retry(methods=frozenset({"post"}))}, 1),
        ({"retry": Retry(attempts=1)}, 1),
        ({"files": {"f": ("n", b"x")}, "method": "PUT"}, 3),
    ],
    ids=str,
)
def test_only_what_may_be_repeated_is(waits: list[float], arguments: dict[str, Any], sent: int) -> None:
    def script(wire: Wire) -> None:
        with contextlib.suppress(ClientGone):
            while True:
                wire.read_request()
                wire.respond(b"", "503 No")

    with ScriptedPeer(script) as peer:
        assert do_download(peer.url, **arguments) == (503, None)
        assert len(peer.heads) == sent
    assert len(waits) == sent - 1


@pytest.mark.parametrize(
    ("error", "covered"),
    [
        (URLError(ConnectionResetError()), True),
        (URLError(TimeoutError()), True),
        (URLError(RemoteDisconnected()), True),
        (BadStatusLine("x"), True),
        (IncompleteRead(b""), True),
        (URLError(socket.gaierror(socket.EAI_AGAIN, "")), True),
        (URLError(socket.gaierror(socket.EAI_NONAME, "")), False),
        (URLError(ConnectionRefusedError()), False),
        (URLError(ssl.SSLCertVerificationError()), False),
        (URLError("unknown url type"), False),
        (FileNotFoundError(), False),
        (ValueError(), False),
        (HTTPError("", 503, "", Message(), None), True),
        (HTTPError("", 404, "", Message(), None), False),
    ],
    ids=repr,
)
def test_which_errors_may_pass(error: Exception, covered: bool) -> None:
    assert Retry().covers(error) is covered


# -- the waits


def test_the_wait_doubles_up_to_its_limit(waits: list[float]) -> None:
    with ScriptedPeer(failing(99)) as peer:
        do_download(peer.url, retry=Retry(attempts=6, backoff=1, max_backoff=5, jitter=0))
    assert waits == [1, 2, 4, 5, 5]


def test_jitter_takes_away_a_share_of_it(waits: list[float]) -> None:
    with ScriptedPeer(failing(99)) as peer:
        do_download(peer.url, retry=Retry(attempts=20, backoff=1, max_backoff=1, jitter=0.5))
    assert all(0.5 <= wait <= 1 for wait in waits)
    assert len(set(waits)) > 10


@pytest.mark.parametrize("form", ["7", "date"])
def test_the_server_may_say_how_long_to_wait(waits: list[float], form: str) -> None:
    value = formatdate(time.time() + 7, usegmt=True) if form == "date" else form
    with ScriptedPeer(failing(1, "503 Later", f"Retry-After: {value}")) as peer:
        assert do_download(peer.url, retry=Retry(backoff=0))[0] == 200
    assert waits == [pytest.approx(7, abs=1.5)]


def test_what_the_server_says_can_be_ignored(waits: list[float]) -> None:
    with ScriptedPeer(failing(1, "503 Later", "Retry-After: 7")) as peer:
        do_download(peer.url, retry=Retry(backoff=0, retry_after=False))
    assert waits == [0]


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "Sun, 99 Nov 1994", "²"])
def test_a_retry_after_that_makes_no_sense_says_nothing(value: str) -> None:
    assert seconds_of_retry_after({"Retry-After": value}) is None


def test_a_date_that_has_passed_is_no_wait() -> None:
    assert seconds_of_retry_after({"Retry-After": "Sun, 06 Nov 1994 08:49:37 GMT"}) == 0
    assert seconds_of_retry_after({}) is None


def test_a_wait_beyond_the_total_time_is_not_begun(waits: list[float]) -> None:
    with ScriptedPeer(failing(9, "503 Later", "Retry-After: 3600")) as peer:
        assert do_download(peer.url)[0] == 503
        assert (len(peer.heads), waits) == (1, [])


def test_nor_one_beyond_the_time_limit_of_the_download(waits: list[float]) -> None:
    with ScriptedPeer(failing(9, "503 Later", "Retry-After: 5")) as peer:
        assert do_download(peer.url, timeout_sec=2)[0] == 503
        assert (len(peer.heads), waits) == (1, [])


# -- the value


def test_a_policy_is_a_value() -> None:
    assert Retry(attempts=2) == pickle.loads(pickle.dumps(Retry(attempts=2))) != Retry()
    assert hash(Retry()) == hash(Retry())
    assert Retry(statuses=[503]).statuses == frozenset({503})
    assert Retry(methods="get").methods == frozenset({"GET"})


@pytest.mark.parametrize(
    "arguments",
    [{"attempts": 0}, {"backoff": -1}, {"jitter": 2}, {"max_backoff": float("nan")}, {"total_time": -1}],
    ids=str,
)
def test_numbers_that_make_no_sense_are_value_errors(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Retry(**arguments)


# -- handles and openers


def test_a_handle_is_tried_until_there_is_a_response(waits: list[float]) -> None:
    with ScriptedPeer(failing(2)) as peer, create_download_handle(peer.url) as handle:
        assert handle.read() == b"there it is"


@pytest.mark.parametrize("retry", [None, AT_ONCE])
def test_an_opener_tries_again_by_choice(retry: Retry | None) -> None:
    opener = build_opener(None, urllib2.ProxyHandler({}), retry=retry)
    with ScriptedPeer(failing(2)) as peer:
        if retry is None:
            with pytest.raises(HTTPError, match="503") as caught:
                opener.open(peer.url)
            caught.value.close()
        else:
            assert opener.open(peer.url).read() == b"there it is"
        opener.close()


def test_a_redirect_of_an_opener_does_not_multiply_the_attempts() -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            if b"GET /first" in head:
                wire.respond(b"", "302 Found", "Location: /second")
            else:
                wire.respond(b"", "503 No")

    opener = build_opener(None, urllib2.ProxyHandler({}), retry=AT_ONCE)
    with ScriptedPeer(script) as peer:
        with pytest.raises(HTTPError) as caught:
            opener.open(f"{peer.url}/first")
        caught.value.close()
        opener.close()
        assert len(peer.heads) == 6


def test_an_opener_leaves_the_request_as_it_was(origin: Origin) -> None:
    opener = build_opener(None, urllib2.ProxyHandler({"https": "http://127.0.0.1:1"}), retry=AT_ONCE)
    request = urllib2.Request("https://far.example/")
    for _ in range(2):
        with pytest.raises(URLError, match="refused"):
            opener.open(request)
        assert (request.type, request.host) == ("https", "far.example")
    opener.close()
