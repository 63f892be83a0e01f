"""A fork in the middle of whatever other threads do: the child has locks of its own, and can use everything."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.peer import ScriptedPeer, Wire

import coda_network

PACKAGE = Path(coda_network.__file__).resolve().parent

# Another thread holds every lock that the package has at the fork. The child then opens by each way.
PROGRAM = """
import gc, os, signal, sys, threading, urllib.request
import coda_network
from coda_network import _fork, urllib2
from coda_network._auth import digest_nonces

ways, url = sys.argv[1].split(","), sys.argv[2]

def given(authority, realm):
    return "alice", "secret"

def open_one(opener):
    with opener.open(url, timeout=10) as response:
        assert response.read() == b"in", response.status

def opened_in_parent():
    open_one(opener)

def with_login():
    fresh = urllib2.build_opener(urllib2.ProxyHandler({}))
    open_one(fresh)
    fresh.close()

def patched():
    with coda_network.patched(credentials=given):
        fresh = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        open_one(fresh)
        fresh.close()

def context():
    import ssl
    urllib2.install_opener(None)
    urllib2.urlopen(url, timeout=10, context=ssl.create_default_context()).read()

coda_network.patch(credentials=given)
opener = urllib2.build_opener(urllib2.ProxyHandler({}))
open_one(opener)
context()
gc.collect()

def locks():
    kinds = type(threading.Lock()), type(threading.RLock())
    for owner in list(_fork._owners):
        found = [value for value in vars(owner).values() if isinstance(value, kinds)]
        assert found, owner
        yield from found

held, done = threading.Event(), threading.Event()
count = []

def hold():
    taken = list(locks())
    for lock in taken:
        assert lock.acquire(timeout=5)
    count.append(len(taken))
    held.set()
    done.wait(30)
    for lock in taken:
        lock.release()

thread = threading.Thread(target=hold)
thread.start()
assert held.wait(20)
assert digest_nonces._made
child = os.fork()
if child == 0:
    signal.alarm(8)
    try:
        assert not digest_nonces._made
        for way in ways:
            globals()[way]()
        os._exit(0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
done.set()
thread.join()
opener.close()
print(status, count[0] >= 8)
"""


def md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode()).hexdigest()


def proves(head: bytes) -> bool:
    """Tell whether a request has the digest of alice's password (RFC 7616 section 3.4.1)."""
    fields = dict(re.findall(r'(\w+)="?([^",\r]*)', head.decode().partition("Authorization: Digest ")[2]))
    if fields.get("username") != "alice":
        return False
    signed = md5("GET", fields["uri"])
    proof = md5(md5("alice", "r", "secret"), fields["nonce"], fields["nc"], fields["cnonce"], "auth", signed)
    return fields["response"] == proof


def site(wire: Wire) -> None:
    for head in wire.read_heads():
        if proves(head):
            wire.respond(b"in")
        else:
            wire.respond(b"", "401 X", 'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5')


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")
@pytest.mark.parametrize("way", ["opened_in_parent", "with_login", "patched", "context"])
def test_a_child_uses_what_another_thread_held_at_the_fork(way: str) -> None:
    with ScriptedPeer(site) as peer:
        command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM, way, peer.url]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("0 True\n", "")


def test_every_lock_of_the_package_is_renewed_in_children() -> None:
    kinds = {"Lock", "RLock", "Condition", "Event", "Semaphore", "BoundedSemaphore", "Barrier"}
    makers, renewed = set(), set()
    for path in PACKAGE.rglob("*.py"):
        if {"demo", "_local_proxy"} & set(path.parts):
            continue  # servers, whose threads do not live in a child
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in kinds:
                    makers.add(path.name)
                if name in ("renew_in_children", "renew_module_lock"):
                    renewed.add(path.name)
    assert makers
    assert makers <= renewed
