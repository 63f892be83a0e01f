"""A file as a body arrives byte for byte, whichever way it goes, and is watched by whoever wants to."""

from __future__ import annotations

import io
import os
import socket
import ssl
import sys
import tempfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib
from coda_network._http import file_body

CONTENT = bytes(range(256)) * 16384 + b"end"  # 4 MiB, so that it takes several blocks
FRAMINGS = ["length", "chunked"]


def read_body(wire: Wire) -> bytes:
    """Return the body of a request, out of its chunks."""
    head = wire.read_head().lower()
    if b"content-length: " in head:
        return wire.read_exactly(int(head.partition(b"content-length: ")[2].split()[0]))
    assert b"transfer-encoding: chunked" in head
    body = b""
    while True:
        line = b""
        while not line.endswith(b"\r\n"):
            line += wire.read_exactly(1)
        size = int(line, 16)
        piece = wire.read_exactly(size + 2)
        assert piece.endswith(b"\r\n")
        if not size:
            return body
        body += piece[:-2]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "body"
    found.write_bytes(CONTENT)
    return found


@pytest.fixture
def bodies() -> list[bytes]:
    return []


@pytest.fixture
def peer(bodies: list[bytes]) -> Iterator[ScriptedPeer]:
    with ScriptedPeer(keeping(bodies)) as found:
        yield found


def keeping(bodies: list[bytes]) -> Any:
    def serve(wire: Wire) -> None:
        for _ in range(2):
            bodies.append(read_body(wire))
            wire.respond(b"thanks")

    return serve


def put_twice(connection: Any, make: Any, headers: dict[str, str]) -> None:
    for _ in range(2):
        body = make()
        connection.request("PUT", "/", body, headers)
        assert connection.getresponse().read() == b"thanks"
        if hasattr(body, "close"):
            body.close()
    connection.close()


def headers_for(framing: str, size: int = len(CONTENT)) -> dict[str, str]:
    return {"Content-Length": str(size)} if framing == "length" else {}


