"""What set_debuglevel() prints is what http.client prints, line for line, on the same exchange."""

from __future__ import annotations

import contextlib
import http.client
import io

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib

INTERIM = b"HTTP/1.1 100 Continue\r\nA: 1\r\nB: 2\r\n\r\n"


class NamedText(io.StringIO):
    def __repr__(self) -> str:
        return "<text>"


REQUESTS = {
    "get": ("GET", "/", None, {}),
    "post": ("POST", "/x?y", b"body", {"X-A": "1"}),
    "empty": ("POST", "/", b"", {}),
    "iterable": ("PUT", "/", [b"one", b"", b"two"], {}),
    "iterable of known length": ("PUT", "/", [b"one", b"two"], {"Content-Length": "6"}),
    "text file": ("PUT", "/", "text file", {}),
    "refused": ("GET", "/status/404", None, {}),
}


def exchange(connection_class: type[http.client.HTTPConnection], interim: bytes, request: str) -> str:
    """Carry out one request with debugging on; return what was printed, without the port of this peer."""

    def script(wire: Wire) -> None:
        head = wire.read_head()
        if b"chunked" in head:
            while not wire.received.endswith(b"0\r\n\r\n"):
                wire.read_exactly(1)
        elif b"Content-Length: " in head:
            wire.read_exactly(int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0]))
        wire.send(interim)
        wire.respond(b"body", "200 Fine \xe4", "X-One: 1", "X-Folded: a\r\n b", "Set-Cookie: a", "Set-Cookie: b")

    method, target, body, headers = REQUESTS[request]
    with ScriptedPeer([script]) as peer, contextlib.redirect_stdout(io.StringIO()) as printed:
        connection = connection_class(*peer.address)
        connection.set_debuglevel(1)
        connection.request(method, target, NamedText("t\xe4xt") if body == "text file" else body, headers)
        assert connection.getresponse().read() == b"body"
        connection.close()
        port = str(peer.port)
    return printed.getvalue().replace(port, "PORT")


@pytest.mark.parametrize("interim", [b"", INTERIM], ids=["at once", "after 100"])
@pytest.mark.parametrize("request_kind", REQUESTS)
def test_an_exchange_is_printed_line_for_line_as_by_http_client(interim, request_kind):
    ours = exchange(httplib.HTTPConnection, interim, request_kind)
    assert ours == exchange(http.client.HTTPConnection, interim, request_kind)
    assert ours.startswith(("send: ", "Unable to determine size"))
    assert "reply: 'HTTP/1.1 200 Fine" in ours
    assert "header: X-One: 1" in ours


def test_an_accepted_connect_is_printed_before_the_request(capsys):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nX-Proxy: yes\r\n\r\n")
        wire.read_head()
        wire.respond(b"body")

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.set_debuglevel(1)
        connection.set_tunnel("site.example", 80)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    assert capsys.readouterr().out.replace("header: \r\n\n", "") == (
        "send: b'CONNECT site.example:80 HTTP/1.1\\r\\nHost: site.example:80\\r\\n\\r\\n'\n"
        "header: X-Proxy: yes\r\n\n"
        "send: b'GET / HTTP/1.1\\r\\nHost: site.example\\r\\nAccept-Encoding: identity\\r\\n\\r\\n'\n"
        "reply: 'HTTP/1.1 200 OK\\r\\n'\n"
        "header: Content-Length: 4\n"
    )


def test_the_level_of_the_class_counts_too(capsys):
    class Talking(httplib.HTTPConnection):
        debuglevel = 1

    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond()

    with ScriptedPeer([script]) as peer:
        connection = Talking(*peer.address)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    assert "reply: 'HTTP/1.1 200 OK\\r\\n'" in capsys.readouterr().out


def test_without_it_nothing_is_printed(capsys):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(INTERIM)
        wire.respond()

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("tunnel", [False, True], ids=["request", "CONNECT"])
def test_logins_are_not_printed(tunnel, capsys):
    secret = "YWxpY2U6c2VjcmV0"

    def script(wire: Wire) -> None:
        if tunnel:
            assert f"Proxy-Authorization: Basic {secret}\r\n".encode() in wire.read_head()
            wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        assert f"AUTHORIZATION: Basic {secret}\r\n".encode() in wire.read_head()
        wire.respond(b"body")

    with ScriptedPeer([script]) as peer:
        connection = httplib.HTTPConnection(*peer.address)
        connection.set_debuglevel(1)
        if tunnel:
            connection.set_tunnel("example.org", headers={"Proxy-Authorization": f"Basic {secret}"})
        connection.request("GET", "/", headers={"AUTHORIZATION": f"Basic {secret}", "X": "shown"})
        connection.getresponse().read()
        connection.close()
    printed = capsys.readouterr().out
    assert secret not in printed
    assert "AUTHORIZATION: Basic (hidden)" in printed and "X: shown" in printed


def test_the_response_to_connect_is_printed_line_for_line_as_by_http_client():
    def header_lines(connection_class: type[http.client.HTTPConnection]) -> list[str]:
        def script(wire: Wire) -> None:
            wire.read_head()
            wire.send(b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n\r\n")

        with ScriptedPeer([script]) as peer, contextlib.redirect_stdout(io.StringIO()) as printed:
            connection = connection_class(*peer.address)
            connection.set_debuglevel(1)
            connection.set_tunnel("site.example", 443)
            connection.connect()
            connection.close()
        return printed.getvalue()[printed.getvalue().index("header:") :].split("\n")

    assert header_lines(httplib.HTTPConnection) == header_lines(http.client.HTTPConnection)
