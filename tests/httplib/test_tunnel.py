"""A tunnel through a proxy: what CONNECT says, what opens it, and that nothing behind it is lost."""

from __future__ import annotations

import http.client

import pytest
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import httplib
from coda_network._auth.login import Login
from coda_network._auth.scheme import Peer, Role

OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


def through(peer: ScriptedPeer, *target: object, **options: object) -> httplib.HTTPConnection:
    connection = httplib.HTTPConnection(*peer.address)
    connection.set_tunnel(*target, **options)
    return connection


class URL:
    """An object that has a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text


def opening(response: bytes = OPEN, body: bytes = b"body"):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(response)
        wire.read_head()
        wire.respond(body)

    return script


@pytest.mark.parametrize(
    ("target", "headers", "connect"),
    [
        (("site.example", 443), None, b"CONNECT site.example:443 HTTP/1.1\r\nHost: site.example:443\r\n\r\n"),
        (("site.example",), None, b"CONNECT site.example:80 HTTP/1.1\r\nHost: site.example:80\r\n\r\n"),
        (("site.example:81",), None, b"CONNECT site.example:81 HTTP/1.1\r\nHost: site.example:81\r\n\r\n"),
        (("::1", 443), None, b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"),
        (("[::1]", 443), None, b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"),
        (("[::1]:443",), None, b"CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"),
        (("d\xfcse.test", 1), None, b"CONNECT xn--dse-hoa.test:1 HTTP/1.1\r\nHost: xn--dse-hoa.test:1\r\n\r\n"),
        (("h", 1), {"Host": "other"}, b"CONNECT h:1 HTTP/1.1\r\nHost: other\r\n\r\n"),
        (("h", 1), {"hOST": "other"}, b"CONNECT h:1 HTTP/1.1\r\nhOST: other\r\n\r\n"),
        (("h", 1), {"X": "1", "Y": "\xe4"}, b"CONNECT h:1 HTTP/1.1\r\nX: 1\r\nY: \xe4\r\nHost: h:1\r\n\r\n"),
        (("h", 1), {"X": None, "Y": 9}, b"CONNECT h:1 HTTP/1.1\r\nX: None\r\nY: 9\r\nHost: h:1\r\n\r\n"),
        (("h", 1), {"X": URL("a\xe4")}, b"CONNECT h:1 HTTP/1.1\r\nX: a\xe4\r\nHost: h:1\r\n\r\n"),
        (
            ("h", 1),
            {"Proxy-Authorization": "T x"},
            b"CONNECT h:1 HTTP/1.1\r\nProxy-Authorization: T x\r\nHost: h:1\r\nProxy-Connection: Keep-Alive\r\n\r\n",
        ),
        (
            ("h", 1),
            {"proxy-authorization": "Token x", "proxy-connection": "close"},
            b"CONNECT h:1 HTTP/1.1\r\nproxy-authorization: Token x\r\nproxy-connection: close\r\nHost: h:1\r\n\r\n",
        ),
    ],
)  # fmt: skip
def test_connect_on_the_wire(target, headers, connect):
    with ScriptedPeer([opening()]) as peer:
        connection = through(peer, *target, headers=headers)
        connection.request("GET", "/inside")
        assert connection.getresponse().read() == b"body"
        connection.close()
    assert peer.heads[0] == connect
    assert peer.heads[1].startswith(b"GET /inside HTTP/1.1\r\nHost: ")


def test_connect_is_one_write(monkeypatch):
    written = []
    with ScriptedPeer([opening()]) as peer:
        connection = through(peer, "h", 1, headers={"X": "1"})
        send = connection.send
        connection.send = lambda data: (written.append(data), send(data))
        connection.connect()
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    assert written[0] == b"CONNECT h:1 HTTP/1.1\r\nX: 1\r\nHost: h:1\r\n\r\n"


def test_the_headers_of_the_caller_stay_as_they_are():
    mine = {"X": "1"}
    connection = httplib.HTTPConnection("proxy")
    connection.set_tunnel("site.example", headers=mine)
    connection.set_tunnel("other.example")
    assert mine == {"X": "1"}


def test_a_connection_with_a_login_asks_http_1_0_proxies_to_keep_it_alive():
    with ScriptedPeer([opening()]) as peer:
        connection = through(peer, "h", 1)
        connection._log_in_with(Login(Role.PROXY, Peer(Role.PROXY, *peer.address), lambda realm: None))
        connection.connect()
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    assert peer.heads[0] == b"CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Connection: Keep-Alive\r\n\r\n"


def test_a_request_whose_tunnel_was_cut_short_does_not_begin_the_next_one():
    def cut(wire: Wire) -> None:
        wire.read_head()

    with ScriptedPeer([cut, opening()]) as peer:
        connection = through(peer, "h", 1)
        with pytest.raises(http.client.RemoteDisconnected):
            connection.request("PUT", "/first", iter([b"a body that can be read only once"]))
        connection.request("GET", "/second")
        assert connection.getresponse().read() == b"body"
        connection.close()
    assert [head.partition(b" HTTP")[0] for head in peer.heads] == [b"CONNECT h:1", b"CONNECT h:1", b"GET /second"]


def test_a_subclass_sees_connect_and_changes_it():
    calls = []

    class Mine(httplib.HTTPConnection):
        def putrequest(self, method, url, *arguments, **options):
            calls.append(("putrequest", method, url))
            super().putrequest(method, url, *arguments, **options)
            if method == "CONNECT":
                self.putheader("X-Mine", "in putrequest")

        def putheader(self, header, *values):
            calls.append(("putheader", header, *values))
            super().putheader(header, *(value.upper() if isinstance(value, str) else value for value in values))

        def endheaders(self, *arguments, **options):
            calls.append(("endheaders",))
            self.putheader("X-Last", "in endheaders")
            super().endheaders(*arguments, **options)

    with ScriptedPeer([opening()]) as peer:
        connection = Mine(*peer.address)
        connection.set_tunnel("h", 1, {"User-Agent": "me"})
        connection.request("POST", "/", b"body", {"X-Inner": "1"})
        assert connection.getresponse().read() == b"body"
        connection.close()
    assert peer.heads[0] == (
        b"CONNECT h:1 HTTP/1.1\r\nX-Mine: IN PUTREQUEST\r\nUser-Agent: ME\r\nHost: H:1\r\nX-Last: IN ENDHEADERS\r\n\r\n"
    )
    assert ("putrequest", "CONNECT", "h:1") in calls
    assert calls.count(("endheaders",)) == 2
    # The request that was waiting went out as it was begun.
    assert peer.heads[1].startswith(b"POST / HTTP/1.1\r\nHost: ")
    assert b"X-INNER" not in peer.heads[1].replace(b"X-Inner", b"")
    assert b"X-Mine" not in peer.heads[1]


@pytest.mark.parametrize("junk", ["\r\n", "\n", "\r", "\0", " ", "\t", "\x7f"])
@pytest.mark.parametrize("where", ["host", "header name", "header value", "object"])
def test_what_would_bring_further_lines_into_connect_is_refused_before_dialling(where, junk):
    connection = httplib.HTTPConnection("127.0.0.1", 1)
    if where == "host":
        connection.set_tunnel(f"site{junk}example", 443)
        with pytest.raises(ValueError, match="Tunnel host can't contain control characters") as refused:
            connection.connect()
        assert isinstance(refused.value, http.client.InvalidURL)
    elif junk in " \t\x7f":
        connection.set_tunnel("site", 443, {"X": f"1{junk}2"})  # white space and DEL end no header
    else:
        value = f"1{junk}Y: 2"
        field = {f"X{junk}Y": "1"} if where == "header name" else {"X": URL(value) if where == "object" else value}
        connection.set_tunnel("site", 443, field)
        with pytest.raises(ValueError, match="Invalid header"):
            connection.request("GET", "/")
    assert connection.sock is None


@pytest.mark.parametrize("host", ["a\xa0b", "a\u3000b", "a\xa8b"])
def test_a_name_that_has_white_space_in_its_ascii_form_is_refused(host):
    connection = httplib.HTTPConnection("127.0.0.1", 1)

    def open_tunnel():
        connection.set_tunnel(host, 443)  # some Pythons encode the name here
        connection.connect()

    with pytest.raises(ValueError):
        open_tunnel()
    assert connection.sock is None


@pytest.mark.parametrize("port", ["x", "8x", "80 81"])
def test_a_port_that_is_no_number_is_an_invalid_url(port):
    with pytest.raises(http.client.InvalidURL, match="nonnumeric port"):
        httplib.HTTPConnection("proxy").set_tunnel(f"site:{port}".replace(" ", "_x"))


def test_a_tunnel_cannot_be_set_on_an_open_connection(origin: Origin):
    connection = httplib.HTTPConnection(*origin.address)
    connection.connect()
    with pytest.raises(RuntimeError, match="established connection"):
        connection.set_tunnel("h")
    connection.close()


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
        b"HTTP/1.1 201 Created\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 299 Odd\r\n\r\n",
        b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 200 OK\nVia: x\n\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
@pytest.mark.parametrize("slowly", [False, True])
def test_any_2xx_opens_whatever_its_headers_say(raw, slowly):
    def script(wire: Wire) -> None:
        wire.read_head()
        (wire.send_slowly if slowly else wire.send)(raw)
        for _ in range(2):
            wire.read_head()
            wire.respond(b"body")

    with ScriptedPeer([script]) as peer:
        connection = through(peer, "h", 1)
        for _ in range(2):
            connection.request("GET", "/")
            response = connection.getresponse()
            assert (response.status, response.tunnel, response.read()) == (200, False, b"body")
        connection.close()
    assert len(peer.heads) == 3


def test_the_headers_of_the_proxys_response_can_be_looked_at():
    with ScriptedPeer([opening(b"HTTP/1.1 200 OK\r\nVia: proxy\r\nX: 1\r\nX: 2\r\n\r\n")]) as peer:
        connection = through(peer, "h", 1)
        assert connection.get_proxy_response_headers() is None
        connection.request("GET", "/")
        connection.getresponse().read()
        headers = connection.get_proxy_response_headers()
        assert isinstance(headers, http.client.HTTPMessage)
        assert headers.items() == [("Via", "proxy"), ("X", "1"), ("X", "2")]
        connection.close()


@pytest.mark.parametrize("slowly", [False, True])
def test_a_server_that_speaks_first_loses_nothing(slowly):
    def script(wire: Wire) -> None:
        wire.read_head()
        (wire.send_slowly if slowly else wire.send)(OPEN + b"SSH-2.0-server\r\n")
        assert wire.read_exactly(16) == b"SSH-2.0-client\r\n"

    with ScriptedPeer([script]) as peer:
        connection = through(peer, "h", 22)
        connection.connect()
        sock = connection.sock
        received = b""
        while len(received) < 16:
            received += sock.recv(100)
        assert received == b"SSH-2.0-server\r\n"
        sock.sendall(b"SSH-2.0-client\r\n")
        connection.close()


def test_a_response_that_comes_with_the_tunnel_is_read_as_the_response():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(OPEN + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly")
        wire.read_head()

    with ScriptedPeer([script]) as peer:
        connection = through(peer, "h", 1)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"early"
        connection.close()


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nVi", b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("explicit", [False, True])
def test_a_proxy_that_leaves_has_disconnected(response, explicit):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(response)

    with ScriptedPeer([script, opening()]) as peer:
        connection = through(peer, "h", 1)
        with pytest.raises(http.client.RemoteDisconnected) as gone:
            connection.connect() if explicit else connection.request("GET", "/")
        assert isinstance(gone.value, OSError)
        assert connection.sock is None
        # The connection is as new.
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"body"
        connection.close()


@pytest.mark.parametrize(
    "response", [b"SSH-2.0-x\r\n\r\n", b"HTTP/2.0 200 OK\r\n\r\n", b"HTTP/1.1 403 No\r\nA\0: 1\r\n\r\n"]
)
def test_a_proxy_that_speaks_no_http_is_an_http_exception(response):
    with ScriptedPeer([lambda wire: (wire.read_head(), wire.send(response))]) as peer:
        connection = through(peer, "h", 1)
        with pytest.raises(http.client.HTTPException):
            connection.request("GET", "/")
        assert connection.sock is None


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_tunnel_is_kept_for_many_requests(tls, proxy: Proxy, origin: Origin, tls_origin: Origin, client_context):
    site = tls_origin if tls else origin
    connection = (
        httplib.HTTPSConnection(*proxy.address, context=client_context)
        if tls
        else httplib.HTTPConnection(*proxy.address)
    )
    connection.set_tunnel(*site.address)
    for number in range(10):
        connection.request("GET", f"/bytes/{number}")
        response = connection.getresponse()
        assert (len(response.read()), response.tunnel) == (number, False)
    connection.close()
    assert (proxy.connections, site.connections) == (1, 1)
    assert not [name for seen in site.requests for name in seen.headers if name[0].lower().startswith("proxy-")]


def test_the_same_connection_opens_its_tunnel_again(proxy: Proxy, origin: Origin):
    connection = httplib.HTTPConnection(*proxy.address)
    connection.set_tunnel(*origin.address)
    for _ in range(3):
        connection.request("GET", "/close")
        assert connection.getresponse().status == 200
    connection.close()
    assert [request.method for request in proxy.requests] == ["CONNECT"] * 3
