"""`coda-network check` tells what came back, by its exit code and its last line."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from support.checked import Check
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.servers import free_port


@pytest.mark.parametrize(("status", "code"), [(200, 0), (204, 0), (404, 1), (500, 1)])
def test_the_exit_code_tells_whether_it_works(check: Check, origin: Origin, status: int, code: int) -> None:
    assert check(f"{origin.url}/status/{status}").code == code
    assert [request.method for request in origin.requests] == ["HEAD"]


@pytest.mark.parametrize("status", ["405 Method Not Allowed", "501 Not Implemented"])
def test_a_server_without_head_is_asked_with_get_and_its_body_left_unread(check: Check, status: str) -> None:
    def refuse(wire: Wire) -> None:
        assert wire.read_head().startswith(b"HEAD ")
        wire.send(b"HTTP/1.1 " + status.encode() + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def serve(wire: Wire) -> None:
        assert wire.read_head().startswith(b"GET ")
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegin")
        wire.read_to_end()

    with ScriptedPeer([refuse, serve]) as peer:
        seen = check(peer.url)
    assert seen.code == 0
    assert seen.steps("opener") == [f"HEAD /: {status}", "GET /: 200 OK"]


def test_redirects_are_followed(check: Check, origin: Origin, tls_origin: Origin) -> None:
    seen = check(f"{origin.url}/redirect/302?to={tls_origin.url}/there")
    assert seen.code == 0
    assert seen.steps("opener")[0] == "HEAD /redirect/302?...: 302 Found"
    assert tls_origin.requests[-1].path == "/there"


def test_a_refused_tunnel(check: Check, tls_origin: Origin) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"not to that port", "403 Forbidden", "Connection: close")

    with ScriptedPeer(script) as peer:
        seen = check(tls_origin.url, "--proxy", peer.url)
    assert (seen.code, seen.conclusion) == (1, "The proxy refused the tunnel: 403 Forbidden.")


def test_an_error_that_may_be_the_proxys(check: Check, proxy: Proxy) -> None:
    seen = check(f"http://127.0.0.1:{free_port()}/", "--proxy", proxy.url)
    assert seen.code == 1
    assert seen.conclusion.startswith("The site or the proxy responded 50")


def test_a_proxy_that_is_not_there(check: Check, origin: Origin) -> None:
    port = free_port()
    seen = check(origin.url, "--proxy", f"127.0.0.1:{port}")
    assert seen.code == 1
    assert seen.conclusion == f"There is no connection to the proxy 127.0.0.1:{port}: Connection refused."


def test_a_certificate_that_is_not_trusted(
    check: Check, tls_origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nobody = tmp_path / "nobody.pem"
    nobody.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(nobody))
    seen = check(tls_origin.url)
    assert seen.code == 1
    assert seen.conclusion.startswith("The certificate is not trusted: ")


def test_what_is_no_http_server(check: Check) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"SSH-2.0-none\r\n\r\n")

    with ScriptedPeer(script) as peer:
        seen = check(peer.url)
    assert seen.code == 1
    assert seen.conclusion.startswith("There is no response: ")


# The command itself


@pytest.mark.parametrize(
    "arguments",
    [
        ["ftp://127.0.0.1/"],
        ["127.0.0.1"],
        ["http://user:wrong@host:port/"],
        ["http://[::1/"],
    ],
)
def test_a_url_that_makes_no_sense_is_not_repeated(check: Check, arguments: list[str]) -> None:
    seen = check(*arguments)
    assert (seen.code, seen.out) == (2, "")
    assert seen.err == "coda-network check: a URL cannot be used; it should look like https://host/path\n"


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("gopher://user:wrong@127.0.0.1", "the scheme of a proxy must be one of http, https"),
        ("http://user:wrong@host:wrong", "the port in a network address is not a number"),
    ],
)
def test_a_proxy_that_makes_no_sense_is_told_and_not_repeated(check: Check, proxy: str, message: str) -> None:
    seen = check("http://127.0.0.1/", "--proxy", proxy)
    assert (seen.code, seen.out, message in seen.err) == (2, "", True)


def test_logging_is_left_as_it_was(check: Check, origin: Origin) -> None:
    log = logging.getLogger("coda_network")
    before = log.level, list(log.handlers)
    check(origin.url)
    assert (log.level, log.handlers) == before


def test_the_installed_command(origin: Origin) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "coda_network", "check", origin.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("It works: 200 OK.\n")
