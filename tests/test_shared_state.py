"""What threads share: all of it is listed here, and each piece is used by many threads at once that take turns quickly.

Builds of Python without the global lock have to find nothing that is read, changed and written back without a lock. A
single step of a dict or a list (an entry set, ``setdefault()``, ``pop()``) is one step there, too.
"""

from __future__ import annotations

import ast
import random
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import coda_network
from coda_network import urllib2
from coda_network._auth import defaults, refused_passwords
from coda_network._auth.credentials import Credentials
from coda_network._auth.login import Login
from coda_network._auth.memory import Attempt, LoginMemory
from coda_network._auth.refused_passwords import RefusedPasswords
from coda_network._auth.scheme import Peer, Role
from coda_network._http import header_login
from coda_network._net.default_context import DefaultContext
from coda_network._net.tls import shared_context
from coda_network._opener import request
from coda_network._pool.key import PoolKey
from coda_network._pool.pool import Pool
from coda_network._stack import Stack
from coda_network._transport.context_sessions import ContextSessions
from coda_network._transport.session import session_of
from coda_network._wire import fast_request, fast_response

PACKAGE = Path(coda_network.__file__).parent
THREADS = 6

# The variables of modules that change while the program runs, and what keeps threads apart. What belongs to one
# connection, response or request has one user at a time, and is not among them.
STATE = {
    "_auth/defaults.py:_installed": "a Stack",
    "_auth/digest_nonces.py:_made": "taken in single steps, made with a lock",
    "_auth/refused_passwords.py:_settings": "a Stack",
    "_cache/opener.py:_installed": "a Stack",
    "_cache/opener.py:_under_way": "single steps",
    "_cache/who.py:_strangers": "single steps",
    "_cli/run.py:_settings": "set before the program has a thread",
    "_fork.py:_owners": "single steps; gone through in a child that has one thread",
    "_http/header_login.py:_accepted_headers": "a lock",
    "_http/in_place.py:steps_of_http_client": "replaced in one step, with the switch's lock",
    "_net/happy_eyeballs.py:_switched_on": "a Stack",
    "_net/tls.py:_shared": "replaced in one step; at worst two threads make a context each",
    "_opener/request.py:_origins": "single steps",
    "_originals/__init__.py:_copies": "single steps",
    "_originals/__init__.py:_passing": "changed with the switch's lock",
    "_patch/__init__.py:_given": "a lock",
    "_patch/__init__.py:_switch": "a lock",
    "_patch/in_flight.py:_landmark": "set and read with the switch's lock",
    "_route/environment.py:_counted": "replaced in one step",
    "_route/installed.py:_installed": "a Stack",
    "_transport/declared_logins.py:_known": "single steps; at worst two threads look up the same",
    "_transport/password_entries.py:_entries": "single steps; at worst two threads look up the same",
    "_wire/fast_request.py:_names": "single steps",
    "_wire/fast_response.py:_heads": "single steps",
    "_wire/fast_response.py:_misses": "a count that need not be exact: it says when to forget",
    "_wire/fast_response.py:_status_lines": "single steps",
}
CONTAINERS = {"dict", "list", "set", "deque", "defaultdict", "Counter", "Stack"}


