"""The interface of Python 1.5, as handbooks show it."""

from __future__ import annotations

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib


def serve(wire: Wire) -> None:
    wire.read_head()
    wire.respond(b"<html>page</html>", "200 OK", "Content-Type: text/html")


def test_the_example_of_the_handbooks():
    with ScriptedPeer([serve]) as peer:
        h = httplib.HTTP(peer.netloc)
        h.putrequest("GET", "/index.html")
        h.putheader("Accept", "text/html")
        h.putheader("Accept", "text/plain", "text/x-odd")
        h.endheaders()
        code, message, headers = h.getreply()
        f = h.getfile()
        assert (code, message, headers["Content-Type"]) == (200, "OK", "text/html")
        assert f.read() == b"<html>page</html>"
        f.close()
    sent = b"GET /index.html HTTP/1.0\r\nAccept: text/html\r\nAccept: text/plain\r\n\ttext/x-odd\r\n\r\n"
    assert peer.received == [sent]


def test_nothing_stays_open_where_nobody_closes():
    ends = []

    def script(wire: Wire) -> None:
        serve(wire)
        assert wire.read_to_end() == b""
        ends.append(wire.number)

    with ScriptedPeer([script]) as peer:
        h = httplib.HTTP("127.0.0.1", peer.port)
        h.putrequest("GET")
        h.endheaders()
        assert h.getreply()[0] == 200
        del h
    assert ends == [1]


def test_a_404_is_the_callers_to_raise():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"none", "404 Not Found")

    with ScriptedPeer([script]) as peer:
        h = httplib.HTTP("127.0.0.1", peer.port)
        h.putrequest("GET", "/none")
        h.endheaders()
        assert h.getreply()[:2] == (404, "Not Found")
        assert h.getfile().read() == b"none"


def test_several_requests_each_have_a_connection():
    with ScriptedPeer([serve, serve]) as peer:
        h = httplib.HTTP("127.0.0.1", peer.port)
        for _ in range(2):
            h.putrequest("GET", "/")
            h.endheaders()
            assert h.getreply()[0] == 200
            assert h.getfile().read() == b"<html>page</html>"


def test_a_body_is_sent_behind_the_headers():
    def script(wire: Wire) -> None:
        assert wire.read_request()[1] == b"name=value"
        wire.respond(b"thanks")

    with ScriptedPeer([script]) as peer:
        h = httplib.HTTP()
        h.connect("127.0.0.1", peer.port)
        h.putrequest("POST", "/form")
        h.putheader("Content-Length", "10")
        h.endheaders()
        h.send(b"name=value")
        assert h.getreply()[0] == 200
        assert h.getfile().read() == b"thanks"


def test_what_is_no_reply_is_minus_one_and_the_line():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"I am no web server\r\n")

    with ScriptedPeer([script]) as peer:
        h = httplib.HTTP("127.0.0.1", peer.port)
        h.putrequest("GET", "/")
        h.endheaders()
        assert h.getreply() == (-1, "I am no web server\r\n", None)
        assert h.getfile() is None


def test_before_the_reply_there_is_no_file():
    assert httplib.HTTP("127.0.0.1").getfile() is None


def test_nobody_there_is_the_error_of_the_system():
    with ScriptedPeer([]) as peer:
        port = peer.port
    with pytest.raises(ConnectionRefusedError):
        httplib.HTTP("127.0.0.1", port).connect()


def test_debugging_prints_the_exchange(capsys):
    with ScriptedPeer([serve]) as peer:
        h = httplib.HTTP("127.0.0.1", peer.port)
        h.set_debuglevel(1)
        h.putrequest("GET", "/")
        h.endheaders()
        h.getreply()
        h.close()
    assert capsys.readouterr().out.startswith("send: b'GET / HTTP/1.0\\r\\n\\r\\n'\nreply: ")
