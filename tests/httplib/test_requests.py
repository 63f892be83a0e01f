"""What goes out: request lines, headers, bodies of every kind, and what is refused before a byte is sent."""

from __future__ import annotations

import http.client
import io
import sys
from array import array
from collections.abc import Iterator

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib


def echo(wire: Wire) -> None:
    """Answers each request with the bytes of it that the script has read: head, and body by length or chunks."""
    for head in wire.read_heads():
        body = b""
        lower = head.lower()
        if b"chunked\r\n" in lower:
            while not body.endswith(b"0\r\n\r\n"):
                body += wire.read_exactly(1)
        elif b"content-length: " in lower:
            body = wire.read_exactly(int(lower.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        wire.respond(b"" if head.startswith(b"HEAD") else head + body)


@pytest.fixture
def peer() -> Iterator[ScriptedPeer]:
    with ScriptedPeer(echo) as server:
        yield server


@pytest.fixture
def connection(peer: ScriptedPeer) -> Iterator[httplib.HTTPConnection]:
    made = httplib.HTTPConnection(*peer.address)
    yield made
    made.close()


def sent_by(connection: http.client.HTTPConnection, *arguments: object, **options: object) -> bytes:
    connection.request(*arguments, **options)
    return connection.getresponse().read()


def numbers() -> Iterator[bytes]:
    yield b"one"
    yield b""
    yield b"two"


BODIES = {
    "none": lambda: None,
    "empty": lambda: b"",
    "bytes": lambda: b"body",
    "str": lambda: "b\xf6dy",
    "bytearray": lambda: bytearray(b"body"),
    "memoryview": lambda: memoryview(b"body"),
    "array": lambda: array("H", [1, 2, 3]),
    "long bytes": lambda: b"x" * 100_000,
    "file": lambda: io.BytesIO(b"body" * 5000),
    "text file": lambda: io.StringIO("b\xf6dy"),
    "empty file": lambda: io.BytesIO(b""),
    "list": lambda: [b"one", b"two"],
    "tuple": lambda: (b"one", b"two"),
    "generator": numbers,
}
HEADERS = [
    {},
    {"X-A": "1", "X-B": b"2", "X-C": 3},
    {"host": "other.example"},
    {"ACCEPT-ENCODING": "gzip"},
    {"Host": "other.example", "Accept-Encoding": "br", "User-Agent": "x"},
    {"X-Folded": "one\r\n two"},
    {"X-Odd Name ": "v\xe4lue"},
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "put", "X-ODD"])
@pytest.mark.parametrize("body", BODIES)
def test_every_kind_of_body_goes_out_as_from_http_client(peer, connection, method, body):
    theirs = http.client.HTTPConnection(*peer.address)
    assert sent_by(connection, method, "/p?q", BODIES[body]()) == sent_by(theirs, method, "/p?q", BODIES[body]())
    theirs.close()


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("body", ["none", "bytes", "generator"])
def test_headers_go_out_as_from_http_client(peer, connection, headers, body):
    theirs = http.client.HTTPConnection(*peer.address)
    ours = sent_by(connection, "POST", "/", BODIES[body](), headers)
    assert ours == sent_by(theirs, "POST", "/", BODIES[body](), headers)
    theirs.close()


CHUNKED = {"Transfer-Encoding": "chunked"}
ENCODED = b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("headers", "body", "encode_chunked", "on_the_wire"),
    [
        (CHUNKED, [b"one", b"two"], True, ENCODED),
        (CHUNKED, b"onetwo", True, b"6\r\nonetwo\r\n0\r\n\r\n"),
        (CHUNKED, [b"3\r\none\r\n", b"3\r\ntwo\r\n0\r\n\r\n"], False, ENCODED),
        (CHUNKED, ENCODED, False, ENCODED),
        ({"transfer-encoding": "gzip, chunked"}, [b"one", b"two"], True, ENCODED),
        ({"Content-Length": "6"}, [b"one", b"two"], True, b"onetwo"),
        ({"Content-Length": "6"}, b"onetwo", False, b"onetwo"),
        ({}, [b"one", b"two"], False, ENCODED),
        ({}, b"onetwo", True, b"onetwo"),
    ],
)
def test_encode_chunked_counts_where_the_caller_says_that_the_body_is_chunked(
    connection, headers, body, encode_chunked, on_the_wire
):
    echoed = sent_by(connection, "PUT", "/", body, headers, encode_chunked=encode_chunked)
    head, _, sent = echoed.partition(b"\r\n\r\n")
    assert sent == on_the_wire
    assert head.lower().count(b"transfer-encoding") + head.lower().count(b"content-length") == 1


