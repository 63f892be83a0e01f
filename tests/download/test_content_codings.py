"""Encoded bodies: asked for, decoded however they are read, and limited."""

from __future__ import annotations

import gzip
import os
import sys
import zlib
from collections.abc import Callable
from http.client import IncompleteRead
from typing import Any
from urllib.error import HTTPError

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.nginx import Nginx
from support.peer import ScriptedPeer, Wire

from coda_network import build_opener, create_download_handle, do_download, urllib2
from coda_network._download import content_codings
from coda_network._download.content_codings import decoder_for
from coda_network.utilities import ContentCodingError, ContentDecodingHandler, DecompressionBomb

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd


def raw_deflate(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(data) + encoder.flush()


ENCODERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("X-GZip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", lambda data: brotli.compress(data, quality=4)),
    "zstd": ("zstd", zstd.compress),
    "two": ("gzip, br", lambda data: brotli.compress(gzip.compress(data), quality=4)),
    "members": ("gzip", lambda data: gzip.compress(data[:10]) + gzip.compress(data[10:])),
    "frames": ("zstd", lambda data: zstd.compress(data[:10]) + zstd.compress(data[10:])),
    "padding": ("gzip", lambda data: gzip.compress(data) + bytes(20)),
    "identity": ("identity", bytes),
}
TEXT = b"".join(b"line %d of an ordinary text\n" % number for number in range(20000)) + os.urandom(1000)

READERS: dict[str, Callable[[Any], bytes]] = {
    "read": lambda handle: handle.read(),
    "read in pieces": lambda handle: b"".join(iter(lambda: handle.read(1000), b"")),
    "read1": lambda handle: b"".join(iter(handle.read1, b"")),
    "readinto": lambda handle: b"".join(iter(lambda: read_into(handle), b"")),
    "lines": lambda handle: b"".join(handle),
    "readline": lambda handle: b"".join(iter(handle.readline, b"")),
}


def read_into(handle: Any) -> bytes:
    buffer = bytearray(5000)
    return bytes(buffer[: handle.readinto(buffer)])


def served(coding: str, body: bytes, chunked: bool = False, status: str = "200 OK") -> Callable[[Wire], None]:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            if chunked:
                pieces = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (body[:7], body[7:]) if piece)
                wire.send(
                    f"HTTP/1.1 {status}\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
                    + pieces
                    + b"0\r\n\r\n"
                )
            else:
                wire.respond(body, status, f"Content-Encoding: {coding}")

    return script


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("name", ENCODERS)
def test_each_coding_is_decoded(name: str, chunked: bool) -> None:
    coding, encode = ENCODERS[name]
    with ScriptedPeer(served(coding, encode(TEXT), chunked)) as peer:
        assert do_download(peer.url) == (200, TEXT)
        assert do_download(peer.url) == (200, TEXT)
        assert peer.connections == 1
        assert b"\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" in peer.heads[0]


@pytest.mark.parametrize("read", READERS.values(), ids=list(READERS))
@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "members"])
def test_each_way_to_read(name: str, read: Callable[[Any], bytes]) -> None:
    coding, encode = ENCODERS[name]
    with ScriptedPeer(served(coding, encode(TEXT))) as peer, create_download_handle(peer.url) as handle:
        assert read(handle) == TEXT
        assert handle.read() == b""


