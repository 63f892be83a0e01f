"""The code on the pages runs: every page's blocks one after the other, against stand-ins on loopback.

Every name of a host leads to this machine, and the ports that the pages use lead to the stand-ins: a site over http and
one over https, a proxy that wants the pages' login, and a server that speaks first.
"""

from __future__ import annotations

import contextlib
import doctest
import logging
import shutil
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.accounts import ALICE
from support.certs import Authority
from support.origin import Origin
from support.pages import PAGES, PROJECT, Block, blocks
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.squid import Squid

import coda_network
from coda_network import ntlm_auth, urllib2

HOSTS = ("www.example.org", "intranet.example", "proxy.example", "irc.example.org", "localhost")
GREETING = b":irc.example.org NOTICE * :hello\r\n"


class StandIns:
    """The servers behind the names on the pages."""

    def __init__(self, site: Origin, tls_site: Origin, proxy: Proxy, talker: ScriptedPeer) -> None:
        self.site = site
        self.tls_site = tls_site
        self.proxy = proxy
        self.talker = talker


def page_id(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def greet(wire: Wire) -> None:
    wire.send(GREETING)
    wire.read_to_end()


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch, ca: Authority, tmp_path: Path) -> Iterator[StandIns]:
    """Run the servers, with names and ports that lead to them, in an empty folder with a client certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    monkeypatch.chdir(tmp_path)
    shutil.copy(ca.client_certificate, "client.pem")
    shutil.copy(ca.client_key, "client.key")
    resolve = socket.getaddrinfo
    with (
        Origin() as site,
        Origin(ca.server_context(*HOSTS)) as tls_site,
        Proxy(("user", "password")) as proxy,
        ScriptedPeer(greet) as talker,
    ):
        ports = {80: site.port, 443: tls_site.port, 3128: proxy.port, 6697: talker.port}

        def to_this_machine(host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
            return resolve("127.0.0.1", ports.get(port, port), *arguments, **options)

        monkeypatch.setattr(socket, "getaddrinfo", to_this_machine)
        yield StandIns(site, tls_site, proxy, talker)


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch, stand_ins: StandIns) -> Iterator[dict[str, Any]]:
    """What the blocks of a page see; what they open, patch and configure is undone behind them."""
    passwords = urllib2.HTTPPasswordMgrWithDefaultRealm()
    names: dict[str, Any] = {
        "coda_network": coda_network,
        "ntlm_auth": ntlm_auth,
        "urllib2": urllib2,
        "passwords": passwords,
        "url": "https://www.example.org/status/304",
        "known_etag": '"one"',
        "known_date": "Tue, 24 Nov 2026 10:00:00 GMT",
        "ask": lambda authority, realm: None,
        "ask_the_keyring": lambda authority: None,
    }
    for library in (urllib.request, urllib2):
        monkeypatch.setattr(library, "_opener", None)
    log = logging.getLogger("coda_network")
    level = log.level
    yield names
    log.setLevel(level)
    while coda_network.is_patched():
        coda_network.unpatch()
    for library in (urllib.request, urllib2):
        if library._opener is not None:
            library._opener.close()
    for found in names.values():
        if not isinstance(found, type) and callable(close := getattr(found, "close", None)):
            close()


def run(block: Block, names: dict[str, Any]) -> None:
    source = "\n" * (block.line - 1) + block.text
    exec(compile(source, str(block.page), "exec", dont_inherit=True), names)


PYTHON = [page for page in PAGES if blocks(page, "python")]


@pytest.mark.parametrize("page", PYTHON, ids=page_id)
def test_the_code_of_a_page_runs_from_top_to_bottom(page: Path, namespace: dict[str, Any]) -> None:
    for block in blocks(page, "python"):
        run(block, namespace)


def test_there_is_code_to_run() -> None:
    assert {"README.md", "docs/patching.md", "docs/authentication.md", "docs/proxies.md"} <= {*map(page_id, PYTHON)}


def block_with(page: str, text: str) -> Block:
    [found] = [block for block in blocks(PROJECT / page, "python") if text in block.text]
    return found


def test_a_hundred_requests_take_one_tunnel_through_the_proxy(
    monkeypatch: pytest.MonkeyPatch, stand_ins: StandIns, namespace: dict[str, Any]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@proxy.example:3128")
    run(block_with("README.md", "one tunnel through the proxy"), namespace)
    assert [(seen.method, seen.status) for seen in stand_ins.proxy.requests] == [("CONNECT", 200)]
    assert len(stand_ins.tls_site.requests) == 100


def test_a_request_with_another_method_goes_through_the_proxy(stand_ins: StandIns, namespace: dict[str, Any]) -> None:
    run(block_with("README.md", "DELETE"), namespace)
    assert [seen.method for seen in stand_ins.tls_site.requests] == ["DELETE"]
    assert [seen.status for seen in stand_ins.proxy.requests] == [407, 200]


def test_a_refused_tunnel_is_told_from_a_response_of_the_site(
    stand_ins: StandIns, namespace: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run(block_with("docs/proxies.md", "response.tunnel"), namespace)
    assert capsys.readouterr().out == "the proxy says 407 Proxy Authentication Required\n"


def test_a_plain_socket_through_the_proxy_loses_no_byte_of_the_greeting(
    stand_ins: StandIns, namespace: dict[str, Any]
) -> None:
    run(block_with("docs/proxies.md", "irc.example.org"), namespace)
    assert namespace["sock"].makefile("rb").readline() == GREETING
    assert [seen.status for seen in stand_ins.proxy.requests] == [407, 200]


@pytest.mark.servers
def test_the_session_about_a_wrong_password_prints_what_the_page_shows(
    monkeypatch: pytest.MonkeyPatch, squid_ntlm: Squid
) -> None:
    [session] = blocks(PROJECT / "docs" / "authentication.md", "pycon")
    monkeypatch.setenv("https_proxy", f"http://{ALICE.user}:wrong@{squid_ntlm.netloc}")
    monkeypatch.setattr(urllib2, "_opener", None)
    test = doctest.DocTestParser().get_doctest(session.text, {"urllib2": urllib2}, str(session), None, session.line)
    printed: list[str] = []
    failed, attempted = doctest.DocTestRunner(verbose=False).run(test, out=printed.append)
    with contextlib.closing(urllib2._opener):
        assert attempted == 1
        assert not failed, "".join(printed)
