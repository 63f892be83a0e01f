"""Requests in absolute-form through the local proxy, byte by byte."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from support.accounts import ALICE
from support.local import RawClient, local_proxy
from support.origin import Origin, patterned
from support.peer import Script, ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network._local_proxy.proxy import LocalProxy
from coda_network._local_proxy.settings import Limits
from coda_network._route.named import named_routes


@pytest.fixture
def direct() -> Iterator[LocalProxy]:
    with local_proxy() as proxy:
        yield proxy


def heads_of(peer: ScriptedPeer) -> list[str]:
    return peer.heads[0].decode().split("\r\n")


def test_a_request_keeps_its_fields_and_loses_those_of_the_hop(direct: LocalProxy) -> None:
    with ScriptedPeer(lambda wire: (wire.read_head(), wire.respond(b"ok"))) as peer, RawClient(direct) as client:
        client.send(
            f"GET {peer.url}/a?b=c#d HTTP/1.1\r\nHost: other\r\nX-Case: 1\r\nx-CASE: 2\r\nCookie: a=1\r\n"
            "Connection: X-Mine, keep-alive\r\nX-Mine: 1\r\nProxy-Connection: keep-alive\r\nTE: gzip\r\n"
            "Proxy-Authorization: Basic eDp5\r\nKeep-Alive: timeout=5\r\nVia: 1.1 before\r\n\r\n".encode()
        )
        assert client.response()[2] == b"ok"
        head = heads_of(peer)
    assert head[0] == "GET /a?b=c HTTP/1.1"
    assert head[1:] == [
        f"Host: {peer.netloc}",
        "X-Case: 1, 2",
        "Cookie: a=1",
        f"Via: 1.1 before, 1.1 {direct.pseudonym}",
        "Connection: keep-alive",
        "",
        "",
    ]


def test_a_response_keeps_its_fields_and_loses_those_of_the_hop(direct: LocalProxy) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(
            b"ok", "200 Fine", "Set-Cookie: a=1", "Set-Cookie: b=2", "Connection: X-Mine", "X-Mine: 1", "Keep-Alive: x"
        )

    with ScriptedPeer(script) as peer, RawClient(direct) as client:
        status, head, body = client.get(peer.url)
    assert (status, body) == (200, b"ok")
    lines = head.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 200 Fine"
    assert [line for line in lines if line.startswith("Set-Cookie")] == ["Set-Cookie: a=1", "Set-Cookie: b=2"]
    assert not [line for line in lines if line.startswith(("X-Mine", "Keep-Alive"))]
    assert f"Via: 1.1 {direct.pseudonym}" in lines


def test_both_sides_are_kept_alive_and_share_upstream_connections(direct: LocalProxy, origin: Origin) -> None:
    with RawClient(direct) as one, RawClient(direct) as two:
        for client in (one, two, one):
            assert client.get(origin.url + "/x")[0] == 200
    assert origin.connections == 1


def test_requests_that_come_together_are_served_in_order(direct: LocalProxy, origin: Origin) -> None:
    with RawClient(direct) as client:
        for number in range(3):
            client.send(f"GET {origin.url}/{number} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert [json.loads(client.response()[2])["path"] for _ in range(3)] == ["/0", "/1", "/2"]


@pytest.mark.parametrize("path", ["/bytes/1", "/bytes/3000000", "/chunked", "/no-length", "/http10"])
def test_bodies_of_every_framing_arrive(direct: LocalProxy, origin: Origin, path: str) -> None:
    with RawClient(direct) as client:
        status, _, body = client.get(origin.url + path)
        assert status == 200
        if "bytes" in path:
            assert body == patterned(int(path.rpartition("/")[2]))
        else:
            assert json.loads(body)["path"] == path
        assert client.get(origin.url + "/again")[0] == 200  # on the same connection of the client


@pytest.mark.parametrize("size", [0, 5, 70_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_request_bodies_arrive_with_their_framing(direct: LocalProxy, origin: Origin, size: int, chunked: bool) -> None:
    body = patterned(size)
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    with RawClient(direct) as client:
        client.send(f"POST {origin.url}/up HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode())
        if chunked:
            for start in range(0, size, 50_000):
                piece = body[start : start + 50_000]
                client.send(b"%x;ext=1\r\n%b\r\n" % (len(piece), piece))
            client.send(b"0\r\n\r\n")
        else:
            client.send(body)
        assert json.loads(client.response()[2])["body_length"] == size
        assert client.get(origin.url + "/next")[0] == 200


def test_trailers_go_both_ways(direct: LocalProxy) -> None:
    def script(wire: Wire) -> None:
        assert b"TE: trailers\r\n" in wire.read_head()
        assert wire.read_exactly(len(b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")) == b"3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n"
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n")

    with ScriptedPeer(script) as peer, RawClient(direct) as client:
        client.send(
            f"POST {peer.url} HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\nTrailer: X-Sum\r\n"
            "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n".encode()
        )
        client.head()
        assert client.file.read(len(b"2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n")) == b"2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n"


def test_a_piece_of_a_stream_arrives_before_the_next_one_is_there(direct: LocalProxy) -> None:
    go_on = threading.Event()

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        wire.send(b"3\r\none\r\n")
        assert go_on.wait(5)
        wire.send(b"3\r\ntwo\r\n0\r\n\r\n")

    with ScriptedPeer(script) as peer, RawClient(direct) as client:
        client.send(f"GET {peer.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        client.head()
        assert client.file.read(len(b"3\r\none\r\n")) == b"3\r\none\r\n"
        go_on.set()
        assert client.file.readline() == b"3\r\n"


def test_a_slow_reader_holds_the_upstream_back(direct: LocalProxy) -> None:
    sent = 0

    def script(wire: Wire) -> None:
        nonlocal sent
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 200000000\r\n\r\n")
        wire.sock.settimeout(0.5)
        piece = bytes(100_000)
        try:
            while sent < 200_000_000:
                wire.sock.sendall(piece)
                sent += len(piece)
        except TimeoutError:
            pass

    with ScriptedPeer(script) as peer:
        with RawClient(direct) as client:
            client.send(f"GET {peer.url} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            client.head()
            time.sleep(1)
        assert 0 < sent < 50_000_000


def test_expect_is_passed_on_and_the_body_waits_for_100(direct: LocalProxy) -> None:
    def script(wire: Wire) -> None:
        assert b"\r\nExpect: 100-continue\r\n" in wire.read_head()
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert wire.read_exactly(4) == b"body"
        wire.respond(b"ok")

    with ScriptedPeer(script) as peer, RawClient(direct) as client:
        client.send(f"PUT {peer.url} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n".encode())
        assert client.head() == b"HTTP/1.1 100 Continue\r\n"
        client.send(b"body")
        assert client.response()[2] == b"ok"


def test_a_refusal_in_place_of_100_arrives_without_the_body(direct: LocalProxy) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"no", "413 Too Large")

    with ScriptedPeer(script) as peer, RawClient(direct) as client:
        client.send(f"PUT {peer.url} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n".encode())
        assert client.response()[0] == 413


def test_a_response_before_the_end_of_the_body_arrives(direct: LocalProxy) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.read_exactly(10)
        wire.respond(b"no", "413 Too Large", "Connection: close")
        wire.read_to_end()

    with ScriptedPeer(script) as peer, RawClient(direct) as client:
        client.send(f"PUT {peer.url} HTTP/1.1\r\nHost: x\r\nContent-Length: 99000000\r\n\r\n".encode())
        client.send(bytes(100_000))
        assert client.response()[0] == 413


@pytest.mark.parametrize(
    ("response", "cut"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n", True),
        (b"HTTP/1.0 200 OK\r\n\r\n12345", False),
    ],
)
def test_a_body_that_is_cut_short_is_cut_short_for_the_client(direct: LocalProxy, response: bytes, cut: bool) -> None:
    with ScriptedPeer(lambda wire: (wire.read_head(), wire.send(response))) as peer, RawClient(direct) as client:
        client.send(f"GET {peer.url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        client.head()
        rest = client.file.read()
    assert b"12345" in rest
    assert rest.endswith(b"0\r\n\r\n") is not cut


def test_a_body_that_is_cut_short_never_looks_complete_to_a_client_of_http_1_0(direct: LocalProxy) -> None:
    cut = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"
    with ScriptedPeer(lambda wire: (wire.read_head(), wire.send(cut))) as peer, RawClient(direct) as client:
        client.send(f"GET {peer.url} HTTP/1.0\r\n\r\n".encode())
        assert client.head().startswith(b"HTTP/1.1 200")
        with pytest.raises(ConnectionResetError):
            client.file.read()  # an end in order would be the end of the body


def test_a_client_of_http_1_0_gets_what_it_understands(direct: LocalProxy, origin: Origin) -> None:
    with RawClient(direct) as client:
        client.send(f"GET {origin.url}/chunked HTTP/1.0\r\n\r\n".encode())
        status, head, body = client.response()
    assert status == 200
    assert b"chunked" not in head
    assert json.loads(body)["path"] == "/chunked"


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_responses_without_a_body_leave_the_connection_ready(
    direct: LocalProxy, origin: Origin, method: str, status: int
) -> None:
    with RawClient(direct) as client:
        client.send(f"{method} {origin.url}/status/{status} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert client.head().startswith(f"HTTP/1.1 {status}".encode())
        assert client.get(origin.url + "/next")[0] == 200


# -- upstreams


def test_the_upstream_gets_the_whole_url_and_a_login(origin: Origin, basic_proxy: Proxy) -> None:
    with local_proxy(basic_proxy.url_with_login) as proxy, RawClient(proxy) as client:
        for number in range(3):
            assert client.get(f"{origin.url}/{number}")[0] == 200
    assert [request.target for request in basic_proxy.requests][-1] == f"{origin.url}/2"
    # It asks once, and knows from then on.
    assert [request.status for request in basic_proxy.requests] == [407, 200, 200, 200]


def test_an_upstream_that_is_not_there_is_passed_over(origin: Origin, proxy: Proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    with local_proxy(nowhere, proxy.url) as local, RawClient(local) as client:
        for _ in range(2):
            assert client.get(origin.url + "/x")[0] == 200
    assert len(proxy.requests) == 2


def test_a_refused_login_is_a_page_of_ours_and_no_407(origin: Origin, basic_proxy: Proxy) -> None:
    url = f"http://alice:wrong@{basic_proxy.netloc}"
    with local_proxy(url) as proxy, RawClient(proxy) as client:
        status, head, body = client.get(origin.url)
    assert status == 502
    assert b"Proxy-Authenticate" not in head
    assert b"demands a login" in body
    assert b"wrong@" not in body
    assert ALICE.user.encode() not in body


def test_a_challenge_of_the_site_is_the_clients_own_affair(direct: LocalProxy, origin: Origin) -> None:
    url = f"{origin.url}/basic/u/p"
    with RawClient(direct) as client:
        status, head, _ = client.get(url)
        assert status == 401
        assert b"WWW-Authenticate: Basic" in head
        given = base64.b64encode(b"u:p").decode()
        assert client.get(url, f"Authorization: Basic {given}")[0] == 200
        assert client.get(url)[0] == 401


def test_a_connection_on_which_a_client_logs_in_at_a_site_is_its_own(direct: LocalProxy) -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            if b"Authorization: NTLM" in head:
                wire.respond(b"", "401 Unauthorized", "WWW-Authenticate: NTLM TlRMTVNTUAACAAAA")
            else:
                wire.respond(str(wire.number).encode())

    with ScriptedPeer(script) as peer, RawClient(direct) as one, RawClient(direct) as two:
        assert one.get(peer.url)[2] == two.get(peer.url)[2] == b"1"
        status, head, _ = one.get(peer.url, "Authorization: NTLM TlRMTVNTUAABAAAA")
        assert status == 401
        assert b"Proxy-Support: Session-Based-Authentication" in head
        assert one.get(peer.url)[2] == b"2"
        assert two.get(peer.url)[2] == b"1"


# -- what goes wrong


def test_a_request_that_comes_back_is_508(origin: Origin) -> None:
    ways: list[list[str]] = [[]]
    with local_proxy(routes=lambda url: named_routes(ways)(url)) as one, local_proxy(one.url) as two:
        ways[:] = [[two.url]]
        with RawClient(one) as client:
            status, _, body = client.get(origin.url)
            assert status == 508
            assert b"upstream" in body
            client.send(f"CONNECT {origin.netloc} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert client.response()[0] == 508
    assert origin.connections == 0


@pytest.mark.parametrize(
    ("url", "status", "text"),
    [
        ("http://127.0.0.1:1/", 502, b"refused"),
        ("http://no-such-host.invalid/", 502, b"no-such-host.invalid"),
        ("/path", 400, b"This is a proxy"),
        ("ftp://127.0.0.1/", 400, b"This is a proxy"),
        ("http://[::1/", 400, b"host"),
    ],
)
def test_what_cannot_be_served_is_explained(direct: LocalProxy, url: str, status: int, text: bytes) -> None:
    with RawClient(direct) as client:
        got, head, body = client.get(url)
        assert got == status
        assert text in body
        assert b"Proxy-Status: coda-network; error=" in head
        assert client.get(url)[0] == status  # the connection goes on


@pytest.mark.parametrize(
    ("script", "status"),
    [
        (lambda wire: wire.read_head(), 502),
        (lambda wire: (wire.read_head(), wire.send(b"no HTTP at all\r\n\r\n")), 502),
        (lambda wire: (wire.read_head(), wire.read_to_end()), 504),
        (lambda wire: (wire.read_head(), wire.respond(b"", "407 Who", "Proxy-Authenticate: Basic")), 502),
    ],
)
def test_an_upstream_that_fails_is_a_page(script: Script, status: int) -> None:
    with ScriptedPeer(script) as peer, local_proxy(limits=Limits(transfer=0.3, drain=0.2)) as proxy:
        with RawClient(proxy) as client:
            assert client.get(peer.url)[0] == status


def test_options_and_trace_are_counted_down(direct: LocalProxy, origin: Origin) -> None:
    with RawClient(direct) as client:
        client.send(f"OPTIONS {origin.url} HTTP/1.1\r\nHost: x\r\nMax-Forwards: 0\r\n\r\n".encode())
        assert b"Allow:" in client.response()[1]
    assert origin.connections == 0