@pytest.mark.parametrize("name", ["gzip", "deflate", "raw deflate", "br", "zstd"])
@given(data=st.binary(max_size=3000), cut=st.integers(1, 50))
def test_decoding_in_pieces_gives_the_same(name: str, data: bytes, cut: int) -> None:
    coding, encode = ENCODERS[name]
    encoded = encode(data)
    decoder = decoder_for(coding)
    assert decoder is not None
    result = b""
    for start in range(0, len(encoded), cut):
        result += decoder.decode(encoded[start : start + cut], 64)
        while not decoder.needs_input:
            result += decoder.decode(b"", 64)
    assert (result, decoder.eof) == (data, True)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_body_cut_short_is_incomplete(name: str) -> None:
    coding, encode = ENCODERS[name]
    with ScriptedPeer(served(coding, encode(TEXT)[:-100])) as peer, create_download_handle(peer.url) as handle:
        with pytest.raises(IncompleteRead):
            handle.read()

    def script(wire: Wire) -> None:
        wire.read_head()
        body = encode(TEXT)
        wire.send(f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        wire.send(body[:-100])

    with ScriptedPeer(script) as peer, create_download_handle(peer.url) as handle:
        with pytest.raises(IncompleteRead):
            handle.read()


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_damaged_body_is_said_to_be_one(name: str) -> None:
    coding = ENCODERS[name][0]
    with ScriptedPeer(served(coding, b"\x1f\x8bthis is nothing that could be decoded" * 9)) as peer:
        with pytest.raises(OSError, match="the encoded body of the response is damaged") as caught:
            with create_download_handle(peer.url) as handle:
                handle.read()
        assert isinstance(caught.value, ContentCodingError)
        with pytest.raises(ContentCodingError):
            do_download(peer.url)


@pytest.mark.parametrize(
    ("coding", "message"),
    [
        ("compress", "'compress' of the response is not known"),
        ("gzip, nonsense", "'nonsense'"),
        ("br", "needs a package"),
    ],
)
def test_a_coding_that_is_not_there_is_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, coding: str, message: str
) -> None:
    monkeypatch.setattr(content_codings, "_brotli", lambda: None)
    with ScriptedPeer(served(coding, b"x")) as peer:
        for call in (create_download_handle, do_download):
            with pytest.raises(ContentCodingError, match=message):
                call(peer.url)
        assert b"Accept-Encoding: gzip, deflate, zstd\r\n" in peer.heads[0]


@pytest.mark.parametrize("arguments", [{"method": "HEAD"}, {}], ids=["HEAD", "empty"])
def test_no_body_is_no_damaged_one(arguments: dict[str, Any]) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        length = b"7" if arguments else b"0"
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " + length + b"\r\n\r\n")

    with ScriptedPeer(script) as peer:
        assert do_download(peer.url, **arguments) == (200, b"")


def test_the_page_of_an_error_is_decoded_too() -> None:
    with ScriptedPeer(served("gzip", gzip.compress(b"why not"), status="404 No")) as peer:
        with pytest.raises(HTTPError) as caught:
            create_download_handle(peer.url)
        with caught.value as error:
            assert error.read() == b"why not"


@pytest.mark.parametrize(
    "header", [{"Accept-Encoding": "gzip"}, {"accept-encoding": "identity"}, {"Range": "bytes=0-"}]
)
def test_who_asks_for_it_gets_it_as_it_was_sent(header: dict[str, str]) -> None:
    with ScriptedPeer(served("gzip", gzip.compress(b"x"))) as peer:
        assert gzip.decompress(do_download(peer.url, headers=header)[1] or b"") == b"x"


# -- limits


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "two"])
def test_a_bomb_is_stopped_early(name: str) -> None:
    coding, encode = ENCODERS[name]
    bomb = encode(bytes(200 << 20))
    with ScriptedPeer(served(coding, bomb)) as peer, create_download_handle(peer.url) as handle:
        came: list[int] = []
        with pytest.raises(DecompressionBomb, match="a decompression bomb"):
            came.extend(len(data) for data in iter(lambda: handle.read(1 << 20), b""))
        assert sum(came) < 40 << 20


@pytest.mark.parametrize(
    ("limits", "bad"), [({"max_ratio": 1e9}, False), ({"max_size": 1000}, True), ({}, True)], ids=str
)
def test_the_limits_can_be_set(limits: dict[str, Any], bad: bool) -> None:
    opener = build_opener(None, [urllib2.ProxyHandler({}), ContentDecodingHandler(**limits)])
    body = bytes(20 << 20)
    with ScriptedPeer(served("gzip", gzip.compress(body))) as peer:
        with opener.open(peer.url) as response:
            if bad:
                with pytest.raises(DecompressionBomb):
                    response.read()
            else:
                assert response.read() == body
        opener.close()


@pytest.mark.parametrize("decode", [False, True])
def test_an_opener_decodes_by_choice(decode: bool) -> None:
    opener = build_opener(None, urllib2.ProxyHandler({}), decode=decode)
    with ScriptedPeer(served("gzip", gzip.compress(b"text"))) as peer:
        with opener.open(peer.url) as response:
            assert (response.read() == b"text") is decode
            assert response.headers["Content-Encoding"] == "gzip"
        opener.close()
        assert (b"Accept-Encoding: identity" in peer.heads[0]) is not decode


@pytest.mark.servers
def test_a_real_server_compresses(nginx: Nginx) -> None:
    result = do_download(nginx.url + nginx.text.path)
    assert result.headers["Content-Encoding"] == "gzip"
    assert result.data == nginx.text.place.read_bytes()
