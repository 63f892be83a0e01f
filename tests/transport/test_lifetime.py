"""How long connections live: threads, forks, exits, closed openers, responses that nobody holds."""

from __future__ import annotations

import gc
import os
import ssl
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

import coda_network


def read(opener: Any, url: Any, **options: Any) -> bytes:
    with opener.open(url, timeout=10, **options) as response:
        return response.read()


def test_threads_share_an_opener_and_each_gets_its_own_response(direct: Any, origin: Origin) -> None:
    rounds, wrong = 25, []

    def work(name: int) -> None:
        for number in range(rounds):
            size = 1000 * name + number
            if len(read(direct, f"{origin.url}/bytes/{size}")) != size:
                wrong.append(size)

    workers = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert wrong == []
    assert len(origin.requests) == 8 * rounds
    assert origin.connections <= 8


def test_threads_do_not_wait_for_each_other(direct: Any) -> None:
    meeting = threading.Barrier(4)

    def script(wire: Wire) -> None:
        wire.read_head()
        meeting.wait(10)
        wire.respond(b"ok")

    got: list[bytes] = []
    with ScriptedPeer(script) as peer:
        workers = [threading.Thread(target=lambda: got.append(read(direct, peer.url))) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(30)
    assert got == [b"ok"] * 4


def test_close_ends_idle_connections_and_the_opener_goes_on(direct: Any, origin: Origin) -> None:
    read(direct, origin.url)
    direct.close()
    read(direct, origin.url)
    assert origin.connections == 2


def test_a_response_unread_at_close_can_be_read_and_its_connection_is_closed(direct: Any, origin: Origin) -> None:
    response = direct.open(f"{origin.url}/bytes/500000", timeout=10)
    direct.close()
    assert len(response.read()) == 500000
    read(direct, origin.url)
    assert origin.connections == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork()")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # the origin is a thread
def test_a_forked_child_opens_connections_of_its_own(direct: Any, origin: Origin) -> None:
    read(direct, origin.url)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if len(read(direct, f"{origin.url}/bytes/5")) == 5 else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    read(direct, origin.url)
    assert [seen.connection for seen in origin.requests] == [1, 2, 1]


def test_the_timeout_is_that_of_each_request(direct: Any) -> None:
    go_on = threading.Event()

    def script(wire: Wire) -> None:
        for number, _ in enumerate(wire.read_heads()):
            if number == 1:
                go_on.wait(10)
                return
            wire.respond(b"ok")

    with ScriptedPeer([script, script]) as peer:
        read(direct, peer.url)
        with pytest.raises(TimeoutError):
            direct.open(peer.url, timeout=0.1)
        go_on.set()
        response = direct.open(peer.url, timeout=7)
        assert response.fp.raw._sock.gettimeout() == 7
        response.read()


def test_the_default_timeout_is_looked_up_for_each_request(
    direct: Any, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    seen = []
    before = socket.getdefaulttimeout()
    try:
        for default in (9.0, 8.0):
            socket.setdefaulttimeout(default)
            response = direct.open(origin.url)
            seen.append(response.fp.raw._sock.gettimeout())
            response.read()
    finally:
        socket.setdefaulttimeout(before)
    assert (seen, origin.connections) == ([9.0, 8.0], 1)


def collected(make: Any) -> bool:
    """Tell whether what *make* returns dies with its last name, without the collector."""
    gc.collect()
    gc.disable()
    try:
        found = make()
        reference = weakref.ref(found)
        del found
        return reference() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("path", ["/bytes/9", "/close", "/no-length", "/chunked", "/redirect/302?to=/x"])
@pytest.mark.parametrize("part", ["whole", "half", "unread"])
def test_a_response_is_freed_with_its_last_reference(direct: Any, origin: Origin, path: str, part: str) -> None:
    def opened() -> Any:
        response = direct.open(origin.url + path, timeout=10)
        response.read({"whole": None, "half": 2, "unread": 0}[part])
        return response

    read(direct, origin.url)
    assert collected(opened)


def test_a_response_through_a_tunnel_is_freed_with_its_last_reference(
    library: ModuleType, tls_origin: Origin, basic_proxy: Proxy, client_context: ssl.SSLContext
) -> None:
    opener = library.build_opener(
        library.ProxyHandler({"https": basic_proxy.url_with_login}), library.HTTPSHandler(context=client_context)
    )
    assert collected(lambda: opener.open(tls_origin.url, timeout=10))
    opener.close()


def test_a_response_after_a_login_is_freed_with_its_last_reference(library: ModuleType, origin: Origin) -> None:
    opener = library.build_opener()
    url = f"http://user:secret@{origin.netloc}/basic/user/secret"
    assert collected(lambda: opener.open(url, timeout=10))
    opener.close()


@pytest.mark.filterwarnings("ignore:Implicitly cleaning up <HTTPError:ResourceWarning")  # urllib.error's own, in 3.14
def test_errors_whose_bodies_are_not_read_leave_nothing_open(library: ModuleType, origin: Origin) -> None:
    opener = library.build_opener()
    for _ in range(5):
        try:
            opener.open(f"{origin.url}/status/503", timeout=10)
        except library.HTTPError as error:
            error.read(1)
    opener.close()
    gc.collect()  # an unclosed socket would be a warning here, and so a failure


PROGRAM = """
import sys
sys.path.insert(0, {root!r})
import urllib.request
{binding}
kept = []
for number in range(3):
    response = library.urlopen({url!r} + "/bytes/100000", timeout=10)
    if number == 0:
        response.read()
    elif number == 1:
        kept.append(response)
        response.read(10)
    else:
        opener = library.build_opener()
        opener.open({url!r}, timeout=10).read()
        kept.append((opener, opener.open({url!r}, timeout=10)))
print("done")
"""

BINDINGS = {
    "urllib2": "from coda_network import urllib2 as library",
    "patched": "import coda_network; coda_network.patch(); library = urllib.request",
}


@pytest.mark.parametrize("binding", BINDINGS)
def test_the_exit_leaves_no_socket_open(origin: Origin, binding: str) -> None:
    root = str(Path(coda_network.__file__).parents[1])
    program = PROGRAM.format(root=root, url=origin.url, binding=BINDINGS[binding])
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
