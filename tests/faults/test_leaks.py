"""Requests by the thousand, in ten modes: no socket, no memory and no thread is left behind."""

from __future__ import annotations

import contextlib
import gc
import http.client
import itertools
import os
import threading
import time
import tracemalloc
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from support.accounts import ALICE
from support.exchanges import BODY, Server
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ClientGone, ScriptedPeer, Wire

import coda_network
from coda_network import connect, httplib, ntlm_auth, urllib2, utilities

SCALES = [pytest.param(60, id="short"), pytest.param(20000, id="all", marks=pytest.mark.soak)]
MOST_BYTES = 500_000
"""Memory that may be held more at the end than after the first requests: caches that fill. The largest one, of 256
heads of responses, takes 200 KiB of it where each head has a token of NTLM."""


def cut_sometimes(wire: Wire) -> None:
    for number, _ in enumerate(wire.read_heads()):
        if number % 7 == 6:
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut")
            return
        wire.respond(BODY)


def redirecting(wire: Wire) -> None:
    for head in wire.read_heads():
        if head.startswith(b"GET /from"):
            wire.respond(b"x" * 100, "302 Found", "Location: /to")
        else:
            wire.respond(BODY)


def refusing(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"no", "407 No", "Proxy-Authenticate: Basic realm=x")


def opened(*handlers: Any) -> Any:
    return urllib2.build_opener(urllib2.ProxyHandler({}), *handlers)


def one_opener(url: str) -> Callable[[], object]:
    opener = opened()
    return lambda: opener.open(url, timeout=10).read()


def new_openers(url: str) -> Callable[[], object]:
    return lambda: opened().open(url, timeout=10).read()


def unread(url: str) -> Callable[[], object]:
    opener = opened()
    return lambda: opener.open(url, timeout=10).close()


def digest(url: str) -> Callable[[], object]:
    manager = urllib2.HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, url, ALICE.user, ALICE.password)
    opener = opened(urllib2.HTTPDigestAuthHandler(manager))
    return lambda: opener.open(f"{url}digest", timeout=10).read()


def ntlm(url: str) -> Callable[[], object]:
    openers: list[Any] = []
    turns = itertools.count()

    def act() -> None:
        if next(turns) % 20 == 0:  # a handshake takes a hundred times as long as a request
            handler = ntlm_auth.HTTPNtlmAuthHandler()
            handler.add_password(None, url, ALICE.qualified, ALICE.password)
            openers[:] = [opened(handler)]
            gc.collect()
        openers[0].open(url, timeout=10).read()

    return act


def connections(url: str) -> Callable[[], object]:
    def act() -> None:
        connection = httplib.HTTPConnection(url.split("/")[2], timeout=10)
        connection.request("GET", "/chunked")
        connection.getresponse().read()
        connection.close()

    return act


def failing(url: str) -> Callable[[], object]:
    opener = opened()

    def act() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            opener.open(url, timeout=10).read()

    return act


def refused_tunnels(url: str) -> Callable[[], object]:
    def act() -> None:
        with contextlib.suppress(OSError):
            connect.create_connection(("127.0.0.9", 9), 10, proxy=url.replace("://", f"://{ALICE.userinfo}@"))

    return act


def downloads(url: str) -> Callable[[], object]:
    return lambda: utilities.do_download(url, proxy_handlers=urllib2.ProxyHandler({}))


def patched(url: str) -> Callable[[], object]:
    def act() -> None:
        with coda_network.patched():
            urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10).read()

    return act


MODES = {
    "one opener": (Server, one_opener),
    "new openers": (Server, new_openers),
    "unread bodies": (Server, unread),
    "Digest": (Server, digest),
    "NTLM": (lambda: NtlmPeer("site"), ntlm),
    "connections": (Server, connections),
    "cut bodies": (lambda: cut_sometimes, failing),
    "redirects": (lambda: redirecting, lambda url: one_opener(f"{url}from")),
    "refused tunnels": (lambda: refusing, refused_tunnels),
    "downloads": (Server, downloads),
    "patched": (Server, patched),
}


def held() -> tuple[int, int]:
    for _ in range(4):
        gc.collect()  # openers are in cycles
        time.sleep(0.05)  # the peer closes its sockets, too
    return tracemalloc.get_traced_memory()[0], len(os.listdir("/proc/self/fd"))


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("requests", SCALES)
@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_left_behind(mode, requests, tmp_path, monkeypatch, record_property):
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", [ALICE])))
    make, prepare = MODES[mode]
    script = make()

    open_wires: set[Wire] = set()

    def quiet(wire: Wire) -> None:
        open_wires.add(wire)
        with contextlib.suppress(ClientGone, OSError):
            script(wire)
        open_wires.discard(wire)

    def forget() -> None:
        """Empty what the peers of the test remember, which is no leak of the client."""
        peer.forget()
        for wire in list(open_wires):
            wire.received.clear()
            wire.heads.clear()
        for record in ("seen", "done"):
            getattr(script, record, []).clear()
        gc.collect()

    with ScriptedPeer(quiet) as peer:
        act = prepare(f"{peer.url}/")
        for _ in range(requests // 4):
            act()
        threads = threading.active_count()
        forget()
        tracemalloc.start()
        before = held()
        for number in range(requests):
            act()
            if number % 100 == 99:
                forget()
        forget()
        after = held()
        tracemalloc.stop()
    print(
        f"{mode}: {requests} requests, {(after[0] - before[0]) / 1024:+.0f} KiB, {after[1] - before[1]:+d} descriptors"
    )
    record_property("memory", after[0] - before[0])
    assert after[1] - before[1] <= 3
    assert threading.active_count() <= threads + 3
    assert after[0] - before[0] < MOST_BYTES
