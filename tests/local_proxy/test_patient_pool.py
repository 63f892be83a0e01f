"""Many clients at once before a proxy that wants a login: a few log in, the others take what comes idle."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from support.accounts import ALICE, EVERYBODY
from support.listening import TIMEOUT
from support.local import RawClient, local_proxy
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer, Wire
from support.pooled import Connection
from support.servers import free_port

from coda_network._local_proxy import patient_pool
from coda_network._local_proxy.patient_pool import PatientPool, _Line, _Waiter
from coda_network._local_proxy.proxy import LocalProxy
from coda_network._local_proxy.upstream import ProxyConnection
from coda_network._pool.key import PoolKey

SITE = "http://site.example/"
CLIENTS = 24


class Held(NtlmPeer):
    """A proxy that keeps responses back until it is told to go on.

    :param challenges: in handshakes, that are not kept back
    :param responses: to requests that are logged in, likewise
    """

    def __init__(self, challenges: int = 10 * CLIENTS, responses: int = 10 * CLIENTS) -> None:
        super().__init__("proxy")
        self.challenges = threading.Semaphore(challenges)
        self.responses = threading.Semaphore(responses)

    def _send(self, wire: Wire, status: str, lines: tuple[str, ...], body: bytes) -> None:
        held = self.responses if status == "200 OK" else self.challenges if "TlRM" in "".join(lines) else None
        assert held is None or held.acquire(timeout=TIMEOUT)
        super()._send(wire, status, lines, body)

    def go_on(self) -> None:
        for _ in range(10 * CLIENTS):
            self.challenges.release()
            self.responses.release()


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let nobody lose patience."""
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))
    monkeypatch.setattr(patient_pool, "WAIT_SECONDS", 10 * TIMEOUT)
    monkeypatch.setattr(patient_pool, "UNKNOWN_SECONDS", 10 * TIMEOUT)


def asking(threads: ThreadPoolExecutor, proxy: LocalProxy, count: int) -> list[Future[int]]:
    """Let clients ask for a page at once; each result is the status that one gets."""

    def ask() -> int:
        with RawClient(proxy) as client:
            return client.get(SITE)[0]

    return [threads.submit(ask) for _ in range(count)]


def first_statuses(futures: list[Future[int]], count: int) -> list[int]:
    """Return the first responses, whoever gets them."""
    done: Iterator[Future[int]] = as_completed(futures, TIMEOUT)
    return [next(done).result() for _ in range(count)]


def wait_until(condition: Callable[[], bool]) -> None:
    end = monotonic() + TIMEOUT
    while not condition():
        assert monotonic() < end
        sleep(0.01)


def all_reach_a_slow_site() -> None:
    """Let clients ask a site that responds to none of them until all have come."""
    script = Held(responses=1)
    with ScriptedPeer(script) as peer, local_proxy(way(peer)) as proxy, ThreadPoolExecutor(CLIENTS) as threads:
        asking(threads, proxy, 1)[0].result()  # for the password has to be known to be right
        futures = asking(threads, proxy, CLIENTS)
        try:
            wait_until(lambda: len(script.users) == 1 + CLIENTS)
        finally:
            script.go_on()
        assert [future.result() for future in futures] == [200] * CLIENTS


def waiting(proxy: LocalProxy) -> int:
    return sum(len(line.waiting) for line in proxy.session.pool._lines.values())


def way(peer: ScriptedPeer) -> str:
    return f"http://{ALICE.qualified_userinfo}@{peer.netloc}"


def test_those_who_wait_for_their_turn_to_log_in_take_a_connection_that_comes_idle() -> None:
    script, most = Held(challenges=1), patient_pool.MOST_LOGINS
    with ScriptedPeer(script) as peer, local_proxy(way(peer)) as proxy, ThreadPoolExecutor(CLIENTS) as threads:
        asking(threads, proxy, 1)[0].result()  # for the password has to be known to be right
        proxy.session.close()
        futures = asking(threads, proxy, CLIENTS)
        try:
            wait_until(lambda: script.messages.count(1) == 1 + most and waiting(proxy) == CLIENTS - most)
            script.challenges.release()
            assert first_statuses(futures, CLIENTS - most) == [200] * (CLIENTS - most)
            wait_until(lambda: script.messages.count(1) == 1 + most + 1)
        finally:
            script.go_on()
        assert [future.result() for future in futures] == [200] * CLIENTS


def test_a_turn_ends_with_the_login_however_long_the_site_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_pool, "MOST_LOGINS", 1)
    all_reach_a_slow_site()


def test_connections_are_shared_as_long_as_they_come_idle_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_pool, "ENOUGH", 2)
    monkeypatch.setattr(patient_pool, "PATIENCE_SECONDS", TIMEOUT)
    script = Held()
    with ScriptedPeer(script) as peer, local_proxy(way(peer)) as proxy, ThreadPoolExecutor(CLIENTS) as threads:
        for _ in range(2):
            futures = asking(threads, proxy, CLIENTS)
            assert [future.result() for future in futures] == [200] * CLIENTS
        assert peer.connections <= 2

    monkeypatch.setattr(patient_pool, "PATIENCE_SECONDS", 0.01)
    all_reach_a_slow_site()


