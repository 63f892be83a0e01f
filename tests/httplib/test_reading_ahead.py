"""Bodies read in blocks and chunks, in any turn with lines: no byte is lost or comes twice."""

from __future__ import annotations

import http.client
import itertools
import random
import socket
import ssl
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bodies import BODY, FRAMINGS, LINES, responding
from support.certs import Authority
from support.peer import ScriptedPeer, Wire

from coda_network import httplib
from coda_network._http import body_buffer, response


def at_once(data: bytes) -> Any:
    """Return the response that *data* is, from a real socket on which all of it is there."""
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(data)
    connection = httplib.HTTPConnection("host")
    connection.sock = ours
    connection._HTTPConnection__state, connection._method = "Request-sent", "GET"
    response = connection.getresponse()
    connection.close() if response.will_close else None
    response.connection = connection  # it would close the socket
    return response


def mixed(response: Any, numbers: random.Random) -> bytes:
    """Read all of a body in ways that take turns; most of them are for blocks."""

    def into(size: int) -> bytes:
        buffer = bytearray(size)
        return bytes(buffer[: response.readinto(buffer)])

    def some_lines(size: int) -> bytes:
        return b"".join(line for line in itertools.islice(response, size % 50 + 1))

    ways = [response.read, response.read, into, into, response.readline, response.read1, some_lines]
    data = b""
    while True:
        way, size = numbers.choice(ways), numbers.choice([1, 100, 20_000, 32_768, 50_000, 65_536, 70_000])
        shown = response.peek(10) if numbers.random() < 0.1 else b""
        piece = way(size)
        assert piece[: len(shown)] == shown[: len(piece)]
        if not piece:
            return data
        data += piece


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
@pytest.mark.parametrize("framing", FRAMINGS)
def test_reads_of_all_kinds_and_sizes_together_give_the_body(framing, tls, seed, ca: Authority, client_context):
    body = BODY if seed % 2 else LINES
    context = ca.server_context() if tls else None
    with responding(FRAMINGS[framing](body), context=context, client=client_context) as connection:
        response = connection.getresponse()
        assert mixed(response, random.Random(seed)) == body
        assert response.isclosed()


@pytest.mark.parametrize("timeout", [None, 20])
@pytest.mark.parametrize("size", [32_768, 65_536])
@pytest.mark.parametrize("way", ["read", "readinto"])
def test_blocks_are_full_but_the_last(way, size, timeout):
    with responding(FRAMINGS["length"](BODY), timeout=timeout, stay=True) as connection:
        response = connection.getresponse()
        buffer = bytearray(size)
        counts = []
        data = b""
        while piece := response.read(size) if way == "read" else buffer[: response.readinto(buffer)]:
            counts.append(len(piece))
            data += piece
    assert data == BODY
    assert counts == [size] * (len(BODY) // size) + [len(BODY) % size]


def test_what_other_code_reads_from_the_file_is_not_read_again_nor_left_out():
    with responding(FRAMINGS["length"](BODY), stay=True) as connection:
        response = connection.getresponse()
        data = response.read(65_536)
        for _ in range(3):
            data += response.fp.read(10) + response.fp.readline() + response.fp.peek()[:0]
            response.length = len(BODY) - len(data)
            data += response.read(65_536)
        assert data + response.read() == BODY


@pytest.mark.parametrize("way", ["read", "readinto"])
def test_a_block_ends_with_the_connection(way):
    with responding(b"Content-Length: 100000\r\n\r\n" + BODY[:70_000]) as connection:
        response = connection.getresponse()
        buffer = bytearray(65_536)
        read = {"read": lambda: response.read(65_536), "readinto": lambda: buffer[: response.readinto(buffer)]}[way]
        assert b"".join(bytes(read()) for _ in range(3)) == BODY[:70_000]
        assert response.isclosed()


@pytest.mark.parametrize("way", ["read", "readinto"])
def test_after_a_time_out_in_a_block_nothing_more_is_read(way):
    with responding(b"Content-Length: 100000\r\n\r\n" + BODY[:70_000], stay=True) as connection:
        response = connection.getresponse()
        act = {"read": lambda: response.read(65_536), "readinto": lambda: response.readinto(bytearray(65_536))}[way]
        act()
        connection.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            act()
        with pytest.raises(OSError, match="timed out object"):
            act()
        with pytest.raises(OSError, match="timed out object"):
            response.read(1)
        sock = connection.sock
        response.close()
        connection.putrequest("GET", "/")
        assert connection.sock is not sock


def test_a_socket_with_calls_of_its_own_is_read_by_them():
    class Counting(socket.socket):
        calls = 0

        def recv_into(self, *arguments: Any) -> int:
            self.calls += 1
            return super().recv_into(*arguments)

    with responding(FRAMINGS["length"](BODY), stay=True) as connection:
        plain = connection.sock
        connection.sock = Counting(plain.family, plain.type, plain.proto, plain.detach())
        connection.sock.settimeout(20)
        response = connection.getresponse()
        assert b"".join(iter(lambda: response.read(65_536), b"")) == BODY
        assert connection.sock.calls > len(BODY) // 65_536


def test_a_tls_socket_with_calls_of_its_own_is_read_by_them(ca: Authority, client_context):
    class Counting(ssl.SSLSocket):
        calls = 0

        def read(self, *arguments: Any) -> Any:
            self.calls += 1
            return super().read(*arguments)

    with responding(
        FRAMINGS["length"](BODY), stay=True, context=ca.server_context(), client=client_context
    ) as connection:
        connection.sock.__class__ = Counting
        assert connection.getresponse().read() == BODY
        assert connection.sock.calls > len(BODY) // 16384


# -- the end of TLS


def cut_off(wire: Wire) -> None:
    """End the connection below TLS."""
    wire.sock.unwrap = None
    with socket.socket(fileno=wire.sock.detach()) as plain:
        plain.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("suppressed", [True, False])
@pytest.mark.parametrize("head", [b"Content-Length: 10\r\n", b"Transfer-Encoding: chunked\r\n", b""])
def test_tls_that_is_cut_off_is_an_end_or_an_error_as_its_socket_has_it(
    head, suppressed, ca: Authority, client_context
):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + b"6\r\n" * (b"chunked" in head) + b"hello")
        cut_off(wire)

    with ScriptedPeer([script], tls=ca.server_context()) as peer:
        connection = httplib.HTTPSConnection(*peer.address, context=client_context)
        connection.request("GET", "/")
        connection.sock.suppress_ragged_eofs = suppressed
        response = connection.getresponse()
        if not suppressed:
            with pytest.raises(ssl.SSLEOFError):
                response.read()
        elif head:
            with pytest.raises(http.client.IncompleteRead) as cut:
                response.read()
            assert cut.value.partial == b"hello"
        else:
            assert response.read() == b"hello"
        response.close()
        connection.close()


