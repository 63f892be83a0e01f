"""Hostile peers cost little time and little memory: each ends in a documented error, or in a bounded response.

Every case runs in the same process, whose peak of allocated memory is measured around it.
"""

from __future__ import annotations

import http.client
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
import requests
from support.accounts import ALICE
from support.hostile import BODIES, BOMBS, HEADS, Script, make_bombs
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import connect, ntlm_auth, urllib2, utilities

MIB = 1 << 20
DOCUMENTED = (OSError, http.client.HTTPException, ValueError)
SECONDS = 1.0


def site(netloc: str) -> Any:
    manager = urllib2.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, f"http://{netloc}/", ALICE.user, ALICE.password)
    handlers = (
        urllib2.ProxyHandler({}),
        urllib2.HTTPBasicAuthHandler(manager),
        urllib2.HTTPDigestAuthHandler(manager),
        ntlm_auth.HTTPNtlmAuthHandler(manager),
    )
    opener = urllib2.build_opener(*handlers)
    try:
        with opener.open(f"http://{netloc}/", timeout=SECONDS) as response:
            return response.read()
    finally:
        opener.close()


def tunnel(netloc: str) -> Any:
    connect.create_connection(("127.0.0.9", 9), SECONDS, proxy=f"http://{ALICE.userinfo}@{netloc}").close()


def download(netloc: str) -> Any:
    code, _ = utilities.do_download(f"http://{ALICE.userinfo}@{netloc}/", timeout_sec=3)
    if code >= 300:
        raise OSError(f"status {code}")


@coda_network.patched()
def by_requests(netloc: str) -> Any:
    with requests.Session() as session:
        session.get(f"http://{ALICE.userinfo}@{netloc}/", timeout=SECONDS).raise_for_status()


def measured(act: Callable[[str], Any], script: Script, seconds: float, mib: float) -> BaseException | None:
    """Return the documented error of *act*; fail where it takes more time or memory than it may."""
    error: BaseException | None = None

    def quiet(wire: Wire) -> None:
        try:
            script(wire)
        except EOFError:
            pass

    with ScriptedPeer(quiet) as peer:
        tracemalloc.start()
        begun = time.monotonic()
        try:
            act(peer.netloc)
        except DOCUMENTED as failed:
            error = failed
            if hasattr(failed, "close"):
                failed.close()
        taken = time.monotonic() - begun
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    print(f"{taken:.2f} s, {peak / MIB:.1f} MiB, {type(error).__name__}: {str(error)[:80]}")
    assert taken < seconds, f"it took {taken:.1f} seconds"
    assert peak < mib * MIB, f"it took {peak / MIB:.0f} MiB"
    return error


WAYS = (site, tunnel, download, by_requests)
# requests itself reads the whole page of a redirect.
NOT_OURS = {("redirects with pages without end", by_requests)}


@pytest.mark.parametrize(
    ("name", "act"),
    [(name, act) for name in HEADS for act in WAYS if (name, act) not in NOT_OURS],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_head_that_never_ends_is_an_error_soon(name, act):
    error = measured(act, HEADS[name], 6, 30)
    assert error is not None


@pytest.mark.parametrize("name", BODIES)
def test_a_body_takes_no_more_memory_than_what_has_come(name):
    # 64 MiB are set aside at once for what a length announces, and more only for what comes.
    measured(site, BODIES[name], 4, 80)


@pytest.mark.parametrize("name", BOMBS)
def test_a_compressed_body_takes_its_own_size_only_where_nobody_decodes_it(name):
    make_bombs()
    measured(site, BOMBS[name], 4, 30)


def test_a_download_that_is_decoded_refuses_a_bomb():
    def act(netloc: str) -> None:
        utilities.do_download(f"http://{netloc}/", timeout_sec=3)

    make_bombs()
    error = measured(act, BOMBS["gzip"], 6, 120)
    assert "bomb" in str(error)


def test_a_page_without_end_behind_a_refusal_is_not_read():
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\n\r\n")
        try:
            while True:
                wire.sock.sendall(b"x" * 65536)
        except OSError:
            pass

    error = measured(tunnel, script, 3, 30)
    assert "407" in str(error)
