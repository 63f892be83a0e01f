"""What becomes of a pool's sockets: at a fork, at the exit, and when the pool is garbage."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import weakref
from pathlib import Path

import pytest
from support.certs import Authority

import coda_network
from coda_network._net.liveness import Liveness
from coda_network._pool.key import PoolKey
from coda_network._pool.pool import Pool

KEY = PoolKey(object, "localhost", None, ())


class Connection:
    """A real socket, as the opener's connections have one."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.dropped = Liveness(sock).dropped

    def close(self) -> None:
        self.sock.close()


# Garbage


def test_a_pool_without_references_closes_its_sockets() -> None:
    left, right = socket.socketpair()
    with right:
        pool = Pool()
        pool.release(KEY, Connection(left))
        gone = weakref.ref(pool)
        del pool
        assert gone() is None
        assert left.fileno() == -1
        assert right.recv(1) == b""


def test_a_pool_in_a_cycle_closes_its_sockets_before_they_are_collected() -> None:
    class Opener:
        def __init__(self) -> None:
            self.me = self
            self.pool = Pool()

    left, right = socket.socketpair()
    with right:
        opener = Opener()
        opener.pool.release(KEY, Connection(left))
        del opener, left
        # A socket that is still open would warn here, and warnings are errors.
        gc.collect()
        assert right.recv(1) == b""


def test_a_pool_opened_again_after_close_still_closes_its_sockets() -> None:
    left, right = socket.socketpair()
    with right:
        pool = Pool()
        pool.close()
        pool.lease(KEY)
        pool.release(KEY, Connection(left))
        del pool
        assert left.fileno() == -1


def test_an_idle_connection_that_the_peer_closed_is_not_leased() -> None:
    pool = Pool()
    ends = [socket.socketpair() for _ in range(2)]
    for left, _ in ends:
        pool.release(KEY, Connection(left))
    ends[1][1].close()
    leased = pool.lease(KEY)
    assert leased.sock is ends[0][0]
    assert ends[1][0].fileno() == -1
    leased.close()
    ends[0][1].close()


# Exit and fork, each in an interpreter of its own

START = """
import atexit, os, socket, ssl, sys, threading
from coda_network._net.liveness import Liveness
from coda_network._pool.key import PoolKey
from coda_network._pool.pool import Pool

class Connection:
    def __init__(self, sock):
        self.sock = sock
        self.dropped = Liveness(sock).dropped
    def close(self):
        self.sock.close()

KEY = PoolKey(object, "localhost", None, ())
left, right = socket.socketpair()
left.settimeout(10)
right.settimeout(10)
"""


def run(program: str, *arguments: str) -> str:
    """Run a program with all warnings as errors; its stderr must be empty. Return what it printed."""
    root = str(Path(coda_network.__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", START + program, *arguments],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


GLOBAL = "pool = Pool(); pool.release(KEY, Connection(left)); right.close()"
CYCLE = f"{GLOBAL}; pool.cycle = pool; del pool, left"
# Hooks run in the reverse order, so this one runs after that of the pool.
CLOSED_BY_HOOK = f"atexit.register(lambda: print('closed', left.fileno() == -1)); {GLOBAL}"


@pytest.mark.parametrize(
    ("program", "output"),
    [
        pytest.param(GLOBAL, "", id="global"),
        pytest.param(CYCLE, "", id="cycle"),
        pytest.param(CLOSED_BY_HOOK, "closed True\n", id="hook"),
    ],
)
def test_the_exit_of_the_interpreter_leaves_no_socket_open(program: str, output: str) -> None:
    assert run(program) == output


def test_a_connection_released_after_the_exit_began_is_closed() -> None:
    program = """
def late():
    pool.release(KEY, Connection(left))
    print(left.fileno(), pool.lease(KEY), pool)

# Hooks run in the reverse order, so this one runs after that of the pool.
atexit.register(late)
pool = Pool()
right.close()
"""
    assert run(program) == "-1 None <Pool finished, idle: none>\n"


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")


@needs_fork
def test_a_forked_child_closes_its_copies_of_the_parents_connections() -> None:
    program = """
pool = Pool()
pool.release(KEY, Connection(left))
before = pool.generation
leased, peer = socket.socketpair()
child = os.fork()
if child == 0:
    results = [pool.idle_count == 0, pool.lease(KEY) is None, left.fileno() == -1]
    # Opened before the fork, so it is the parent's too.
    pool.release(KEY, Connection(leased), generation=before)
    results += [leased.fileno() == -1, pool.generation != before]
    own, other = socket.socketpair()
    pool.release(KEY, Connection(own), generation=pool.generation)
    results.append(pool.lease(KEY).sock is own)
    os._exit(0 if all(results) else 1)
assert os.waitpid(child, 0)[1] == 0
# The parent's connection never noticed.
connection = pool.lease(KEY)
assert connection.sock is left
left.sendall(b"request")
assert right.recv(100) == b"request"
leased.sendall(b"request")
assert peer.recv(100) == b"request"
for sock in (left, right, leased, peer):
    sock.close()
print("parent done")
"""
    assert run(program) == "parent done\n"


@needs_fork
def test_a_forked_child_sends_nothing_on_the_parents_tls_connection(ca: Authority) -> None:
    program = """
server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server_context.load_cert_chain(sys.argv[2], sys.argv[3])
ends = []
server = threading.Thread(target=lambda: ends.append(server_context.wrap_socket(right, server_side=True)))
server.start()
client = ssl.create_default_context(cafile=sys.argv[1]).wrap_socket(left, server_hostname="localhost")
server.join()
pool = Pool()
pool.release(KEY, Connection(client))
child = os.fork()
if child == 0:
    os._exit(0 if client.fileno() == -1 and pool.idle_count == 0 else 1)
assert os.waitpid(child, 0)[1] == 0
connection = pool.lease(KEY)
connection.sock.sendall(b"request")
assert ends[0].recv(100) == b"request"
ends[0].sendall(b"reply")
assert connection.sock.recv(100) == b"reply"
connection.close()
ends[0].close()
print("parent done")
"""
    paths = (ca.bundle, ca.server_certificate, ca.server_key)
    assert run(program, *map(str, paths)) == "parent done\n"


@needs_fork
def test_a_forked_child_does_not_wait_for_a_lock_of_the_parents_threads() -> None:
    program = """
import warnings
pool = Pool()
pool.release(KEY, Connection(left))
holding, done = threading.Event(), threading.Event()

def hold():
    with pool._storage.lock:
        pool._storage.busy = True
        holding.set()
        done.wait(30)
        pool._storage.busy = False

thread = threading.Thread(target=hold)
thread.start()
holding.wait(10)
with warnings.catch_warnings():
    # A fork with threads around is what Python warns of, and what is tested.
    warnings.simplefilter("ignore", DeprecationWarning)
    child = os.fork()
if child == 0:
    own, other = socket.socketpair()
    pool.release(KEY, Connection(own))
    os._exit(0 if pool.lease(KEY).sock is own else 1)
assert os.waitpid(child, 0)[1] == 0
done.set()
thread.join()
assert pool.idle_count == 1
right.close()
print("parent done")
"""
    assert run(program) == "parent done\n"


def test_importing_the_pool_loads_neither_the_network_nor_threads() -> None:
    program = "print(any(name in sys.modules for name in ('socket', 'ssl', 'threading', 'typing')))"
    root = str(Path(coda_network.__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys, coda_network._pool.pool, coda_network._pool.key; {program}"],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "False\n"
