"""What wrappers see of a login at a proxy for plain http: docs/differences.md says it of openers."""

from __future__ import annotations

import contextlib
import functools
import http.client
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from support.accounts import ALICE, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer

import coda_network

SITE = "http://site.example/"
STEPS = ("putrequest", "endheaders", "getresponse")


def by_opener(url: str) -> Iterator[int]:
    opener: Any = urllib.request.build_opener(urllib.request.ProxyHandler({"http": url}))
    with contextlib.closing(opener):
        while True:
            with opener.open(SITE, timeout=10) as response:
                response.read()
            yield response.status


def by_urllib3(url: str) -> Iterator[int]:
    with urllib3.ProxyManager(url) as pool:
        while True:
            yield pool.request("GET", SITE, timeout=10).status


def by_connection(url: str) -> Iterator[int]:
    parts = urllib3.util.parse_url(url)
    connection = http.client.HTTPConnection(str(parts.host), parts.port, timeout=10)
    fields = urllib3.make_headers(proxy_basic_auth=f"{ALICE.qualified}:{ALICE.password}")
    with contextlib.closing(connection):
        while True:
            connection.request("GET", SITE, headers=fields)
            response = connection.getresponse()
            response.read()
            yield response.status


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each function was called by way of a wrapper."""
    calls: Counter[str] = Counter()

    def wrap(place: Any, name: str) -> None:
        found = getattr(place, name)

        @functools.wraps(found)
        def wrapper(*arguments: Any, **options: Any) -> Any:
            calls[name] += 1
            return found(*arguments, **options)

        monkeypatch.setattr(place, name, wrapper)

    for name in STEPS:
        wrap(http.client.HTTPConnection, name)
    wrap(urllib.request.OpenerDirector, "open")
    wrap(urllib.request.AbstractHTTPHandler, "do_open")
    return calls


@pytest.mark.parametrize(("program", "requests"), [(by_opener, 3), (by_urllib3, 1), (by_connection, 1)])
def test_the_connections_of_an_opener_show_each_request_of_a_handshake(
    seen: Counter[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    program: Callable[[str], Iterator[int]],
    requests: int,
) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))
    script = NtlmPeer("proxy")
    with ScriptedPeer(script) as peer, coda_network.patched():
        responses = program(peer.url.replace("//", f"//{ALICE.qualified_userinfo}@"))
        for sent, shown in ((3, requests), (4, 1)):
            seen.clear()
            assert next(responses) == 200
            assert len(script.seen) == sent
            assert [seen[name] for name in STEPS] == [shown] * len(STEPS)
            # Of a login that the standard library carries out (Basic, Digest) open() and do_open() see both requests.
            assert [seen["open"], seen["do_open"]] == ([1, 1] if program is by_opener else [0, 0])
        responses.close()
