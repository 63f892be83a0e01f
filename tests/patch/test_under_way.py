"""Patching and unpatching while requests are under way: what began ends, in other threads and in this one."""

from __future__ import annotations

import gc
import http.client
import os
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from types import FrameType

import pytest
from support.origin import Origin, patterned

import coda_network
from coda_network import httplib
from coda_network._patch.change import FunctionChange

REQUESTS = int(os.environ.get("CODA_STRESS_REQUESTS", "600"))
"""Of the stress test; the whole of it has 10,000."""


@pytest.fixture
def switching() -> Iterator[None]:
    """Another thread that patches and unpatches in turns; threads give way to each other as often as they can."""
    ends = threading.Event()

    def work() -> None:
        while not ends.is_set():
            coda_network.patch()
            ends.wait(0.0005)
            coda_network.unpatch()
            ends.wait(0.0005)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=work)
    thread.start()
    yield
    ends.set()
    thread.join()
    sys.setswitchinterval(interval)
    assert not coda_network.is_patched()


def by_opener(origin: Origin, count: int) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for number in range(count):
        path = ("/bytes/300", "/chunked", "/bytes/70000", "/close")[number % 4]
        with opener.open(origin.url + path) as response:
            assert response.status == 200
            assert response.headers.get_content_type()
            response.read() if number % 3 else list(response)
    with coda_network.patched():
        opener.close()


def by_connection(origin: Origin, count: int) -> None:
    connection = http.client.HTTPConnection(*origin.address)
    for number in range(count):
        connection.request("POST", "/bytes/3000", b"x" * number)
        response = connection.getresponse()
        assert response.version == 11
        assert response.read(1000) + response.read() == patterned(3000)
    connection.close()


# A connection that lost its pool in the very moment is closed by the collector, which says so.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("switching")
def test_requests_of_other_threads_end_without_an_error(origin: Origin) -> None:
    errors: list[BaseException] = []

    def work(ask: object) -> None:
        try:
            ask(origin, REQUESTS // 4)  # type: ignore[operator]  # one of the two
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(ask,)) for ask in (by_opener, by_connection) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gc.collect()  # here, where the warning is no error
    if errors:
        raise errors[0]


def amid_unpatching(act: Callable[[], object]) -> None:
    """Take back the patch, and do something when responses are just losing our behaviour, as another thread may."""
    done = False

    def look(frame: FrameType, event: str, argument: object) -> None:
        nonlocal done
        if event == "call" and frame.f_code is FunctionChange.undo.__code__ and not done:
            change = frame.f_locals["self"]
            if change.owner is http.client.HTTPResponse and change.name == "read":
                done = True
                act()

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        coda_network.unpatch()
    finally:
        sys.setprofile(before)
    assert done


@pytest.mark.parametrize("then", [lambda: None, gc.collect], ids=["young", "made old by a collection"])
def test_a_response_that_begins_while_the_patch_goes_keeps_our_behaviour(origin: Origin, then) -> None:
    found: list[http.client.HTTPResponse] = []
    connection = http.client.HTTPConnection(*origin.address)

    def ask() -> None:
        connection.request("GET", "/chunked")
        found.append(connection.getresponse())
        then()

    coda_network.patch()
    amid_unpatching(ask)
    assert type(found[0]) is httplib.HTTPResponse
    assert found[0].read()
    connection.close()


def test_unpatching_looks_at_all_objects_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program may have a million of them; what came between the two looks is among the youngest."""
    looks: list[object] = []

    def get_objects(generation: int | None = None) -> list[object]:
        looks.append(generation)
        return found(generation=generation)

    found = gc.get_objects
    monkeypatch.setattr(gc, "get_objects", get_objects)
    coda_network.patch()
    gc.disable()  # a collection meanwhile would make all of them old
    try:
        coda_network.unpatch()
    finally:
        gc.enable()
    assert looks == [None, 0]
