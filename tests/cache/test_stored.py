"""Which responses are stored, and that they come back as they came."""

from __future__ import annotations

import pickle
import urllib.request
from contextlib import closing
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import pytest
from support.counting_site import FRESH, Counting, files, get
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import urllib2

CUT = {
    "a length": b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 10\r\n\r\nshort",
    "chunks": b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    "the end of the connection": b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n\r\nshort",
}


@pytest.mark.parametrize("ways", ["whole", "pieces"])
@pytest.mark.parametrize("data", CUT.values(), ids=CUT)
def test_a_body_that_was_or_may_have_been_cut_short_is_not_stored(folder: Path, data: bytes, ways: str) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(data)

    with ScriptedPeer(script) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        for _ in range(2):
            with opener.open(peer.url) as response:
                try:
                    while response.read(*([2] if ways == "pieces" else [])):
                        pass
                except IncompleteRead:
                    pass
        assert peer.connections == 2
    assert not files(folder)
    assert not list((folder / "tmp").iterdir())


def test_a_body_that_was_not_read_to_its_end_is_not_stored(folder: Path) -> None:
    server = Counting(size=100_000)
    with ScriptedPeer(server) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        with opener.open(peer.url) as response:
            response.read(10)
        del response
        response = opener.open(peer.url)
        del response
        assert server.count == 2
    assert not files(folder)
    assert not list((folder / "tmp").iterdir())


READS: dict[str, Any] = {
    "read": lambda response: response.read(),
    "pieces": lambda response: b"".join(iter(lambda: response.read(7), b"")),
    "read1": lambda response: b"".join(iter(lambda: response.read1(1000), b"")),
    "lines": lambda response: b"".join(response),
    "readlines": lambda response: b"".join(response.readlines()),
    "readinto": lambda response: into(response),
}


def into(response: Any) -> bytes:
    buffer, found = bytearray(50), b""
    while count := response.readinto(buffer):
        found += buffer[:count]
    return found


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("patched", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_it_is_stored_however_it_is_read(folder: Path, read: Any, patched: bool, chunked: bool) -> None:
    body = b"line\n" * 2000
    asked = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            asked.append(head)
            if chunked:
                chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:3000], body[3000:]))
                wire.send(f"HTTP/1.1 200 OK\r\n{FRESH}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks)
                wire.send(b"0\r\n\r\n")
            else:
                wire.respond(body, "200 OK", FRESH)

    with ScriptedPeer(script) as peer:
        if patched:
            with coda_network.patched(cache=folder):
                opener = urllib.request.build_opener()
                found = [read(opener.open(peer.url)) for _ in range(3)]
                opener.close()
        else:
            with closing(urllib2.build_opener(cache=folder)) as ours:
                found = [read(ours.open(peer.url)) for _ in range(3)]
    assert found == [body] * 3
    assert len(asked) == 1


def test_a_stored_response_is_like_the_one_that_came(folder: Path) -> None:
    server = Counting(FRESH, "X-Two: 1", "X-Two: 2", "Content-Type: text/plain; charset=latin-1", 'ETag: "\xe9"')
    with ScriptedPeer(server) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        with opener.open(peer.url) as first:
            first.read()
        with opener.open(peer.url) as second:
            assert (first.from_cache, second.from_cache) == (False, True)
            assert type(first) is type(second)
            assert first.headers.items() == [item for item in second.headers.items() if item[0] != "Age"]
            assert (second.status, second.reason, second.url, second.version) == (200, "OK", peer.url, 11)
            assert second.headers["Age"] == "0"
            assert second.read(1) == b"1"
            assert not second.closed


def test_a_redirect_and_an_error_are_stored_too(folder: Path) -> None:
    heads = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            heads.append(head)
            if b" /old " in head:
                wire.respond(b"", "301 Moved", "Location: /new", FRESH)
            elif b" /gone " in head:
                wire.respond(b"gone", "404 Gone", FRESH)
            else:
                wire.respond(b"new", "200 OK", FRESH)

    with ScriptedPeer(script) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        for _ in range(2):
            assert get(opener, f"{peer.url}/old") == b"new"
            with pytest.raises(urllib2.HTTPError) as error:
                opener.open(f"{peer.url}/gone")
            with error.value:
                assert error.value.read() == b"gone"
    assert len(heads) == 3


def test_a_response_that_is_being_stored_pickles(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener, opener.open(site.url) as response:
        assert pickle.loads(pickle.dumps(response)).read().startswith(b"1")