def sendfile_calls(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    calls = []
    original = socket.socket.sendfile

    def sendfile(self: Any, file: Any, *arguments: Any) -> int:
        calls.append(file)
        return original(self, file, *arguments)

    monkeypatch.setattr(socket.socket, "sendfile", sendfile)
    return calls


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("buffering", [-1, 0], ids=["buffered", "unbuffered"])
def test_a_file_goes_to_the_peer_without_passing_through_python(
    peer: ScriptedPeer, bodies: list[bytes], path: Path, framing: str, buffering: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = sendfile_calls(monkeypatch)
    connection = httplib.HTTPConnection(*peer.address, timeout=10)
    put_twice(connection, partial(open, path, "rb", buffering), headers_for(framing))
    assert bodies == [CONTENT] * 2
    assert len(calls) == (2 if hasattr(os, "sendfile") else 0)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_file_is_sent_from_where_it_stands(peer: ScriptedPeer, bodies: list[bytes], path: Path, framing: str) -> None:
    opened = partial(open, path, "rb")

    def halfway() -> Any:
        file: Any = opened()
        assert len(file.read(5)) == 5  # the buffer has more by now
        return file

    put_twice(httplib.HTTPConnection(*peer.address, timeout=10), halfway, headers_for(framing, len(CONTENT) - 5))
    assert bodies == [CONTENT[5:]] * 2


@pytest.mark.parametrize("framing", FRAMINGS)
def test_what_was_written_to_a_temporary_file_is_sent(peer: ScriptedPeer, bodies: list[bytes], framing: str) -> None:
    opened = partial(tempfile.TemporaryFile)

    def temporary() -> Any:
        file: Any = opened()
        file.write(b"written")
        file.seek(2)
        return file

    put_twice(httplib.HTTPConnection(*peer.address, timeout=10), temporary, headers_for(framing, 5))
    assert bodies == [b"itten"] * 2


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("content", [b"", b"x"], ids=["empty", "one byte"])
def test_a_short_file_is_framed_like_a_long_one(
    peer: ScriptedPeer, bodies: list[bytes], tmp_path: Path, framing: str, content: bytes
) -> None:
    path = tmp_path / "short"
    path.write_bytes(content)
    connection = httplib.HTTPConnection(*peer.address, timeout=10)
    put_twice(connection, partial(open, path, "rb"), headers_for(framing, len(content)))
    assert bodies == [content] * 2


def test_a_long_file_goes_in_several_chunks(
    peer: ScriptedPeer, bodies: list[bytes], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_body, "LARGEST_CHUNK", 1_000_000)
    put_twice(httplib.HTTPConnection(*peer.address, timeout=10), partial(open, path, "rb"), {})
    assert bodies == [CONTENT] * 2


@pytest.mark.parametrize("framing", FRAMINGS)
def test_over_tls_a_file_is_read_in_large_blocks(
    bodies: list[bytes],
    path: Path,
    framing: str,
    ca: Any,
    client_context: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = sendfile_calls(monkeypatch)
    sent = []

    class Watching(httplib.HTTPSConnection):
        def send(self, data: Any) -> None:
            sent.append(len(data))
            super().send(data)

    with ScriptedPeer(keeping(bodies), tls=ca.server_context()) as peer:
        connection = Watching("localhost", peer.port, timeout=10, context=client_context)
        put_twice(connection, partial(open, path, "rb"), headers_for(framing))
    assert bodies == [CONTENT] * 2
    assert not calls
    assert max(sent) >= file_body.BLOCK


@pytest.mark.parametrize("framing", FRAMINGS)
def test_whoever_overrides_send_or_sets_a_size_sees_every_block(
    peer: ScriptedPeer, bodies: list[bytes], path: Path, framing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = sendfile_calls(monkeypatch)
    sent = []

    class Watching(httplib.HTTPConnection):
        def send(self, data: Any) -> None:
            sent.append(bytes(data))
            super().send(data)

    connection = Watching(*peer.address, timeout=10, blocksize=100_000)
    put_twice(connection, partial(open, path, "rb"), headers_for(framing))
    assert bodies == [CONTENT] * 2
    assert not calls
    assert max(map(len, sent)) <= 100_000 + 20
    assert sum(map(len, sent)) >= 2 * len(CONTENT)


def test_whoever_puts_a_send_into_one_connection_sees_every_block(
    peer: ScriptedPeer, bodies: list[bytes], path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = sendfile_calls(monkeypatch)
    connection: Any = httplib.HTTPConnection(*peer.address, timeout=10)
    sent = []
    original = connection.send
    connection.send = lambda data: (sent.append(data), original(data))
    put_twice(connection, partial(open, path, "rb"), headers_for("length"))
    assert bodies == [CONTENT] * 2
    assert not calls
    assert len(sent) >= 4


@pytest.mark.parametrize("kind", ["text", "bytes in memory", "a file of a class of its own"])
def test_what_is_no_file_of_the_system_is_read_as_ever(
    peer: ScriptedPeer, bodies: list[bytes], tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = sendfile_calls(monkeypatch)
    path = tmp_path / "body"
    path.write_bytes(b"caf\xe9")

    class Own(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            return (super().read(-1 if size is None else size) or b"").upper()

    make: Any = {
        "text": partial(open, path, encoding="latin-1"),
        "bytes in memory": lambda: io.BytesIO(b"caf\xe9"),
        "a file of a class of its own": lambda: Own(path),
    }[kind]
    put_twice(httplib.HTTPConnection(*peer.address, timeout=10), make, headers_for("length", 4))
    assert bodies == [b"CAF\xe9" if "own" in kind else b"caf\xe9"] * 2
    assert not calls


def test_a_pipe_is_not_read_in_large_blocks(peer: ScriptedPeer, bodies: list[bytes]) -> None:
    def pipe() -> Any:
        reading, writing = os.pipe()

        def write() -> None:
            with open(writing, "wb") as file:
                file.write(b"through a pipe")

        threading.Thread(target=write).start()
        return open(reading, "rb")

    put_twice(httplib.HTTPConnection(*peer.address, timeout=10), pipe, headers_for("length", 14))
    assert bodies == [b"through a pipe"] * 2


def test_more_or_less_than_was_announced_ends_the_connection(path: Path) -> None:
    def serve(wire: Wire) -> None:
        wire.read_head()
        wire.read_exactly(len(CONTENT))
        wire.respond(b"thanks")

    with ScriptedPeer(serve) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=10)
        with open(path, "rb") as file:
            connection.request("PUT", "/", file, headers_for("length", len(CONTENT) + 7))
        response = connection.getresponse()
        assert response.will_close
        assert response.read() == b"thanks"
        connection.close()


def test_a_file_that_becomes_shorter_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def sendfile(self: Any, file: Any, begin: int = 0, count: int | None = None) -> int:
        return 3

    monkeypatch.setattr(socket.socket, "sendfile", sendfile)
    with ScriptedPeer(lambda wire: wire.read_to_end()) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=10)
        with open(path, "rb") as file, pytest.raises(OSError, match="became shorter"):
            connection.request("PUT", "/", file)
        connection.close()


def test_an_audit_hook_hears_of_the_file(peer: ScriptedPeer, path: Path) -> None:
    heard = []
    listening = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if listening and event == "http.client.send":
            heard.append(arguments[1])

    sys.addaudithook(hook)
    put_twice(httplib.HTTPConnection(*peer.address, timeout=10), partial(open, path, "rb"), headers_for("length"))
    listening = False
    files = [Path(each.name) for each in heard if hasattr(each, "name")]
    blocks = [each for each in heard if isinstance(each, bytes)]
    assert files == [path] * 2 or sum(map(len, blocks)) > 2 * len(CONTENT)