def test_files_are_read_in_blocks_of_the_size_that_was_asked_for(peer):
    class File(io.BytesIO):
        sizes: list[int] = []

        def read(self, size: int | None = -1, /) -> bytes:
            self.sizes.append(size)
            return super().read(size)

    connection = httplib.HTTPConnection(*peer.address, blocksize=7)
    assert sent_by(connection, "PUT", "/", File(b"a" * 10)).endswith(b"7\r\naaaaaaa\r\n3\r\naaa\r\n0\r\n\r\n")
    assert File.sizes == [7, 7, 7]
    connection.close()


def test_head_and_body_of_an_ordinary_request_travel_together(peer):
    sent = []
    connection = httplib.HTTPConnection(*peer.address)
    connection.connect()
    connection.send = lambda data: sent.append(data)
    connection.request("POST", "/", b"body")
    connection.close()
    assert len(sent) == 1
    assert sent[0].endswith(b"\r\n\r\nbody")


def test_a_request_can_be_written_step_by_step(connection):
    connection.putrequest("POST", "/steps", skip_host=True, skip_accept_encoding=True)
    connection.putheader("X-Several", "one", b"two", 3)
    connection.putheader(b"Content-Length", 11)
    connection.endheaders(b"1234")
    connection.send(b"5")
    connection.send(io.BytesIO(b"67"))
    connection.send(io.StringIO("8"))
    connection.send([b"9", b"0"])
    connection.send(array("b", [33]))
    expected = b"POST /steps HTTP/1.1\r\nX-Several: one\r\n\ttwo\r\n\t3\r\nContent-Length: 11\r\n\r\n1234567890!"
    assert connection.getresponse().read() == expected


def test_what_cannot_be_sent_is_a_type_error(connection):
    with pytest.raises(TypeError, match="bytes-like object or an iterable"):
        connection.request("PUT", "/", 5, {"Content-Length": "0"})
    connection.close()
    connection.connect()
    with pytest.raises(TypeError, match="bytes-like object or an iterable"):
        connection.send(5)


@pytest.mark.parametrize("target", ["*", "http://other.example:81/x", "https://[::1]:5/", "host:443", "", "//x"])
def test_targets_of_other_forms_go_out_as_from_http_client(peer, connection, target):
    theirs = http.client.HTTPConnection(*peer.address)
    assert sent_by(connection, "OPTIONS", target) == sent_by(theirs, "OPTIONS", target)
    theirs.close()


UNSAFE = ["\r\n", "\n", "\r", "\0", " ", "\t", "\x7f", "\x0b", "\x1f"]


@pytest.mark.parametrize("junk", UNSAFE)
@pytest.mark.parametrize("where", ["method", "url"])
def test_a_request_line_that_would_not_stay_one_is_refused(where, junk):
    connection = httplib.HTTPConnection("127.0.0.1", 1)  # nobody is there, and nobody is asked
    method, url = (f"G{junk}T", "/") if where == "method" else ("GET", f"/a{junk}b")
    with pytest.raises(ValueError) as refused:
        connection.request(method, url)
    assert isinstance(refused.value, http.client.InvalidURL) is (where == "url")
    assert connection.sock is None