def test_who_has_been_served_takes_no_place_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_pool, "ENOUGH", 2)
    monkeypatch.setattr(patient_pool, "PATIENCE_SECONDS", TIMEOUT)
    script = Held(responses=CLIENTS)
    with ScriptedPeer(script) as peer, local_proxy(way(peer)) as proxy, ExitStack() as stack:
        for _ in range(CLIENTS):
            assert stack.enter_context(RawClient(proxy)).get(SITE)[0] == 200  # and its thread stays
        with ThreadPoolExecutor(2) as threads:
            futures = asking(threads, proxy, 2)
            try:
                wait_until(lambda: len(script.users) == CLIENTS + 2)
            finally:
                script.go_on()
            assert [future.result() for future in futures] == [200, 200]


def test_nobody_waits_before_a_proxy_that_wants_no_login() -> None:
    together = threading.Barrier(CLIENTS)

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            if b"X-Together" in head:
                together.wait(TIMEOUT)
            wire.respond(b"ok")

    def ask(proxy: LocalProxy) -> int:
        with RawClient(proxy) as client:
            return client.get(SITE, "X-Together: yes")[0]

    with ScriptedPeer(script) as peer, local_proxy(peer.url) as proxy, ThreadPoolExecutor(CLIENTS) as threads:
        with RawClient(proxy) as client:
            assert client.get(SITE)[0] == 200
        assert set(threads.map(ask, [proxy] * CLIENTS)) == {200}


def test_a_proxy_of_which_nothing_is_known_keeps_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_pool, "UNKNOWN_SECONDS", 0.01)
    together = threading.Barrier(CLIENTS)

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            together.wait(TIMEOUT)
            wire.respond(b"ok")

    with ScriptedPeer(script) as peer, local_proxy(peer.url) as proxy, ThreadPoolExecutor(CLIENTS) as threads:
        assert [future.result() for future in asking(threads, proxy, CLIENTS)] == [200] * CLIENTS


def cut_in_handshake(wire: Wire) -> None:
    wire.read_head()
    wire.respond(b"", "407 Proxy Authentication Required", "Proxy-Authenticate: NTLM")
    next(wire.read_heads(), None)


@pytest.mark.parametrize("fault", ["nobody listens", "closed before the challenge", "closed in the handshake"])
def test_turns_come_back_from_those_who_fail(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_pool, "MOST_LOGINS", 1)

    script = cut_in_handshake if fault == "closed in the handshake" else Wire.read_head
    with ScriptedPeer(script) as peer, ThreadPoolExecutor(CLIENTS) as threads:
        upstream = way(peer)
        if fault == "nobody listens":
            upstream = f"http://127.0.0.1:{free_port()}"
        with local_proxy(upstream) as proxy:
            assert [future.result() for future in asking(threads, proxy, CLIENTS)] == [502] * CLIENTS


class Patient(Connection):
    wants_patience = True


KEY = PoolKey(Patient, "proxy.example:3128", None, ())


def test_a_connection_goes_to_who_waits_or_to_the_pool_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patient_pool, "ENOUGH", 3)
    pool = PatientPool(100, 100)
    in_use: set[Any] = set()
    made: list[Connection] = []

    def use(number: int) -> None:
        for _ in range(200):
            connection = pool.lease(KEY)
            if connection is None:
                connection = Patient()
                made.append(connection)
                pool.note_login(KEY.authority, True)
            pool.end_turn()
            assert connection not in in_use
            in_use.add(connection)
            in_use.remove(connection)
            pool.release(KEY, connection)
            pool.done()

    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(use, range(CLIENTS)))
    assert pool.idle_count == len(made) < CLIENTS
    assert not any(connection.closed for connection in made)
    pool.close()


def test_who_begins_to_wait_while_a_connection_is_put_back_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pool, first, second = PatientPool(), _Waiter(), _Waiter()
    line = pool._lines[KEY] = _Line()
    line.waiting.append(first)
    find_next = _Line.next
    looks = iter([1])

    def after_another_thread(self: _Line) -> _Waiter | None:
        if next(looks, None):
            self.waiting.remove(first)
            self.waiting.append(second)
            return None
        return find_next(self)

    monkeypatch.setattr(_Line, "next", after_another_thread)
    connection = Patient()
    pool.release(KEY, connection)
    assert second.connection is connection and pool.idle_count == 0


def test_a_connection_whose_login_failed_is_freed_with_its_last_user() -> None:
    gc.collect()
    gc.disable()
    try:
        with ScriptedPeer(cut_in_handshake) as peer, local_proxy(way(peer)) as proxy, RawClient(proxy) as client:
            assert client.get(SITE)[0] == 502
            wait_until(lambda: not any(isinstance(each, ProxyConnection) for each in gc.get_objects()))
    finally:
        gc.enable()
