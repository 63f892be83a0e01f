"""CONNECT until the proxy lets us through, and the head of its response read to the byte."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
from support.responses import Stand, parsed

from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login
from coda_network._auth.scheme import Peer, Role
from coda_network._http.tunnel_login import TunnelError, open_tunnel
from coda_network._net.read_head import read_head

HEAD = b"HTTP/1.1 200 OK\r\nVia: proxy\r\nX: y\r\n\r\n"
LINES = [b"HTTP/1.1 200 OK\r\n", b"Via: proxy\r\n", b"X: y\r\n", b"\r\n"]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.settimeout(10)
    theirs.settimeout(10)
    with closing(ours), closing(theirs):
        yield ours, theirs


def send_slowly(sock: socket.socket, data: bytes) -> threading.Thread:
    thread = threading.Thread(target=lambda: [sock.sendall(data[i : i + 1]) for i in range(len(data))])
    thread.start()
    return thread


@pytest.mark.parametrize("slowly", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize("interim", [b"", b"HTTP/1.1 100 Continue\r\nA: 1\r\n\r\n" * 3], ids=["at once", "after 100"])
def test_a_head_is_read_and_not_one_byte_more(pair, slowly, interim):
    ours, theirs = pair
    if slowly:
        thread = send_slowly(theirs, interim + HEAD + b"SSH-2.0-x")
    else:
        theirs.sendall(interim + HEAD + b"SSH-2.0-x")
    assert read_head(ours) == (LINES, None)
    if slowly:
        thread.join()
    assert ours.recv(100) == b"SSH-2.0-x"


def test_101_is_final():
    lines, _ = read_head(Stand(b"HTTP/1.1 101 Switching\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"))
    assert lines[0] == b"HTTP/1.1 101 Switching\r\n"


def test_the_head_over_tls_is_read_and_not_one_byte_more(ca, client_context):
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with ca.server_context().wrap_socket(theirs, server_side=True) as sock:
            sock.sendall(HEAD + b"behind")
            read.wait(10)

    read = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    with client_context.wrap_socket(ours, server_hostname="localhost") as sock:
        assert read_head(sock) == (LINES, None)
        assert sock.recv(6) == b"behind"
        read.set()
    thread.join()


def test_of_a_stand_in_the_rest_is_in_its_file():
    lines, file = read_head(Stand(HEAD + b"body"))
    assert (lines, file.read()) == (LINES, b"body")


def test_the_end_of_the_connection_is_no_head(pair):
    ours, theirs = pair
    theirs.shutdown(socket.SHUT_WR)
    assert read_head(ours) == ([], None)


@pytest.mark.parametrize("data", [b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nVi"])
def test_a_head_cut_within_a_line_is_a_disconnection(pair, data):
    ours, theirs = pair
    theirs.sendall(data)
    theirs.shutdown(socket.SHUT_WR)
    with pytest.raises(http.client.RemoteDisconnected):
        read_head(ours)


LIMITS = [
    (b"HTTP/1.1 200 " + b"x" * 70000 + b"\r\n\r\n", http.client.LineTooLong),
    (b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70000 + b"\r\n\r\n", http.client.LineTooLong),
    (b"HTTP/1.1 200 OK\r\n" + b"A: 1\r\n" * 200 + b"\r\n", http.client.HTTPException),
    (b"HTTP/1.1 100 Continue\r\n\r\n" * 200, http.client.HTTPException),
    (b"SSH-2.0-x\r\n\r\n", http.client.BadStatusLine),
]


@pytest.mark.parametrize(("data", "error"), LIMITS)
def test_a_head_has_the_limits_of_any_other(pair, data, error):
    ours, theirs = pair
    theirs.sendall(data)
    with pytest.raises(error):
        read_head(ours)


@pytest.mark.parametrize(("data", "error"), LIMITS)
def test_over_a_stand_in_a_head_has_the_same_limits(data, error):
    with pytest.raises(error):
        read_head(Stand(data))


class Proxy:
    """Stands in for a proxy: what it responds in turn, and what was sent to it."""

    def __init__(self, *responses: bytes) -> None:
        self.responses = list(responses)
        self.headers: list[str | None] = []

    def connect(self, authorization: str | None, is_bound: bool = False) -> http.client.HTTPResponse:
        self.headers.append(authorization)
        return parsed(self.responses.pop(0), "CONNECT")


CHALLENGE = b'HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm="x"\r\nContent-Length: 5\r\n\r\nlogin'
OPEN = b"HTTP/1.1 200 OK\r\n\r\n"
ALICE = "Basic YWxpY2U6c2VjcmV0"


def login(password: str | None = "secret") -> Login:
    found = None if password is None else Credentials("alice", password)
    return Login(Role.PROXY, Peer(Role.PROXY, "proxy", 3128), lambda realm: found)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_opens(status):
    proxy = Proxy(b"HTTP/1.1 %d Fine\r\n\r\n" % status)
    assert open_tunnel(proxy.connect, "host:443", None).status == status
    assert proxy.headers == [None]


@pytest.mark.parametrize("status", [300, 302, 400, 403, 404, 407, 500, 502, 503])
def test_anything_else_is_a_refusal_with_its_code_and_reason(status):
    proxy = Proxy(b"HTTP/1.1 %d Because of this \r\nContent-Length: 4\r\n\r\nbody" % status)
    with pytest.raises(TunnelError, match=rf"^Tunnel connection failed: {status} Because of this$") as refused:
        open_tunnel(proxy.connect, "host:443", None)
    assert isinstance(refused.value, OSError)
    assert refused.value.report is None
    assert refused.value.response.status == status
    assert refused.value.response.read() == b"body"


def test_a_challenge_is_met_once_and_the_response_before_is_read_away():
    proxy = Proxy(CHALLENGE, OPEN)
    assert open_tunnel(proxy.connect, "host:443", login()).status == 200
    assert proxy.headers == [None, ALICE]


def test_a_login_that_is_refused_ends_in_the_refusal_with_a_report():
    proxy = Proxy(CHALLENGE, CHALLENGE)
    with pytest.raises(TunnelError, match="407 Login") as refused:
        open_tunnel(proxy.connect, "host:443", login())
    assert proxy.headers == [None, ALICE]
    assert "basic" in str(refused.value.report).lower()
    assert "secret" not in str(refused.value.report) + str(refused.value) + repr(refused.value)


def test_nobody_to_log_in_ends_in_the_refusal():
    proxy = Proxy(CHALLENGE)
    with pytest.raises(TunnelError, match="407 Login"):
        open_tunnel(proxy.connect, "host:443", login(None))
    assert proxy.headers == [None]


def test_a_refusal_other_than_407_is_not_met_with_a_password():
    proxy = Proxy(CHALLENGE.replace(b"407", b"403"))
    with pytest.raises(TunnelError, match="403"):
        open_tunnel(proxy.connect, "host:443", login())
    assert proxy.headers == [None]
