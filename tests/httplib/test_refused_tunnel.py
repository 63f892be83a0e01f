"""A refused CONNECT: request() raises nothing, getresponse() has the proxy's response, and another try is possible."""

from __future__ import annotations

import gc
import http.client
import io
import warnings
from base64 import b64encode
from collections.abc import Iterator

import pytest
from support.accounts import ALICE
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import httplib
from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login
from coda_network._auth.scheme import Peer, Role
from coda_network._http.refused_tunnel import RefusedTunnel

PAGE = b"<html>the proxy's own page</html>"
OPEN = b"HTTP/1.1 200 OK\r\n\r\n"


def refusal(status: int = 407, fields: bytes = b"", page: bytes = PAGE) -> bytes:
    return b"HTTP/1.1 %d Because\r\nVia: proxy\r\n%bContent-Length: %d\r\n\r\n%b" % (status, fields, len(page), page)


def chunked(status: int = 407) -> bytes:
    return b"HTTP/1.1 %d Because\r\nVia: proxy\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
        status,
        len(PAGE),
        PAGE,
    )


def proxy_of(*responses: bytes):
    """A proxy that responds to CONNECT with these in turn, over all connections; behind a 2xx it is the site."""
    left = list(responses)

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            if head.startswith(b"CONNECT"):
                response = left.pop(0)
                wire.send(response)
                if b"onnection: close" in response:
                    return
            else:
                wire.respond(b"the site")

    return script


def through(peer: ScriptedPeer, connection_class: type = httplib.HTTPConnection, **headers: str):
    connection = connection_class(*peer.address)
    connection.set_tunnel("site.example", 80, {name.replace("_", "-"): value for name, value in headers.items()})
    return connection


@pytest.mark.parametrize("status", [300, 302, 400, 401, 403, 404, 407, 500, 502, 503, 504])
@pytest.mark.parametrize("connection_class", [httplib.HTTPConnection, httplib.HTTPSConnection])
def test_a_refused_connect_comes_out_of_getresponse(status, connection_class):
    with ScriptedPeer(proxy_of(refusal(status, b"X-Why: rules\r\n"))) as peer:
        connection = through(peer, connection_class)
        connection.request("GET", "/secret")
        response = connection.getresponse()
        assert (response.status, response.reason, response.tunnel) == (status, "Because", True)
        assert (response.version, response.getheader("X-Why")) == (11, "rules")
        assert isinstance(response, http.client.HTTPResponse)
        assert response.read() == PAGE
        assert response.isclosed()
        connection.close()
    assert b"secret" not in b"".join(peer.received)


@pytest.mark.parametrize(
    "raw",
    [
        refusal(),
        refusal(fields=b"Connection: close\r\n"),
        chunked(),
        b"HTTP/1.0 407 Because\r\n\r\nConnection: close" + PAGE,
        b"HTTP/1.1 100 Continue\r\n\r\n" + refusal(),
    ],
    ids=["length", "close", "chunked", "to the end", "after 100"],
)
@pytest.mark.parametrize("slowly", [False, True])
def test_the_page_of_a_refusal_is_read_like_any_other_body(raw, slowly):
    def script(wire: Wire) -> None:
        wire.read_head()
        (wire.send_slowly if slowly else wire.send)(raw)

    with ScriptedPeer([script]) as peer:
        connection = through(peer)
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.tunnel
        assert response.read(5) + response.read1(3) + response.readline() + response.read() in (
            PAGE,
            b"Connection: close" + PAGE,
        )
        connection.close()


REFUSED = r"^Tunnel connection failed: 407 Because \(Proxy-Authenticate: missing or malformed\)$"


def test_an_explicit_connect_raises_and_carries_the_response():
    with ScriptedPeer(proxy_of(refusal(), OPEN)) as peer:
        connection = through(peer)
        with pytest.raises(OSError, match=REFUSED) as refused:
            connection.connect()
        assert isinstance(refused.value, httplib.TunnelError)
        assert connection.sock is None
        assert refused.value.response.tunnel
        assert refused.value.response.headers["Via"] == "proxy"
        assert refused.value.response.read() == PAGE
        assert connection.get_proxy_response_headers()["Via"] == "proxy"
        connection.connect()
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.close()
    assert peer.connections == 1


def test_the_body_of_a_refused_request_is_not_touched():
    touched = []

    def body() -> Iterator[bytes]:
        touched.append(True)
        yield b"only once"

    file = io.BytesIO(b"x" * 100_000)
    with ScriptedPeer(proxy_of(refusal(), refusal(), OPEN)) as peer:
        connection = through(peer)
        once = body()
        for given in (once, file):
            connection.request("PUT", "/", given)
            assert connection.getresponse().read() == PAGE
        assert not touched
        assert file.tell() == 0
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.close()
    assert next(once) == b"only once"
    assert peer.connections == 1