def test_a_target_that_is_not_ascii_is_refused():
    with pytest.raises(ValueError):
        httplib.HTTPConnection("127.0.0.1", 1).request("GET", "/\xe4")


@pytest.mark.parametrize("text", [str, lambda text: text.encode("latin-1")], ids=["str", "bytes"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("A\r\nB", "1"), ("A\nB", "1"), ("A\rB", "1"), ("A:B", "1"), ("A\0", "1"), (" A", "1"), ("", "1"),
        ("A", "1\r\nB: 2"), ("A", "1\nB: 2"), ("A", "1\rB: 2"), ("A", "1\r\n"), ("A", "\0"), ("A", "1\r\n\r\n"),
    ],
)  # fmt: skip
def test_a_header_that_would_not_stay_one_is_refused(name, value, text):
    connection = httplib.HTTPConnection("127.0.0.1", 1)
    with pytest.raises(ValueError, match="Invalid header"):
        connection.request("GET", "/", headers={text(name): text(value)})
    assert connection.sock is None


def test_a_request_that_was_refused_leaves_nothing_behind_after_close(connection):
    with pytest.raises(ValueError):
        connection.request("GET", "/first", headers={"A": "1\r\nB: 2"})
    connection.close()
    assert sent_by(connection, "GET", "/second").startswith(b"GET /second HTTP/1.1\r\n")


def test_without_auto_open_somebody_else_has_to_connect(connection):
    connection.auto_open = 0
    with pytest.raises(http.client.NotConnected):
        connection.request("GET", "/")
    connection.close()
    connection.connect()
    assert sent_by(connection, "GET", "/").startswith(b"GET /")


def test_the_source_address_is_where_the_connection_comes_from():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(wire.sock.getpeername()[0].encode())

    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address, source_address=("127.0.0.2", 0))
        assert sent_by(connection, "GET", "/") == b"127.0.0.2"
        connection.close()


def test_head_and_put_work_on_one_connection(peer, connection):
    connection.request("HEAD", "/")
    response = connection.getresponse()
    assert response.status == 200
    assert response.read() == b""
    assert sent_by(connection, "PUT", "/", b"body").endswith(b"\r\n\r\nbody")
    assert peer.connections == 1


def test_audit_hooks_see_the_connection_and_what_is_sent(connection, peer):
    events: list[tuple[str, tuple[object, ...]]] = []
    listening = True

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event.startswith("http.client."):
            events.append((event, arguments))

    sys.addaudithook(hook)
    sent = sent_by(connection, "POST", "/", b"body")
    listening = False
    assert events[0] == ("http.client.connect", (connection, *peer.address))
    assert {event for event, _ in events[1:]} == {"http.client.send"}
    assert b"".join(arguments[1] for _, arguments in events[1:]) == sent
    assert all(arguments[0] is connection for _, arguments in events)


@pytest.mark.parametrize("url", [None, ""])
def test_no_url_asks_for_the_root(connection: httplib.HTTPConnection, url: str | None) -> None:
    assert sent_by(connection, "GET", url).startswith(b"GET / HTTP/1.1\r\n")
    connection.putrequest("GET", url)
    connection.endheaders()
    assert connection.getresponse().read().startswith(b"GET / HTTP/1.1\r\n")


@pytest.mark.parametrize("name", ["host", "port", "default_port"])
def test_what_host_is_made_of_may_change_between_two_requests(connection: httplib.HTTPConnection, name: str) -> None:
    def host() -> bytes:
        return next(line for line in sent_by(connection, "GET", "/").split(b"\r\n") if line.startswith(b"Host: "))

    before = host()
    assert host() == before
    port = connection.port
    setattr(connection, name, {"host": "other.example", "port": port + 1, "default_port": port}[name])
    expected = f"Host: {connection.host}" + ("" if name == "default_port" else f":{connection.port}")
    assert host() == expected.encode()