def shared_variables() -> Iterator[str]:
    """Name the variables of modules that functions assign, and the containers that are not constants."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
        for node in tree.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                if isinstance(target, ast.Name) and _may_change(target.id) and _is_container(node.value):
                    names.add(target.id)
        for name in sorted(names):
            yield f"{path.relative_to(PACKAGE).as_posix()}:{name}"


def _may_change(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and not name.isupper() and name != "_ours"


def _is_container(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        called = ast.unparse(value.func).rpartition(".")[2]
        return called in CONTAINERS or called.startswith("Weak")
    return isinstance(value, (ast.Dict, ast.List, ast.Set))


def test_all_of_it_is_listed() -> None:
    assert sorted(shared_variables()) == sorted(STATE)


@pytest.fixture(autouse=True)
def quick_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], object]) -> list[Any]:
    """Call *work* with its number in each of some threads that begin together; return what they returned."""
    results: list[Any] = [None] * THREADS
    errors: list[BaseException] = []
    barrier = threading.Barrier(THREADS)

    def run(number: int) -> None:
        barrier.wait()
        try:
            results[number] = work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    return results


class Kept:
    """A connection for the pool, which notices a second user."""

    def __init__(self) -> None:
        self.user = threading.Lock()
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def dropped(self) -> bool:
        return False


def test_a_pool_leases_a_connection_to_one_thread_and_counts_them_all() -> None:
    pool = Pool(max_idle_per_host=3, max_idle=5)
    keys = [PoolKey(Kept, f"host{number}:80", None, ()) for number in range(3)]

    def work(number: int) -> list[Kept]:
        chance, mine = random.Random(number), []
        for turn in range(400):
            key = chance.choice(keys)
            generation = pool.generation
            connection = pool.lease(key)
            if connection is None:
                connection = Kept()
                mine.append(connection)
            assert connection.is_open
            assert connection.user.acquire(blocking=False), "two users of one connection"
            connection.user.release()
            pool.release(key, connection, generation=generation)
            if turn % 100 == number:
                pool.close()
        return mine

    made = [connection for each in at_once(work) for connection in each]
    assert sum(connection.is_open for connection in made) == pool.idle_count <= 5
    pool.close()
    assert not any(connection.is_open for connection in made)


def test_a_stack_loses_and_doubles_nothing() -> None:
    stack = Stack()
    stack.add("first")

    def work(number: int) -> None:
        for turn in range(300):
            stack.add(mine := (number, turn))
            assert mine in stack
            assert list(stack)[-1] == "first"
            stack.remove(mine)

    at_once(work)
    assert list(stack) == ["first"]


def test_patching_in_all_threads_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch) -> None:
    import http.client

    before = dict(vars(http.client.HTTPConnection))
    peer = Peer(Role.PROXY, "proxy", 3128)

    def work(number: int) -> None:
        for _ in range(10):
            with coda_network.patched(("user", "password"), refused_seconds=number):
                assert coda_network.is_patched()
                assert defaults.default_credentials(peer)(None) == Credentials("user", "password")
                assert refused_passwords.seconds() in range(THREADS)

    at_once(work)
    assert not coda_network.is_patched()
    assert dict(vars(http.client.HTTPConnection)) == before
    assert (list(defaults._installed), list(refused_passwords._settings)) == ([], [])


def test_memories_of_logins_answer_with_whole_entries() -> None:
    memory, refused = LoginMemory(), RefusedPasswords()
    peers = [Peer(Role.PROXY, f"proxy{number}", 3128) for number in range(3)]
    user = Credentials("user", "password")
    scheme: Any = None  # no memory asks it

    def work(number: int) -> None:
        for turn in range(200):
            peer = peers[turn % 3]
            attempt = Attempt(scheme, "basic", "Basic", peer.host, user)
            memory.remember(peer, attempt)
            found = memory.recall(peer)
            assert found is None or found.realm == peer.host
            memory.forget(peer, attempt)
            refused.refuse(peer, user, "basic", str(turn))
            refused.age(peer, user)
            refused.accept(peer, user)
            login = Login(Role.PROXY, peer, lambda realm: user, preset_header=f"Basic {number}{turn}")
            header_login.note_accepted_header(login)

    at_once(work)
    assert not any(memory.recall(peer) for peer in peers)
    assert len(header_login._accepted_headers) <= header_login.MOST_ACCEPTED


def test_memories_of_the_short_ways_stay_within_their_bounds() -> None:
    def work(number: int) -> None:
        for turn in range(700):
            made = urllib2.Request(f"http://host{number}-{turn}/{turn}", headers={f"X-{number}-{turn}": "1"})
            assert (made.host, made.selector) == (f"host{number}-{turn}", f"/{turn}")
            head = b"HTTP/1.1 200 %c%c\r\nContent-Length: 4\r\nX-%c%c: 1\r\n\r\n" % ((65 + number, 65 + turn % 26) * 2)
            found = fast_response.scan(head)
            assert found is not None
            assert (found[1], found[4]) == (200, 4)
            assert fast_request._lower(f"X-{turn % 50}") == f"x-{turn % 50}"

    at_once(work)
    assert len(request._origins) <= request.MEMORY + THREADS
    assert len(fast_response._heads) <= fast_response.MEMORY + THREADS
    assert len(fast_response._status_lines) <= fast_response.MEMORY + THREADS
    assert len(fast_request._names) <= fast_request.MAX_NAMES + THREADS


def test_what_is_made_once_is_the_same_for_all_threads() -> None:
    for _ in range(5):
        opener, context = urllib2.build_opener(), DefaultContext()
        assert len({id(session) for session in at_once(lambda number, opener=opener: session_of(opener))}) == 1
        assert len({id(found) for found in at_once(lambda number, context=context: context.get())}) == 1
        opener.close()


def test_a_context_has_one_session_and_two_are_kept() -> None:
    sessions = ContextSessions()
    contexts = [ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(3)]

    def work(number: int) -> None:
        for turn in range(100):
            sessions.session_for(contexts[(number + turn) % 3])
        assert shared_context().verify_mode is ssl.CERT_REQUIRED

    at_once(work)
    assert len(sessions._sessions) == 2
    for context in contexts:
        sessions.session_for(context).close()
