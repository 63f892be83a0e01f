"""patch() and unpatch() on the standard library's own modules and classes: everything is reached, nothing is left."""

from __future__ import annotations

import http.client
import importlib
import subprocess
import sys
import threading
import urllib.request
import xmlrpc.client
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.request import urlopen as urlopen_imported_before

import pytest
from support.certs import Authority
from support.origin import Origin, patterned
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

import coda_network
from coda_network._patch import targets

CLASSES = {target.owner for target in targets.build()}
MODULES = (http.client, urllib.request, urllib.error, urllib.response, http, xmlrpc.client)


class EarlierConnection(http.client.HTTPConnection):
    """A subclass made before any patch, as those of other libraries are."""


class EarlierHandler(urllib.request.HTTPHandler):
    """Likewise."""


@pytest.fixture(autouse=True)
def _left_as_found() -> Iterator[None]:
    yield
    assert not coda_network.is_patched()


def picture() -> dict[tuple[str, str], object]:
    """Every attribute of every module and class that is touched, and of their neighbours, by identity."""
    owners: list[Any] = [*MODULES, EarlierConnection, EarlierHandler]
    for module in MODULES:
        owners += [value for value in vars(module).values() if isinstance(value, type)]
    seen: dict[tuple[str, str], object] = {}
    for owner in owners:
        where = owner.__name__ if isinstance(owner, ModuleType) else f"{owner.__module__}.{owner.__qualname__}"
        seen.update({(where, name): value for name, value in vars(owner).items()})
    return seen


def differences(before: dict[tuple[str, str], object], after: dict[tuple[str, str], object]) -> set[tuple[str, str]]:
    missing = object()
    names = before.keys() | after.keys()
    return {name for name in names if before.get(name, missing) is not after.get(name, missing)}


class TestRestoring:
    def test_every_attribute_is_the_very_object_that_it_was(self) -> None:
        before = picture()
        coda_network.patch()
        while_patched = picture()
        coda_network.unpatch()
        assert differences(before, picture()) == set()
        assert {
            ("http.client.HTTPConnection", "getresponse"),
            ("http.client.HTTPResponse", "read"),
            ("urllib.request.AbstractHTTPHandler", "do_open"),
            ("urllib.request", "urlopen"),
        } <= differences(before, while_patched)

    def test_nothing_is_touched_that_the_table_does_not_name(self) -> None:
        named = set()
        for target in targets.build():
            owner: Any = target.owner
            where = owner.__name__ if isinstance(owner, ModuleType) else f"{owner.__module__}.{owner.__qualname__}"
            named.add((where, target.name))
        for rule in targets.subclass_rules():
            base: Any = rule.base
            named.add((f"{base.__module__}.{base.__qualname__}", "__init_subclass__"))
        before = picture()
        with coda_network.patched():
            assert differences(before, picture()) <= named

    def test_nested_patches_restore_at_the_last(self) -> None:
        before = picture()
        with coda_network.patched():
            outer = picture()
            with coda_network.patched():
                assert differences(outer, picture()) == set()
            assert differences(outer, picture()) == set()
        assert differences(before, picture()) == set()

    def test_an_exception_in_the_block_restores_too(self) -> None:
        before = picture()
        with pytest.raises(ZeroDivisionError), coda_network.patched(), coda_network.patched():
            raise ZeroDivisionError
        assert differences(before, picture()) == set()

    def test_many_rounds_leave_nothing_behind(self) -> None:
        before = picture()
        for _ in range(5):
            with coda_network.patched():
                pass
        assert differences(before, picture()) == set()

    def test_threads_may_patch_and_unpatch_at_once(self) -> None:
        before = picture()

        def work() -> None:
            for _ in range(20):
                with coda_network.patched():
                    assert coda_network.is_patched()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert differences(before, picture()) == set()