def test_what_is_sent_behind_a_refusal_goes_nowhere():
    with ScriptedPeer(proxy_of(refusal())) as peer:
        connection = through(peer)
        connection.putrequest("POST", "/")
        connection.putheader("Content-Length", "6")
        connection.endheaders(b"secret")
        connection.send(b"secret")
        connection.send([b"secret"])
        assert connection.getresponse().read() == PAGE
        connection.close()
    assert b"secret" not in b"".join(peer.received)


@pytest.mark.parametrize(
    "raw", [refusal(), chunked(), b"HTTP/1.0 407 No\r\nProxy-Connection: keep-alive\r\nContent-Length: 0\r\n\r\n"]
)
@pytest.mark.parametrize("times", [1, 3])
def test_another_try_goes_over_the_same_connection_once_the_refusal_is_read(raw, times):
    with ScriptedPeer(proxy_of(*[raw] * times, OPEN)) as peer:
        connection = through(peer)
        for _ in range(times):
            connection.request("GET", "/")
            response = connection.getresponse()
            assert response.status == 407
            response.read()
        connection.set_tunnel("site.example", 80, {"Proxy-Authorization": "Token right"})
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.close()
    assert peer.connections == 1
    assert b"Proxy-Authorization: Token right\r\n" in peer.heads[times]


@pytest.mark.parametrize("leave", ["unread", "half-read", "dropped", "closed"])
def test_another_try_goes_over_a_new_connection_where_the_refusal_was_not_read(leave):
    with ScriptedPeer(proxy_of(refusal(), OPEN)) as peer:
        connection = through(peer)
        connection.request("GET", "/")
        response = connection.getresponse()
        if leave == "half-read":
            response.read(3)
        elif leave == "dropped":
            del response
        elif leave == "closed":
            response.close()
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.close()
    assert peer.connections == 2


@pytest.mark.parametrize(
    "first",
    [refusal(fields=b"Connection: close\r\n"), refusal(fields=b"Proxy-Connection: close\r\nConnection: close\r\n")],
)
def test_another_try_goes_over_a_new_connection_where_the_proxy_ends_the_first(first):
    with ScriptedPeer(proxy_of(first, OPEN)) as peer:
        connection = through(peer)
        connection.request("GET", "/")
        response = connection.getresponse()
        assert response.will_close
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        assert response.read() == PAGE  # it reads on beside the new connection
        connection.close()
    assert peer.connections == 2


def test_another_try_goes_over_a_new_connection_where_the_proxy_left_meanwhile():
    def leaves(wire: Wire) -> None:
        wire.read_head()
        wire.send(refusal())

    with ScriptedPeer([leaves, proxy_of(OPEN)]) as peer:
        connection = through(peer)
        connection.request("GET", "/")
        assert connection.getresponse().read() == PAGE
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.close()


def test_what_comes_behind_a_refusal_unasked_opens_no_tunnel():
    with ScriptedPeer(proxy_of(refusal() + OPEN, refusal(403))) as peer:
        connection = through(peer)
        connection.request("GET", "/")
        assert connection.getresponse().read() == PAGE
        connection.request("GET", "/")
        assert connection.getresponse().status == 403
        connection.close()
    assert peer.connections == 2


@pytest.mark.parametrize("response", [refusal(), refusal(fields=b"Connection: close\r\n")])
def test_an_error_that_somebody_keeps_leaves_no_warning_to_the_collector(response):
    with ScriptedPeer(proxy_of(response)) as peer:
        connection = through(peer)
        try:
            connection.connect()
        except httplib.TunnelError as error:
            kept = [error]
            kept.append(kept)
        del connection, kept
        gc.collect()


def test_closing_the_connection_forgets_a_refusal_that_was_not_asked_for():
    with ScriptedPeer(proxy_of(refusal(), OPEN)) as peer:
        connection = through(peer)
        connection.request("GET", "/")
        connection.close()
        with pytest.raises(http.client.ResponseNotReady):
            connection.getresponse()
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.close()
    assert peer.connections == 2


# -- with a login that meets the proxy's challenge by itself


def with_login(connection: httplib.HTTPConnection, user: str = ALICE.user, password: str = ALICE.password):
    peer = Peer(Role.PROXY, connection.host, connection.port)
    connection._log_in_with(Login(Role.PROXY, peer, lambda realm: Credentials(user, password)))
    return connection


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_login_in_the_tunnel_goes_over_one_connection(
    tls, basic_proxy: Proxy, origin: Origin, tls_origin: Origin, client_context
):
    site = tls_origin if tls else origin
    connection = (
        httplib.HTTPSConnection(*basic_proxy.address, context=client_context)
        if tls
        else httplib.HTTPConnection(*basic_proxy.address)
    )
    connection.set_tunnel(*site.address)
    with_login(connection)
    for _ in range(3):
        connection.request("POST", "/", iter([b"only ", b"once"]))
        response = connection.getresponse()
        assert (response.status, response.tunnel) == (200, False)
        assert b'"body_length": 9' in response.read()
    connection.close()
    assert [seen.status for seen in basic_proxy.requests] == [407, 200]
    assert basic_proxy.connections == 1
    assert site.requests[0].header("Proxy-Authorization") is None


