"""What is raised, and what it tells."""

from __future__ import annotations

import http.client
import socket
import ssl
import traceback
import urllib.error
from types import ModuleType
from typing import Any

import pytest
from support.certs import Authority
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network import httplib, urllib2


def test_a_refused_connection_is_a_url_error_that_shows_where_it_happened(direct: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(urllib.error.URLError, match="Connection refused") as caught:
        direct.open(f"http://127.0.0.1:{port}/", timeout=10)
    reason = caught.value.reason
    assert isinstance(reason, ConnectionRefusedError)
    assert isinstance(caught.value.__context__, ConnectionRefusedError)
    files = [frame.filename for frame in traceback.extract_tb(reason.__traceback__)]
    # The standard library's connects; those of ``urllib2`` race (RFC 8305).
    assert files[-1].endswith(("socket.py", "happy_eyeballs.py"))


def test_an_unknown_host_is_a_url_error(direct: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*arguments: Any, **options: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(urllib.error.URLError, match="Name or service not known") as caught:
        direct.open("http://nobody.invalid/", timeout=10)
    assert isinstance(caught.value.reason, socket.gaierror)


def test_a_server_without_tls_is_a_url_error_and_the_next_request_is_unharmed(
    library: ModuleType, origin: Origin, client_context: ssl.SSLContext
) -> None:
    def script(wire: Wire) -> None:
        wire.sock.recv(1)
        wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    opener = library.build_opener(library.HTTPSHandler(context=client_context))
    with ScriptedPeer([script]) as peer:
        with pytest.raises(urllib.error.URLError) as caught:
            opener.open(f"https://127.0.0.1:{peer.port}/", timeout=10)
    assert isinstance(caught.value.reason, ssl.SSLError)
    assert opener.open(origin.url, timeout=10).status == 200
    opener.close()


def test_an_unknown_authority_is_a_url_error(library: ModuleType, ca: Authority) -> None:
    opener = library.build_opener(library.HTTPSHandler(context=ssl.create_default_context()))
    with ScriptedPeer(Wire.read_head, tls=ca.server_context()) as peer:
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED") as caught:
            opener.open(peer.url, timeout=10)
    assert isinstance(caught.value.reason, ssl.SSLCertVerificationError)
    opener.close()


def test_a_server_that_closes_without_a_response_is_no_url_error(direct: Any) -> None:
    with ScriptedPeer([Wire.read_head]) as peer:
        with pytest.raises(http.client.RemoteDisconnected):
            direct.open(peer.url, timeout=10)


def test_a_reset_in_place_of_a_response_is_no_url_error(direct: Any) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.reset()

    with ScriptedPeer([script]) as peer:
        with pytest.raises(ConnectionResetError):
            direct.open(peer.url, timeout=10)


def test_a_timeout_before_the_response_is_no_url_error(direct: Any) -> None:
    with ScriptedPeer([lambda wire: wire.read_to_end()]) as peer:
        with pytest.raises(TimeoutError):
            direct.open(peer.url, timeout=0.1)


def test_a_body_that_is_cut_short_says_so_and_its_connection_is_gone(direct: Any) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    with ScriptedPeer([script, script]) as peer:
        for _ in range(2):
            with pytest.raises(http.client.IncompleteRead) as caught:
                direct.open(peer.url, timeout=10).read()
            assert caught.value.partial == b"abc"


@pytest.mark.parametrize("code", [400, 401, 403, 404, 407, 500, 503])
def test_an_error_status_is_an_http_error_with_the_whole_response(
    direct: Any, library: ModuleType, origin: Origin, code: int
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        direct.open(f"{origin.url}/status/{code}", timeout=10)
    error = caught.value
    assert (error.code, error.url) == (code, f"{origin.url}/status/{code}")
    assert str(error) == f"HTTP Error {code}: {http.client.responses[code]}"
    assert error.headers["Content-Type"] == "application/json"
    assert error.read().startswith(b"{")
    assert isinstance(error, library.HTTPError) and isinstance(error, OSError)
    error.close()


def refusing(status: str) -> Any:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"the proxy's page", status, "Proxy-Authenticate: Bearer")

    return script


@pytest.mark.parametrize(
    "status", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway", "301 Moved"]
)
def test_a_refused_tunnel_has_the_code_and_the_reason(
    library: ModuleType, client_context: ssl.SSLContext, status: str
) -> None:
    with ScriptedPeer(refusing(status)) as peer:
        handlers = library.ProxyHandler({"https": peer.url}), library.HTTPSHandler(context=client_context)
        opener = library.build_opener(*handlers)
        with pytest.raises(urllib.error.URLError) as caught:
            opener.open("https://site.example/", timeout=10)
        error: Any = caught.value
        assert isinstance(error, urllib2.TunnelRefused) and not isinstance(error, urllib.error.HTTPError)
        why = " (Bearer: not supported)" if status.startswith("407") else ""
        assert str(error) == f"<urlopen error Tunnel connection failed: {status}{why}>"
        assert isinstance(error.reason, OSError)
        assert (error.code, error.fp.read()) == (int(status.split()[0]), b"the proxy's page")
        assert "tunnel connection failed" in str(error.reason).lower()
        opener.close()


def test_a_refused_tunnel_that_nobody_reads_leaves_nothing_open(
    library: ModuleType, client_context: ssl.SSLContext
) -> None:
    with ScriptedPeer(refusing("403 Forbidden")) as peer:
        handlers = library.ProxyHandler({"https": peer.url}), library.HTTPSHandler(context=client_context)
        opener = library.build_opener(*handlers)
        for _ in range(3):
            with pytest.raises(urllib.error.URLError) as caught:
                opener.open("https://site.example/", timeout=10)
            caught.value.itself = caught.value
        opener.close()


def test_a_407_to_a_plain_request_is_an_http_error(library: ModuleType, origin: Origin, basic_proxy: Proxy) -> None:
    opener = library.build_opener(library.ProxyHandler({"http": basic_proxy.url}))
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(origin.url, timeout=10)
    assert caught.value.code == 407
    assert str(getattr(caught.value, "auth_report", None)) == "Basic: no user name given"
    caught.value.close()
    opener.close()
    assert origin.requests == []


@pytest.mark.parametrize(
    ("proxies", "url"),
    [({"https": "http://127.0.0.1:{port}"}, "https://site.example/"), ({}, "https://127.0.0.1:{port}/")],
    ids=["tunnel", "direct"],
)
def test_a_server_that_hangs_up_before_tls_is_a_url_error(
    library: ModuleType, client_context: ssl.SSLContext, proxies: dict[str, str], url: str
) -> None:
    def script(wire: Wire) -> None:
        wire.sock.recv(1)

    with ScriptedPeer(script) as peer:
        proxies = {scheme: proxy.format(port=peer.port) for scheme, proxy in proxies.items()}
        opener = library.build_opener(library.ProxyHandler(proxies), library.HTTPSHandler(context=client_context))
        with pytest.raises(urllib.error.URLError):
            opener.open(url.format(port=peer.port), timeout=10)
        opener.close()


def test_a_request_without_a_host_is_a_url_error(direct: Any) -> None:
    with pytest.raises(urllib.error.URLError, match="no host given"):
        direct.open("http:///path", timeout=10)


def test_the_exceptions_are_the_standard_librarys() -> None:
    assert urllib2.URLError is urllib.error.URLError
    assert urllib2.HTTPError is urllib.error.HTTPError
    assert httplib.RemoteDisconnected is http.client.RemoteDisconnected