class TestIdentity:
    def test_classes_stay_the_same_and_objects_of_both_times_are_their_instances(self) -> None:
        classes = http.client.HTTPConnection, http.client.HTTPResponse, urllib.request.Request
        old = http.client.HTTPConnection("localhost"), urllib.request.Request("http://localhost/")
        with coda_network.patched():
            assert classes == (http.client.HTTPConnection, http.client.HTTPResponse, urllib.request.Request)
            new = http.client.HTTPConnection("localhost"), urllib.request.Request("http://localhost/")
        for connection, request in (old, new):
            assert type(connection) is http.client.HTTPConnection
            assert type(request) is urllib.request.Request

    def test_responses_are_instances_of_the_class_of_the_standard_library(self, origin: Origin) -> None:
        with coda_network.patched():
            with urllib.request.urlopen(origin.url) as response:
                assert isinstance(response, http.client.HTTPResponse)
                assert response.status == 200

    @pytest.mark.parametrize("name", ["HTTPConnection", "HTTPSConnection", "HTTPResponse"])
    def test_reloading_nothing_of_ours_changes_what_isinstance_says(self, name: str) -> None:
        with coda_network.patched():
            assert issubclass(
                getattr(importlib.import_module("coda_network.httplib"), name), getattr(http.client, name)
            )


class TestReach:
    def test_an_urlopen_imported_before_keeps_its_connection(self, origin: Origin) -> None:
        for patched, connections in ((False, 3), (True, 1)):
            origin.reset()
            urllib.request.install_opener(None)
            try:
                if patched:
                    coda_network.patch()
                for _ in range(3):
                    with urlopen_imported_before(origin.url) as response:
                        response.read()
                assert origin.connections == connections
            finally:
                coda_network.unpatch()
                close_installed_opener()

    def test_subclasses_made_before_have_the_abilities(self) -> None:
        with coda_network.patched():
            connection = EarlierConnection("localhost", socket_keepalive=True)
            assert connection.socket_keepalive is True
            handler = EarlierHandler(socket_keepalive=True)
            assert handler.socket_keepalive is True

    def test_a_connection_shows_a_refused_tunnel_while_patched(self, basic_proxy: Proxy) -> None:
        connection = EarlierConnection(*basic_proxy.address)
        connection.set_tunnel("localhost", 443)
        with coda_network.patched():
            connection.request("GET", "/")
            with connection.getresponse() as response:
                assert response.status == 407
                assert response.tunnel
            connection.close()
        with pytest.raises(OSError, match="Tunnel connection failed: 407"):
            connection.request("GET", "/")
        connection.close()

    def test_xmlrpc_keeps_working(self) -> None:
        def script(wire: Wire) -> None:
            for _ in range(2):
                wire.read_request()
                wire.respond(
                    xmlrpc.client.dumps((42,), methodresponse=True).encode(), "200 OK", "Content-Type: text/xml"
                )

        with ScriptedPeer(script) as peer, coda_network.patched():
            with xmlrpc.client.ServerProxy(peer.url) as server:
                assert server.answer() == 42
                assert server.answer() == 42
        assert peer.connections == 1


