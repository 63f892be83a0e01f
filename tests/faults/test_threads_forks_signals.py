"""Many threads with faults and logins, forks, and signals in the middle: no mixed-up response, nothing left behind."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from spnego.exceptions import SpnegoError
from support.accounts import ALICE, BOB, Account
from support.fault_proxy import FIN, RST, TO_CLIENT, TO_SERVER, Fault, FaultProxy
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ClientGone, ScriptedPeer, Wire

from coda_network import httplib, ntlm_auth, urllib2

DOCUMENTED = (OSError, http.client.HTTPException)
SCALES = [pytest.param(40, id="short"), pytest.param(1500, id="all", marks=pytest.mark.soak)]
THREADS = 24


@pytest.fixture(autouse=True)
def users(tmp_path, monkeypatch):
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", [ALICE, BOB])))


def echo(wire: Wire) -> None:
    """Answer each request with its own target, and the user that it names."""
    with contextlib.suppress(ClientGone, OSError):
        while True:
            head, body = wire.read_request()
            wire.respond(head.split(b" ", 2)[1] + b" " + body)


def opener_of(account: Account, url: str) -> Any:
    handler = ntlm_auth.HTTPNtlmAuthHandler()
    handler.add_password(None, url, account.qualified, account.password)
    return urllib2.build_opener(urllib2.ProxyHandler({}), handler)


@pytest.mark.parametrize("requests", SCALES)
def test_threads_get_their_own_responses_whatever_is_cut(requests, record_property):
    outcomes = {"right": 0, "error": 0}
    wrong: list[str] = []
    lock = threading.Lock()
    opener = urllib2.build_opener(urllib2.ProxyHandler({}))

    def work(number: int, netloc: str) -> None:
        rng = random.Random(number)
        for turn in range(requests):
            target, body = f"/{number}/{turn}", b"x" * rng.randrange(3000)
            request = urllib2.Request(f"http://{netloc}{target}", body, method="PUT")
            try:
                with opener.open(request, timeout=5) as response:
                    data = response.read()
                kind = "right" if data == target.encode() + b" " + body else "wrong"
            except DOCUMENTED:
                kind = "error"
            with lock:
                if kind == "wrong":
                    wrong.append(target)
                else:
                    outcomes[kind] += 1

    with ScriptedPeer(echo) as peer, FaultProxy(peer.address) as proxy:
        rng = random.Random(1)
        threads = [threading.Thread(target=work, args=(number, proxy.netloc)) for number in range(THREADS)]

        def another() -> Fault:
            return Fault(rng.choice((TO_CLIENT, TO_SERVER)), rng.randrange(9000), rng.choice((FIN, RST)), 10**9)

        # The connections take the fault of the moment when they begin: the first ones, too, have one.
        proxy.fault = another()
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.002)
            proxy.fault = another()
        for thread in threads:
            thread.join()
    opener.close()
    print(outcomes)
    record_property("outcomes", str(outcomes))
    assert wrong == []
    assert outcomes["right"]
    assert outcomes["error"]


@contextlib.contextmanager
def breaking(proxy: FaultProxy) -> Iterator[None]:
    """Break the connections through a fault proxy, or some of them, here and there while the block runs."""
    rng = random.Random(2)
    stop = threading.Event()

    def another() -> None:
        proxy.fault = Fault(rng.choice((TO_CLIENT, TO_SERVER)), rng.randrange(2000), rng.choice((FIN, RST)), 10**9)

    def work() -> None:
        while not stop.wait(0.005):
            another()

    another()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.mark.parametrize("faults", [False, True], ids=["whole", "cut"])
@pytest.mark.parametrize("requests", [pytest.param(8, id="short"), pytest.param(200, id="all", marks=pytest.mark.soak)])
def test_no_thread_is_served_as_the_user_of_another(requests, faults, monkeypatch):
    monkeypatch.setenv("CODA_NETWORK_REFUSED_SECONDS", "0")  # a login that was cut is none that was refused
    peer_script = NtlmPeer("site")
    failures: list[BaseException] = []
    outcomes = {"right": 0, "error": 0}
    lock = threading.Lock()

    def quiet(wire: Wire) -> None:
        with contextlib.suppress(ClientGone, OSError, SpnegoError):
            peer_script(wire)

    def work(account: Account, url: str) -> None:
        try:
            opener = opener_of(account, url)
            for _ in range(requests):
                request = urllib2.Request(url, account.user.encode(), method="PUT")
                try:
                    with opener.open(request, timeout=20) as response:
                        assert response.read() == b"ok"
                    kind = "right"
                except DOCUMENTED:
                    if not faults:
                        raise
                    kind = "error"
                with lock:
                    outcomes[kind] += 1
            opener.close()
        except BaseException as error:
            failures.append(error)

    with ScriptedPeer(quiet) as peer, FaultProxy(peer.address) as proxy:
        threads = [
            threading.Thread(target=work, args=((ALICE, BOB)[number % 2], f"http://{proxy.netloc}/"))
            for number in range(THREADS)
        ]
        with breaking(proxy) if faults else contextlib.nullcontext():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    print(outcomes)
    assert failures == []
    assert bool(outcomes["error"]) == faults
    served = [(seen.body.decode(), seen.user) for seen in peer_script.seen if seen.user and seen.body]
    assert len(served) >= outcomes["right"] if faults else len(served) == THREADS * requests
    assert {(body, user.rpartition("\\")[2]) for body, user in served} == {("alice", "alice"), ("bob", "bob")}


# -- signals


class Interrupted(Exception):
    """Raised by the handler of a signal."""


PLACES = {
    "head": lambda wire: wire.read_to_end(),
    "body": lambda wire: (
        wire.read_head(),
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"),
        wire.read_to_end(),
    ),
    "login": lambda wire: (
        wire.read_head(),
        wire.send(b"HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n"),
        wire.read_to_end(),
    ),
    "tunnel": lambda wire: (wire.read_head(), wire.read_to_end()),
    "TLS": lambda wire: wire.read_to_end(),
}  # fmt: skip


@pytest.mark.parametrize("kind", [Interrupted, KeyboardInterrupt])
@pytest.mark.parametrize("place", PLACES)
def test_a_signal_in_the_middle_ends_the_request_and_its_connection(place, kind):
    def handler(number: int, frame: object) -> None:
        raise kind

    before = signal.signal(signal.SIGALRM, handler)
    descriptors = len(os.listdir("/proc/self/fd"))
    try:
        with ScriptedPeer(PLACES[place]) as peer:
            opener = opener_of(ALICE, f"{peer.url}/")
            url = f"{peer.url}/"
            if place == "tunnel":
                opener.close()
                opener = urllib2.build_opener(urllib2.ProxyHandler({"https": peer.url}))
                url = "https://127.0.0.9/"
            if place == "TLS":
                url = url.replace("http:", "https:")
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(kind):
                opener.open(url, timeout=5).read()
            opener.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 1


def test_a_signal_while_it_connects_leaves_no_socket():
    def handler(number: int, frame: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGALRM, handler)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # The queue is full behind two: who comes next gets no reply.
        waiting = [socket.create_connection(full.getsockname(), 1)]
        with contextlib.suppress(TimeoutError):
            waiting += [socket.create_connection(full.getsockname(), 0.2) for _ in range(3)]
        descriptors = len(os.listdir("/proc/self/fd"))
        opener = urllib2.build_opener(urllib2.ProxyHandler({}))
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(Interrupted):
                opener.open(f"http://127.0.0.1:{full.getsockname()[1]}/", timeout=5)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            opener.close()
        assert len(os.listdir("/proc/self/fd")) == descriptors
        for sock in waiting:
            sock.close()


# Between two steps of Python nobody holds a socket but a variable: the collector closes it, and warns.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("rounds", [pytest.param(60, id="short"), pytest.param(3000, id="all", marks=pytest.mark.soak)])
def test_signals_at_any_moment_leave_an_opener_that_works(rounds):
    def handler(number: int, frame: object) -> None:
        raise Interrupted

    rng = random.Random(7)
    before = signal.signal(signal.SIGALRM, handler)
    interrupted = 0
    try:
        with ScriptedPeer(echo) as peer:
            opener = urllib2.build_opener(urllib2.ProxyHandler({}))
            for number in range(rounds):
                try:
                    signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.00002, 0.0012))
                    opener.open(f"{peer.url}/{number}", timeout=5).read()
                    signal.setitimer(signal.ITIMER_REAL, 0)
                except Interrupted:
                    interrupted += 1
                signal.setitimer(signal.ITIMER_REAL, 0)
                assert opener.open(f"{peer.url}/after", timeout=5).read() == b"/after "
            opener.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    print(f"{interrupted} of {rounds} interrupted")
    assert interrupted


# -- forks


@pytest.mark.parametrize("rounds", [pytest.param(5, id="short"), pytest.param(200, id="all", marks=pytest.mark.soak)])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # so are the servers here
def test_forked_children_have_connections_of_their_own(rounds):
    with ScriptedPeer(echo) as peer:
        opener = urllib2.build_opener(urllib2.ProxyHandler({}))
        stop = threading.Event()
        parent_failures: list[BaseException] = []

        def busy() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                try:
                    assert opener.open(f"{peer.url}/p{number}", timeout=10).read() == b"/p%d " % number
                except BaseException as error:
                    parent_failures.append(error)
                    return

        threads = [threading.Thread(target=busy) for _ in range(4)]
        for thread in threads:
            thread.start()
        codes = []
        for number in range(rounds):
            child = os.fork()
            if child == 0:
                code = 1
                try:
                    signal.alarm(10)  # a lock that is held for ever ends here
                    with opener.open(f"{peer.url}/c{number}", timeout=5) as response:
                        code = 0 if response.read() == b"/c%d " % number else 2
                finally:
                    os._exit(code)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        stop.set()
        for thread in threads:
            thread.join()
        opener.close()
    assert parent_failures == []
    assert codes == [0] * rounds


def test_a_timeout_of_a_connection_leaves_it_closed():
    with ScriptedPeer(lambda wire: wire.read_to_end()) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=0.1)
        connection.request("GET", "/")
        with pytest.raises(socket.timeout):
            connection.getresponse()
        connection.close()
        assert connection.sock is None
