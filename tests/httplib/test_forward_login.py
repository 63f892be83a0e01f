"""Requests in absolute form: a proxy's challenge is met with the login that the program's Basic header holds."""

from __future__ import annotations

import base64
import http.client
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib
from coda_network._auth.login import LARGE_BODY

URL = "http://example.test/path"
BASIC = "Basic " + base64.b64encode(b"alice:wonder1and").decode()
DIGEST = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'


@pytest.fixture
def talk() -> Iterator[Callable[..., Any]]:
    """Send one request to a peer and return the response, read; the connection is closed at the end."""
    connections = []

    def send(peer: ScriptedPeer, *arguments: Any, header: str | None = BASIC, **options: Any) -> Any:
        if not connections or connections[0].port != peer.port:
            connections.insert(0, httplib.HTTPConnection(*peer.address, timeout=10))
        headers = {**options.pop("headers", {}), **({} if header is None else {"Proxy-Authorization": header})}
        connections[0].request(*arguments, headers=headers, **options)
        response = connections[0].getresponse()
        response.page = response.read()
        return response

    yield send
    for connection in connections:
        connection.close()


def authorization(head: bytes) -> str:
    """The scheme in a head: Basic, Digest or nothing."""
    lines = [line for line in head.split(b"\r\n") if line.lower().startswith(b"proxy-authorization:")]
    assert len(lines) <= 1
    return lines[0].split()[1].decode() if lines else ""


def digest_proxy(*, close: bool = False) -> tuple[list[tuple[str, str, bytes]], Callable[[Wire], None]]:
    """A script that lets in only with Digest, and what it saw: method, scheme and body of each request."""
    seen: list[tuple[str, str, bytes]] = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            body = b""
            if b"chunked" in head:
                while (size := int(wire_line(wire), 16)) > 0:
                    body += wire.read_exactly(size + 2)[:-2]
                wire.read_exactly(2)
            elif length := header(head, b"content-length"):
                body = wire.read_exactly(int(length))
            method, scheme = head.split()[0].decode(), authorization(head)
            seen.append((method, scheme, body))
            if scheme == "Digest":
                assert b'uri="' + URL.encode() in head
                wire.respond(b"" if method == "HEAD" else b"welcome", "200 OK")
            elif method == "HEAD":
                wire.send(f"HTTP/1.1 407 No\r\n{DIGEST}\r\nContent-Length: 4\r\n\r\n".encode())
            elif close:
                wire.respond(b"page", "407 No", DIGEST, "Connection: close")
                return
            else:
                wire.respond(b"page", "407 No", DIGEST)

    return seen, script


def wire_line(wire: Wire) -> bytes:
    line = b""
    while not line.endswith(b"\r\n"):
        line += wire.read_exactly(1)
    return line[:-2]


def header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(name + b":"):
            return line.partition(b":")[2].strip()
    return None


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (None, b""),
        (b"bytes", b"bytes"),
        (io.BytesIO(b"a file"), b"a file"),
        (b"x" * LARGE_BODY, b"x" * LARGE_BODY),
    ],
)
def test_a_short_request_is_sent_again_on_the_same_connection(talk: Any, body: Any, sent: bytes) -> None:
    seen, script = digest_proxy()
    headers = {"Content-Length": str(len(sent))} if body is not None else {}
    with ScriptedPeer(script) as peer:
        response = talk(peer, "PUT", URL, body, headers=headers)
        assert (response.status, response.page) == (200, b"welcome")
        assert peer.connections == 1
    assert seen == [("PUT", "Basic", sent), ("PUT", "Digest", sent)]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (b"x" * (LARGE_BODY + 1), b"x" * (LARGE_BODY + 1)),
        (iter([b"one", b"two"]), b"onetwo"),
        ((piece for piece in [b"x" * 100000] * 20), b"x" * 2000000),
    ],
    ids=["long", "iterator", "generator"],
)
def test_a_long_body_is_sent_once_behind_a_login_by_head(talk: Any, body: Any, sent: bytes) -> None:
    seen, script = digest_proxy()
    with ScriptedPeer(script) as peer:
        assert talk(peer, "POST", URL, body, headers={"Cookie": "secret", "Expect": "x"}).status == 200
        probe = peer.heads[0]
    assert seen == [("HEAD", "Basic", b""), ("POST", "Digest", sent)]
    assert b"Cookie" not in probe
    assert b"Expect" not in probe


def test_the_login_goes_with_the_requests_that_follow(talk: Any) -> None:
    seen, script = digest_proxy()
    with ScriptedPeer(script) as peer:
        for _ in range(3):
            assert talk(peer, "GET", URL).status == 200
        assert talk(peer, "POST", URL, b"x" * 200000).status == 200
    assert [(method, scheme) for method, scheme, _ in seen] == [
        ("GET", "Basic"),
        ("GET", "Digest"),
        ("GET", "Digest"),
        ("GET", "Digest"),
        ("POST", "Digest"),
    ]


@pytest.mark.parametrize("body", [None, b"body", b"x" * 100000])
def test_a_proxy_that_closes_after_its_challenge_is_dialled_again(talk: Any, body: bytes | None) -> None:
    seen, script = digest_proxy(close=True)
    with ScriptedPeer(script) as peer:
        assert talk(peer, "PUT", URL, body).status == 200
        # A long body went after HEAD, which this proxy responds to without closing.
        assert peer.connections == (1 if body and len(body) > LARGE_BODY else 2)
    assert seen[-1] == ("PUT", "Digest", body or b"")