class TestObjectsOfAnotherTime:
    """What was made before, during or after a patch goes on working across its ends."""

    def test_a_response_outlives_the_patch(self, origin: Origin) -> None:
        with coda_network.patched():
            response = urllib.request.build_opener().open(f"{origin.url}/bytes/300000")
            start = response.read(1000)
        with response:
            assert response.headers["Content-Length"] == "300000"
            assert start + response.read() == patterned(300000)

    @pytest.mark.parametrize("path", ["/chunked", "/bytes/100000", "/close", "/no-length"])
    def test_a_response_begun_before_the_patch_reads_on_under_it(self, origin: Origin, path: str) -> None:
        connection = http.client.HTTPConnection(*origin.address)
        connection.request("GET", path)
        whole = connection.getresponse().read()
        connection.request("GET", path)
        response = connection.getresponse()
        start = response.read(10)
        with coda_network.patched():
            rest = response.read()
            # What echoes the request names the connection; its length does not change with it.
            assert len(start + rest) == len(whole)
            response.close()
            connection.close()

    @pytest.mark.parametrize("patched_first", [False, True])
    def test_a_connection_goes_on_across_the_border(self, origin: Origin, patched_first: bool) -> None:
        connection = http.client.HTTPConnection(*origin.address)
        for patched in (patched_first, not patched_first, patched_first):
            if patched:
                coda_network.patch()
            connection.request("GET", "/")
            with connection.getresponse() as response:
                assert response.status == 200
                response.read()
            if patched:
                coda_network.unpatch()
        connection.close()
        assert origin.connections == 1

    @pytest.mark.parametrize("patched_first", [False, True])
    def test_a_request_sent_on_one_side_gets_its_response_on_the_other(
        self, origin: Origin, patched_first: bool
    ) -> None:
        connection = http.client.HTTPConnection(*origin.address)
        if patched_first:
            coda_network.patch()
        connection.request("POST", "/", b"body")
        coda_network.unpatch() if patched_first else coda_network.patch()
        with connection.getresponse() as response:
            assert response.status == 200
        if not patched_first:
            coda_network.unpatch()
        connection.close()

    def test_openers_made_before_work_under_it_and_after_it(self, origin: Origin) -> None:
        opener = urllib.request.build_opener()
        statuses = []
        for patched in (False, True, True, False):
            if patched:
                coda_network.patch()
            with opener.open(origin.url) as response:
                statuses.append(response.status)
                response.read()
            if patched:
                coda_network.unpatch()
        assert statuses == [200] * 4
        # One each without the patch, and one for both with it.
        assert origin.connections == 3
        with coda_network.patched():
            opener.close()

    def test_openers_made_under_it_work_after_it(self, origin: Origin, tls_origin: Origin, ca: Authority) -> None:
        with coda_network.patched():
            opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=ca.client_context()))
        for url in (origin.url, tls_origin.url):
            with opener.open(url) as response:
                assert response.status == 200

    def test_a_request_with_a_proxy_set_on_one_side_is_opened_on_the_other(self, origin: Origin, proxy: Proxy) -> None:
        request = urllib.request.Request(origin.url)
        request.set_proxy(proxy.netloc, "http")
        with coda_network.patched(), urllib.request.build_opener().open(request) as response:
            assert response.status == 200
        with urllib.request.build_opener().open(request) as response:
            assert response.status == 200


def close_installed_opener() -> None:
    """Close the connections of urlopen's own opener, and forget it."""
    opener: Any = urllib.request._opener
    if opener is not None:
        with coda_network.patched():
            opener.close()
    urllib.request.install_opener(None)


IMPORT_ORDERS = {
    "patched first": "import coda_network; coda_network.patch(); import urllib.request",
    "patched last": "import urllib.request; import coda_network; coda_network.patch()",
    "imported in between": "import coda_network; import http.client; coda_network.patch(); import urllib.request",
    "urlopen by name": "from urllib.request import urlopen; import urllib.request, coda_network; coda_network.patch()",
}


@pytest.mark.parametrize("order", IMPORT_ORDERS.values(), ids=IMPORT_ORDERS)
def test_the_order_of_imports_does_not_matter(origin: Origin, order: str) -> None:
    program = f"{order}\nfor _ in range(3): urllib.request.urlopen({origin.url!r}).read()"
    root = str(Path(coda_network.__file__).resolve().parent.parent)
    subprocess.run([sys.executable, "-W", "error", "-c", program], env={"PYTHONPATH": root}, timeout=60, check=True)
    assert (origin.connections, len(origin.requests)) == (1, 3)


def test_each_class_gets_what_its_own_stand_in_and_its_mixins_define() -> None:
    names = {(target.owner, target.name) for target in targets.build()}
    # From a mixin, and by the class that has it.
    assert (http.client.HTTPConnection, "set_tunnel") in names
    assert (http.client.HTTPResponse, "_read_chunked") in names
    # From another stand-in: inherited, as in the standard library.
    assert (http.client.HTTPSConnection, "connect") in names
    assert (http.client.HTTPSConnection, "request") not in names
    assert (http.client.HTTPSConnection, "set_tunnel") not in names
    assert (urllib.request.HTTPHandler, "http_open") in names
    assert (urllib.request.HTTPHandler, "do_open") not in names
