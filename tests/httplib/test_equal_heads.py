"""A head that is the same as the one before is not looked at again, and says what it says to http.client."""

from __future__ import annotations

import http.client
import socket
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coda_network import httplib

# Few, so that the same head often comes twice in a row; some are the beginning of others, but for their end.
HEADS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-More: 1\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nKeep-Alive: timeout=5\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Long: " + b"x" * 5000 + b"\r\n\r\n",
]


def body_of(method: str, head: bytes, content: bytes) -> bytes:
    if method == "HEAD" or b" 204 " in head:
        return b""
    return b"3\r\n%b\r\n0\r\n\r\n" % content if b"chunked" in head else content


def pair() -> tuple[socket.socket, socket.socket]:
    ends = socket.socketpair()
    for end in ends:
        end.settimeout(10)  # what is awaited and never comes
    return ends


def exchanges(library: Any, sent: list[tuple[str, bytes, bytes, bool]]) -> list[Any]:
    """Return what each response over one connection is to a program."""
    ours, theirs = pair()
    connection = library.HTTPConnection("peer.example")
    connection.sock = ours
    seen = []
    with theirs:
        for method, head, content, at_once in sent:
            connection.request(method, "/")
            theirs.recv(65536)
            message = head + body_of(method, head, content)
            theirs.sendall(message if at_once else message[: len(head)])
            response = connection.getresponse()
            if not at_once:
                theirs.sendall(message[len(head) :])
            is_chunked = method != "HEAD" and response.chunked
            fields = response.status, response.reason, response.version, response.length, is_chunked
            seen.append((fields, response.headers.items(), response.will_close, response.read()))
            assert connection.sock is ours
        connection.close()
    return seen


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GET", "GET", "HEAD"]),
            st.sampled_from(HEADS),
            st.sampled_from([b"one", b"two", b"\r\n\r"]),
            st.booleans(),
        ),
        max_size=6,
    )
)
def test_responses_with_equal_heads_are_read_as_http_client_reads_them(
    sent: list[tuple[str, bytes, bytes, bool]],
) -> None:
    assert exchanges(httplib, sent) == exchanges(http.client, sent)


def test_a_long_head_is_not_kept() -> None:
    ours, theirs = pair()
    connection = httplib.HTTPConnection("peer.example")
    connection.sock = ours
    with theirs:
        for head, is_kept in ((HEADS[0], True), (HEADS[-1], False)):
            connection.request("GET", "/")
            theirs.sendall(head + b"one")
            assert connection.getresponse().read() == b"one"
            assert connection._reader is not None
            last = connection._reader.last_head
            assert (None if last is None else last[0]) == (head if is_kept else None)
        connection.close()