def test_a_refused_basic_login_is_not_repeated(talk: Any) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"page", "407 No", 'Proxy-Authenticate: Basic realm="r"', DIGEST)

    with ScriptedPeer(script) as peer:
        response = talk(peer, "GET", URL)
        assert (response.status, response.page) == (407, b"page")
        assert "refused" in str(response.auth_report)
        assert "wonder1and" not in str(response.auth_report)
        assert len(peer.heads) == 1


def test_a_login_that_fails_returns_the_last_response(talk: Any) -> None:
    def script(wire: Wire) -> None:
        for number, _ in enumerate(wire.read_heads()):
            wire.respond(b"page %d" % number, "407 No", DIGEST)

    with ScriptedPeer(script) as peer:
        response = talk(peer, "GET", URL)
        assert (response.status, response.page) == (407, b"page 1")


def test_a_login_by_head_that_fails_is_the_response_and_no_body_is_sent(talk: Any) -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            assert head.startswith(b"HEAD ")
            wire.send(b'HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm="r"\r\nContent-Length: 4\r\n\r\n')

    with ScriptedPeer(script) as peer:
        response = talk(peer, "POST", URL, b"x" * 200000)
        assert (response.status, response.page, response.getheader("Content-Length")) == (407, b"", "0")
        # The connection can be used again.
        assert talk(peer, "POST", URL, b"x" * 200000).status == 407
        assert peer.connections == 1


def test_a_proxy_that_takes_the_header_sees_what_was_sent_and_nothing_else(talk: Any) -> None:
    def script(wire: Wire) -> None:
        for _ in range(2):
            wire.read_request()
            wire.respond(b"welcome", "200 OK")

    with ScriptedPeer(script) as peer:
        for _ in range(2):
            assert talk(peer, "POST", URL, b"body").status == 200
        heads = peer.heads
    assert [authorization(head) for head in heads] == ["Basic", "Basic"]


@pytest.mark.parametrize("given", [None, BASIC])
def test_a_long_body_goes_out_at_once_where_no_login_is_to_be_expected(talk: Any, given: str | None) -> None:
    methods = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            methods.append(head.split()[0].decode())
            wire.read_exactly(int(header(head, b"content-length") or 0))
            wire.respond(b"" if methods[-1] == "HEAD" else b"welcome", "200 OK", "Connection: close")
            return

    with ScriptedPeer(script) as peer:
        for _ in range(3):
            assert talk(peer, "POST", URL, b"x" * 200000, header=given).status == 200
    # With a login nobody knows the first time; afterwards the proxy is known to take it.
    assert methods == [*([] if given is None else ["HEAD"]), "POST", "POST", "POST"]


def test_without_any_login_the_refusal_is_the_response(talk: Any) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"page", "407 No", DIGEST)

    with ScriptedPeer(script) as peer:
        assert talk(peer, "GET", URL, header=None).status == 407
        assert len(peer.heads) == 1


@pytest.mark.parametrize("given", ["Digest username=x", "NTLM TlRMTVNTUAAB", "Bearer token", "Basic !"])
def test_a_login_of_the_program_itself_is_left_alone(talk: Any, given: str) -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            assert f"Proxy-Authorization: {given}\r\n".encode() in head
            wire.respond(b"page", "407 No", DIGEST)

    with ScriptedPeer(script) as peer:
        assert talk(peer, "GET", URL, header=given).status == 407
        assert len(peer.heads) == 1


def test_a_request_in_another_form_is_left_alone(talk: Any) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"page", "407 No", DIGEST)

    with ScriptedPeer(script) as peer:
        assert talk(peer, "GET", "/path").status == 407
        assert len(peer.heads) == 1


def test_pieces_that_a_program_sends_by_itself_are_remembered() -> None:
    seen, script = digest_proxy()
    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=10)
        connection.putrequest("POST", URL)
        connection.putheader("Proxy-Authorization", BASIC)
        connection.putheader("Content-Length", "6")
        connection.endheaders()
        for piece in (b"one", b"two"):
            connection.send(piece)
        assert connection.getresponse().status == 200
        connection.close()
    assert seen == [("POST", "Basic", b"onetwo"), ("POST", "Digest", b"onetwo")]


def test_a_connection_closed_in_the_middle_begins_anew() -> None:
    seen, script = digest_proxy()
    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=10)
        connection.request("GET", URL, headers={"Proxy-Authorization": BASIC})
        connection.close()
        connection.request("GET", "/other")
        assert connection.getresponse().status == 407
        connection.close()
    # Two connections, whose heads are noted in either order: the second had no header of the first.
    assert "" in [scheme for _, scheme, _ in seen]


def test_a_head_written_by_hand_is_not_understood_and_goes_out_as_it_is() -> None:
    def script(wire: Wire) -> None:
        assert wire.read_head() == b"GET / HTTP/1.1\r\n\r\n"
        wire.respond(b"page", "407 No", DIGEST)

    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=10)
        connection.putrequest("GET", URL)
        connection._buffer.clear()
        connection.send(b"GET / HTTP/1.1\r\n")
        connection.send(b"\r\n")
        connection._HTTPConnection__state = "Request-sent"
        assert connection.getresponse().status == 407
        connection.close()


def test_exceptions_of_the_connection_come_through(talk: Any) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        if wire.number == 1:
            wire.respond(b"page", "407 No", DIGEST)
            wire.read_head()
        wire.close()

    with ScriptedPeer([script, script]) as peer, pytest.raises(http.client.RemoteDisconnected):
        talk(peer, "GET", URL)
