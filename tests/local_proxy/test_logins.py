"""A wrong password of the local proxy: one login for all clients, a page for each that says so, one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from support.accounts import ALICE, EVERYBODY
from support.local import RawClient, local_proxy
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer

from coda_network._local_proxy.proxy import LocalProxy
from coda_network._route.named import named_routes

CLIENTS = 24
SITE = "site.example"


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[NtlmPeer, str]]:
    """A proxy that verifies NTLM, and its netloc."""
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))
    script = NtlmPeer("proxy")
    with ScriptedPeer(script) as peer:
        yield script, peer.netloc


def proofs(script: NtlmPeer) -> int:
    return sum(seen.message == 3 for seen in script.seen)


def responses(proxy: LocalProxy) -> list[tuple[int, bytes]]:
    """Let many clients ask at the same time, half of them for a tunnel; return what each gets."""

    def ask(number: int) -> tuple[int, bytes]:
        with RawClient(proxy) as client:
            if number % 2:
                status, head, body = client.get(f"http://{SITE}/")
            else:
                client.send(f"CONNECT {SITE}:443 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                head = client.head()
                status = int(head.split()[1])
                body = client.file.read(int(head.lower().partition(b"content-length: ")[2].split()[0]))
            return status, head + body

    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(ask, range(CLIENTS)))


def test_a_wrong_password_is_sent_once_for_all_clients_until_it_changes(
    upstream: tuple[NtlmPeer, str], caplog: pytest.LogCaptureFixture
) -> None:
    script, netloc = upstream
    with local_proxy(f"http://CODA%5Calice:wrong@{netloc}") as proxy, caplog.at_level(logging.WARNING):
        for _ in range(2):
            for status, page in responses(proxy):
                assert status == 502
                assert b"The password may be wrong" in page
                assert b"alice" not in page and b"NTLM" not in page and b"Proxy-Authenticate" not in page
            assert proofs(script) == 1
        assert sum("refuses the login" in message for message in caplog.messages) == 1
        assert "wrong" not in caplog.text

        right = named_routes([[f"http://{ALICE.qualified_userinfo}@{netloc}"]])
        proxy.change(replace(proxy.settings, routes=right))
        with RawClient(proxy) as client:
            assert client.get(f"http://{SITE}/")[0] == 200
    assert proofs(script) == 2


def test_the_right_password_logs_each_connection_in_without_waiting_for_long(upstream: tuple[NtlmPeer, str]) -> None:
    script, netloc = upstream
    with local_proxy(f"http://{ALICE.qualified_userinfo}@{netloc}") as proxy:

        def ask(number: int) -> int:
            with RawClient(proxy) as client:
                return client.get(f"http://{SITE}/{number}")[0]

        with ThreadPoolExecutor(CLIENTS) as pool:
            assert set(pool.map(ask, range(CLIENTS))) == {200}
    assert 1 <= proofs(script) <= CLIENTS