def test_after_a_time_out_over_tls_nothing_more_is_read(ca: Authority, client_context):
    rest = b"Content-Length: 100000\r\n\r\n" + BODY[:70_000]
    with responding(rest, stay=True, context=ca.server_context(), client=client_context) as connection:
        response = connection.getresponse()
        connection.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            response.read()
        with pytest.raises(OSError, match="timed out object"):
            response.read(10)


def test_a_tls_connection_that_another_thread_shuts_down_has_ended(ca: Authority, client_context):
    rest = b"Content-Length: 100\r\n\r\nhello"
    with responding(rest, stay=True, context=ca.server_context(), client=client_context) as connection:
        response = connection.getresponse()
        assert response.read(5) == b"hello"
        connection.sock.shutdown(socket.SHUT_RDWR)
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            response.read()


# -- long bodies


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat a body as one of more than is set aside at once."""
    for module in (body_buffer, response):
        monkeypatch.setattr(module, "LARGEST_PIECE", 100_000)
        monkeypatch.setattr(module, "PIECE", 7000)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_body_longer_than_is_set_aside_at_once_is_whole(framing):
    with responding(FRAMINGS[framing](BODY)) as connection:
        assert connection.getresponse().read() == BODY


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("there", [0, 50_000, 100_000, 100_001, 107_000, 699_999])
def test_a_long_body_that_is_cut_is_kept_as_far_as_it_came(there):
    with responding(b"Content-Length: 700000\r\n\r\n" + BODY[:there]) as connection:
        response = connection.getresponse()
        with pytest.raises(http.client.IncompleteRead) as cut:
            response.read()
        assert (cut.value.partial, cut.value.expected) == (BODY[:there], 700_000 - there)
        assert response.isclosed()


# -- chunks


@given(
    st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=40),
    st.lists(st.integers(1, 300), max_size=8),
    st.sampled_from(["read", "readinto"]),
    st.sampled_from([b"%x\r\n", b"00%X;name=value\r\n", b"%x \t\r\n", b"%x;\r\n"]),
)
def test_small_chunks_read_back_in_pieces_of_any_size(pieces, amounts, method, head):
    encoded = b"".join(head % len(piece) + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    body = b"".join(pieces)
    response = at_once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + encoded)
    for amount in amounts:
        expected, body = body[:amount], body[amount:]
        if method == "read":
            assert response.read(amount) == expected
        else:
            buffer = bytearray(amount)
            assert buffer[: response.readinto(buffer)] == expected
    assert response.read() == body
    assert response.isclosed()
    response.connection.close()


MALFORMED = [
    b"g\r\nx\r\n",
    b"+1\r\nx\r\n",
    b"0x1\r\nx\r\n",
    b"\nx\r\n",
    b"1\nx\r\n",
    b"1\r\nxy\r\n",
    b"1\r\nx\n\n",
    b"1_0\r\nx",
]


@pytest.mark.parametrize("method", ["read", "readinto", "readlines"])
@pytest.mark.parametrize("broken", MALFORMED)
def test_behind_small_chunks_malformed_ones_are_an_error_that_has_the_data(broken, method):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    response = at_once(head + b"2\r\nab\r\n" * 20 + broken + b"\r\n0\r\n\r\n")
    with pytest.raises(http.client.IncompleteRead) as cut:
        response.readinto(bytearray(1000)) if method == "readinto" else getattr(response, method)()
    assert cut.value.partial.startswith(b"ab" * 20)
    assert response.isclosed()
    response.connection.close()


def test_a_line_that_is_cut_in_a_chunk_is_in_the_error():
    response = at_once(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na\nb\r\n9\r\ncd")
    assert response.readline(None) == b"a\n"
    with pytest.raises(http.client.IncompleteRead) as cut:
        response.readline()
    assert (cut.value.partial, cut.value.expected) == (b"bcd", 7)
    response.close()
    response.connection.close()