def challenge(fields: bytes = b"", page: bytes = PAGE) -> bytes:
    return refusal(fields=b'Proxy-Authenticate: Basic realm="x"\r\n' + fields, page=page)


@pytest.mark.parametrize(
    ("first", "connections"),
    [
        (challenge(), 1),
        (challenge(page=b"x" * 50_000), 1),
        (challenge(b"Connection: close\r\n"), 2),
        (challenge(page=b"x" * 2_000_000), 2),
        (challenge() + b"surplus", 2),
        (b'HTTP/1.0 407 No\r\nProxy-Authenticate: Basic realm="x"\r\nConnection: close\r\n\r\n' + PAGE, 2),
    ],
    ids=["keep-alive", "long page", "close", "page too long to read", "surplus", "HTTP/1.0"],
)
def test_a_login_goes_on_whatever_becomes_of_the_first_connection(first, connections):
    with ScriptedPeer(proxy_of(first, OPEN)) as peer:
        connection = with_login(through(peer))
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.close()
    assert peer.connections == connections
    connects = [head for head in peer.heads if head.startswith(b"CONNECT")]
    assert b"Authorization" not in connects[0]
    assert connects[1].count(b"\r\nProxy-Authorization: Basic ") == 1
    assert b"\r\nProxy-Connection: Keep-Alive\r\n" in connects[1]


def test_a_proxy_that_breaks_off_its_page_is_dialled_again():
    def breaks_off(wire: Wire) -> None:
        wire.read_head()
        wire.send(challenge()[:-5])

    with ScriptedPeer([breaks_off, proxy_of(OPEN)]) as peer:
        connection = with_login(through(peer))
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"the site"
        connection.close()


def test_a_login_that_is_refused_comes_out_of_getresponse(basic_proxy: Proxy, origin: Origin):
    connection = httplib.HTTPConnection(*basic_proxy.address)
    connection.set_tunnel(*origin.address)
    with_login(connection, password="wrong")
    connection.request("GET", "/")
    response = connection.getresponse()
    assert (response.status, response.tunnel) == (407, True)
    response.read()
    assert [seen.status for seen in basic_proxy.requests] == [407, 407]
    # With the right password the same connection goes on.
    with_login(connection)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
    assert basic_proxy.connections == 1


def test_the_error_of_connect_has_the_report_of_the_login_and_no_password(basic_proxy: Proxy, origin: Origin):
    connection = httplib.HTTPConnection(*basic_proxy.address)
    connection.set_tunnel(*origin.address)
    with_login(connection, password="wrong-wrong")
    with pytest.raises(httplib.TunnelError, match=r"^Tunnel connection failed: 407") as refused:
        connection.connect()
    assert "basic" in str(refused.value.report).lower()
    assert "wrong-wrong" not in f"{refused.value!r} {refused.value.report} {refused.value.__dict__}"


def test_a_ready_header_of_the_program_goes_out_first_and_alone(basic_proxy: Proxy, origin: Origin):
    ready = http.client.HTTPMessage()
    ready["Proxy-Authorization"] = "Basic " + b64encode(f"{ALICE.user}:{ALICE.password}".encode()).decode()
    connection = httplib.HTTPConnection(*basic_proxy.address)
    connection.set_tunnel(*origin.address, ready)
    connection.request("GET", "/")
    assert connection.getresponse().status == 200
    connection.close()
    assert [seen.status for seen in basic_proxy.requests] == [200]


def test_the_bytes_of_the_refused_page_are_never_the_sites(basic_proxy: Proxy, origin: Origin):
    connection = httplib.HTTPConnection(*basic_proxy.address)
    connection.set_tunnel(*origin.address)
    connection.request("GET", "/")
    refused = connection.getresponse()
    assert refused.tunnel
    page = refused.read()
    with_login(connection)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert not response.tunnel
    assert response.read() != page
    connection.close()
    assert basic_proxy.connections == 1


class Interrupted:
    """A socket at whose close the user presses Ctrl-C."""

    closed = 0

    def close(self) -> None:
        self.closed += 1
        raise KeyboardInterrupt


def test_an_interrupt_while_a_refused_tunnel_closes_leaves_nothing_to_close() -> None:
    kept = RefusedTunnel.__new__(RefusedTunnel)
    kept.sock = sock = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        kept.close()
    del kept  # what is raised here is a warning, and so a failure
    assert sock.closed == 1


def test_an_interrupt_before_a_refused_tunnel_is_made_leaves_nothing_to_close() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = RefusedTunnel.__new__(RefusedTunnel)
        kept.__del__()
    assert kept.sock is None
