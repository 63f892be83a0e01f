"""Chunk framing that is not as RFC 9112 has it: what curl reads is read, what it refuses is refused by name."""

from __future__ import annotations

import contextlib
import functools
import http.client
import pickle
from http.client import IncompleteRead

import pytest
from support.peer import ScriptedPeer, Wire
from support.responses import DELIVERIES, responding

from coda_network import httplib, utilities

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
TWICE = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"

READ = [
    CHUNKED + b"5\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5\nhello\r\n0\n\n",
    b"HTTP/1.1 200 OK\r\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    CHUNKED + b"5\r\r\nhello\r\n0\r\n\r\n",
    TWICE + b"5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
]
if not hasattr(http.client, "_MAXINTERIMRESPONSES"):  # newer releases have a limit for trailers, too
    READ.append(CHUNKED + b"5\r\nhello\r\n0\r\n" + b"A: b\r\n" * 2000 + b"\r\n")
REFUSED = [
    (b" 5\r\nhello\r\n0\r\n\r\n", b"", "the size of a chunk is b' 5'"),
    (b"+5\r\nhello\r\n0\r\n\r\n", b"", "the size of a chunk is b'\\+5'"),
    (b"\r\nhello\r\n0\r\n\r\n", b"", "the size of a chunk is b''"),
    (b"5\r\nhello\r\nxyz\r\n\r\n", b"hello", "the size of a chunk is b'xyz'"),
    (b"5;a\nhello\r\n0\r\n\r\n", b"", "the size of a chunk is b'5;a'"),
    (b"5\r\nhelloworld\r\n0\r\n\r\n", b"hello", "b'wo' in the place of the end of a chunk"),
    (b"5\r\nhello\n0\r\n\r\n", b"hello", "in the place of the end of a chunk"),
    (b"6\r\nhello\r\n0\r\n\r\n", b"hello\r", "in the place of the end of a chunk"),
    (b"5\r\nhello\r\rx\r\n0\r\n\r\n", b"hello", "in the place of the end of a chunk"),
    (b"5\r\nhello\r\n", b"hello", r"^IncompleteRead\(5 bytes read\)$"),
    (b"5\r\nhello\r\n1", b"hello", r"^IncompleteRead\(5 bytes read\)$"),
    (b"5\r\nhello", b"hello", r"^IncompleteRead\(5 bytes read\)$"),
]


@pytest.mark.parametrize("deliver", DELIVERIES.values(), ids=DELIVERIES)
@pytest.mark.parametrize("data", READ)
def test_what_curl_reads_is_read_and_the_connection_not_used_again(data, deliver):
    with responding(data, deliver=deliver, stay=True) as connection:
        response = connection.getresponse()
        assert response.read() == b"hello"
        if not data.startswith(b"HTTP/1.1 200 OK\r\r"):
            assert response.will_close
            assert connection.sock is None or not connection._reader.can_go_on()


@pytest.mark.parametrize("deliver", DELIVERIES.values(), ids=DELIVERIES)
@pytest.mark.parametrize(("chunks", "partial", "reason"), REFUSED)
def test_an_error_says_what_is_wrong_with_the_chunks(chunks, partial, reason, deliver):
    with responding(CHUNKED + chunks, deliver=deliver) as connection:
        with pytest.raises(IncompleteRead, match=reason) as caught:
            connection.getresponse().read()
        assert caught.value.partial == partial
        copy = pickle.loads(pickle.dumps(caught.value))
        assert (type(copy), copy.partial, str(copy)) == (type(caught.value), partial, str(caught.value))


@pytest.mark.parametrize(
    "codings", ["chunked, gzip", "chunked, identity, gzip", "chunked, gzip, chunked, br"], ids=lambda text: text
)
def test_chunked_before_another_coding_is_refused(codings):
    head = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: {codings}\r\n\r\n".encode()
    with responding(head + b"5\r\nhello\r\n0\r\n\r\n") as connection:
        with pytest.raises(http.client.HTTPException, match="chunked before another coding"):
            connection.getresponse()


# -- bodies that are too short: downloads raise, and streaming ends in silence as in the standard library

SHORT = {
    "length": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
    "no last chunk": CHUNKED + b"5\r\nhello\r\n",
    "in a chunk": CHUNKED + b"9\r\nhello",
    "behind the last chunk": CHUNKED + b"5\r\nhello\r\n0\r\n",
    "in the trailers": CHUNKED + b"5\r\nhello\r\n0\r\nA: b\r\nC",
}


def served(data: bytes) -> ScriptedPeer:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(data)

    return ScriptedPeer(script)


@pytest.mark.parametrize("size", [None, 3, 100], ids=["read", "read(3)", "read(100)"])
@pytest.mark.parametrize("data", SHORT.values(), ids=SHORT)
def test_a_download_handle_raises_for_every_short_body(data, size):
    with served(data) as peer, utilities.create_download_handle(peer.url) as handle:
        with pytest.raises(IncompleteRead):
            list(iter(functools.partial(handle.read, size), b""))


@pytest.mark.parametrize("data", [SHORT["length"], SHORT["in the trailers"], SHORT["behind the last chunk"]])
def test_streaming_from_a_response_ends_in_silence_as_in_the_standard_library(data):
    for module in (httplib, http.client):
        with served(data) as peer:
            connection = module.HTTPConnection(*peer.address)
            connection.request("GET", "/")
            response = connection.getresponse()
            assert list(iter(functools.partial(response.read, 2), b"")) == [b"he", b"ll", b"o"]
            connection.close()


@pytest.mark.parametrize("has_farewell", [True, False])
def test_a_download_without_a_length_ends_with_the_farewell_of_tls_only(ca, has_farewell, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
        if has_farewell:
            with contextlib.suppress(OSError):  # the client has none of its own
                wire.sock.unwrap()  # type: ignore[attr-defined]  # under TLS

    with ScriptedPeer(script, tls=ca.server_context()) as peer:
        with utilities.create_download_handle(peer.url) as handle:
            assert handle.read1(100) == b"hello"
            if has_farewell:
                assert handle.read1(100) == b""
            else:
                with pytest.raises(IncompleteRead, match="TLS ended without a farewell"):
                    handle.read1(100)
