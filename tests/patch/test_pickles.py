"""What goes to another process, or is copied: whatever of the standard library's can, ours can, patched or not."""

from __future__ import annotations

import contextlib
import copy
import email.message
import functools
import http.client
import io
import multiprocessing
import pickle
import urllib.error
import urllib.request
import urllib.response
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import connect, httplib, urllib2
from coda_network._auth.scheme import CannotServe, PasswordRefused, PeerUnproven
from coda_network._http.tunnel_login import TunnelError
from coda_network._opener.errors import TunnelRefused
from coda_network._wire.validate import InvalidTarget

FACES = {http.client: httplib, urllib.request: urllib2, urllib.error: urllib2, urllib.response: urllib2}
BINDINGS = ["unpatched", "patched"]
WAYS: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
# What their constructors need; all others are made of nothing.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "BadStatusLine": ("x",),
    "ContentTooShortError": ("short", b"x"),
    "HTTPConnection": ("host.example",),
    "HTTPError": ("http://host.example/", 404, "No", email.message.Message(), None),
    "HTTPSConnection": ("host.example",),
    "IncompleteRead": (b"x", 3),
    "LineTooLong": ("header line",),
    "Request": ("http://host.example/a", b"x", {"A": "b"}),
    "UnknownProtocol": ("HTTP/9",),
    "URLError": ("why",),
    "addbase": (io.BytesIO(b"x"),),
    "addclosehook": (io.BytesIO(b"x"), print),
    "addinfo": (io.BytesIO(b"x"), email.message.Message()),
    "addinfourl": (io.BytesIO(b"x"), email.message.Message(), "http://host.example/"),
}
# They open a connection, or read one, when they are made.
NOT_MADE = {"ftpwrapper", "HTTPResponse"}


def public(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__:
            yield name


@contextlib.contextmanager
def face_of(module: ModuleType, binding: str) -> Iterator[ModuleType]:
    if binding == "unpatched":
        yield FACES[module]
    else:
        with coda_network.patched():
            yield module


def can(way: Callable[[Any], Any], value: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of what was begun and not completed
        try:
            done_with(way(value))
        except Exception:
            return False
        finally:
            done_with(value)
        return True


def done_with(*values: Any) -> None:
    for value in values:
        if isinstance(value, urllib.response.addbase):  # which warns where it was not closed
            value.close()


def made(library: ModuleType, name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # URLopener
        return getattr(library, name)(*copy.deepcopy(ARGUMENTS.get(name, ())))


@functools.cache
def copied(module: ModuleType, way: str) -> list[str]:
    """Return the classes of which the standard library can copy an object in one way."""
    classes = [name for name in public(module) if isinstance(getattr(module, name), type) and name not in NOT_MADE]
    return [name for name in classes if can(WAYS[way], made(module, name))]


COPIED = [(module, way) for module in FACES for way in WAYS if copied(module, way)]


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("module", FACES, ids=lambda module: module.__name__)
def test_what_has_a_name_is_found_by_it(module: ModuleType, binding: str) -> None:
    names = list(public(module))
    with face_of(module, binding) as library:
        lost = [name for name in names if not is_found(getattr(library, name))]
    assert (lost, len(names) > 1) == ([], True)


def is_found(value: Any) -> bool:
    try:
        return pickle.loads(pickle.dumps(value)) is value
    except Exception:  # of any kind: the name is told, and the others are looked at
        return False


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize(("module", "way"), COPIED, ids=[f"{module.__name__}-{way}" for module, way in COPIED])
def test_objects_are_copied_where_the_standard_library_copies_them(module: ModuleType, way: str, binding: str) -> None:
    names = copied(module, way)
    theirs = {name: traces(module, name, way) for name in names}
    with face_of(module, binding) as library:
        ours = {name: traces(library, name, way) for name in names}
    wrong = [
        f"{name}: {ours[name]}"
        for name, (kept, arguments, _) in theirs.items()
        if not kept <= ours[name][0] or ours[name][1:] != (arguments, True)
    ]
    assert wrong == []


def traces(library: ModuleType, name: str, way: str) -> tuple[set[str], Any, Any]:
    """Copy an object; return its attributes, its arguments, and whether its class is the same.

    Some exceptions of the standard library lose their arguments.
    """
    original = made(library, name)
    try:
        twin = WAYS[way](original)
    except Exception as error:  # as above
        return set(), None, error
    finally:
        done_with(original)
    done_with(twin)
    return set(vars(twin)), getattr(twin, "args", None), type(twin) is type(original)


def site(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"hello")


def refusing(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"sorry", "403 Keep Out", "X-Why: rules")


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("way", WAYS)
def test_an_opener_that_was_used_is_copied_and_the_copy_opens(way: str, binding: str) -> None:
    with ScriptedPeer(site) as peer, face_of(urllib.request, binding) as library:
        # Not for https: the standard library's handler for it cannot be copied where it has a context.
        opener = library.OpenerDirector()
        for handler in (library.ProxyHandler({}), library.HTTPHandler(), library.HTTPErrorProcessor()):
            opener.add_handler(handler)
        request = library.Request(peer.url, headers={"A": "b"})
        assert opener.open(request, timeout=10).read() == b"hello"
        twin, again = WAYS[way](opener), WAYS[way](request)
        assert twin.open(again, timeout=10).read() == b"hello"
        twin.close()
        opener.close()


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_was_used_and_closed_is_copied_and_the_copy_connects(way: str, binding: str) -> None:
    with ScriptedPeer(site) as peer, face_of(http.client, binding) as library:
        connection = library.HTTPConnection(*peer.address, timeout=10)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
        twin = WAYS[way](connection)
        twin.request("GET", "/")
        assert twin.getresponse().read() == b"hello"
        twin.close()


FRAMINGS = {
    "length": b"HTTP/1.1 404 No\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello",
    "chunked": b"HTTP/1.1 404 No\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "close": b"HTTP/1.1 404 No\r\nX-A: b\r\n\r\nhello",
}


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("framing", FRAMINGS)
def test_an_http_error_pickles_with_its_head_and_body(framing: str, binding: str) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(FRAMINGS[framing])

    with ScriptedPeer(script) as peer, face_of(urllib.request, binding) as library:
        opener = library.build_opener(library.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(peer.url, timeout=10)
        error = caught.value
        twin = pickle.loads(pickle.dumps(error))
        assert (type(twin), twin.code, twin.reason, twin.headers["X-A"]) == (type(error), 404, "No", "b")
        # The original reads on.
        assert (twin.read(), error.read()) == (b"hello", b"hello")
        twin.close()
        error.close()
        opener.close()


@pytest.mark.parametrize("half", [False, True])
def test_the_copy_of_a_half_read_body_is_cut_short(half: bool) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        wire.read_to_end()

    with ScriptedPeer(script) as peer:
        connection = httplib.HTTPConnection(*peer.address, timeout=10)
        connection.request("GET", "/")
        response = connection.getresponse()
        if half:
            assert response.read(2) == b"he"
        twin = pickle.loads(pickle.dumps(response))
        with pytest.raises(http.client.IncompleteRead) as caught:
            twin.read()
        assert caught.value.partial == (b"llo" if half else b"hello")
        response.close()
        connection.close()


def by_opener(url: str, library: ModuleType) -> None:
    opener = library.build_opener(library.ProxyHandler({"https": url}))
    opener.open("https://host.example/", timeout=10)


def by_connection(url: str, library: ModuleType) -> None:
    client = httplib if library is urllib2 else http.client
    host, _, port = url.partition("//")[2].partition(":")
    connection = client.HTTPSConnection(host, int(port), timeout=10)
    connection.set_tunnel("host.example", 443)
    try:
        connection.connect()
    finally:
        connection.close()


def by_create_connection(url: str, library: ModuleType) -> None:
    connect.create_connection(("host.example", 443), 10, proxy=url)


def work(by: Callable[[str, ModuleType], None], binding: str, url: str) -> None:
    with face_of(urllib.request, binding) as library:
        by(url, library)


@pytest.mark.parametrize("binding", BINDINGS)
@pytest.mark.parametrize("by", [by_opener, by_connection, by_create_connection])
def test_the_refusal_of_a_tunnel_pickles(by: Callable[[str, ModuleType], None], binding: str) -> None:
    with ScriptedPeer(refusing) as peer:
        with pytest.raises(OSError) as caught:
            work(by, binding, peer.url)
        error = caught.value
        twin = pickle.loads(pickle.dumps(error))
    assert (type(twin), str(twin)) == (type(error), str(error))
    tunnel = twin.reason if by is by_opener else twin
    assert isinstance(tunnel, TunnelError)
    assert (tunnel.response.status, tunnel.response.reason) == (403, "Keep Out")
    assert tunnel.response.headers["X-Why"] == "rules"
    assert tunnel.response.tunnel is True
    if by is by_opener:
        assert (type(twin), twin.code, twin.headers["X-Why"], twin.fp.read()) == (TunnelRefused, 403, "rules", b"sorry")


def test_the_error_of_a_worker_process_reaches_its_parent() -> None:
    with ScriptedPeer(refusing) as peer:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as workers:
            task = workers.submit(partial(connect.create_connection, ("host.example", 443), 10, proxy=peer.url))
            with pytest.raises(TunnelError, match="403 Keep Out"):
                task.result(60)


@pytest.mark.parametrize("kind", [CannotServe, PasswordRefused, PeerUnproven, InvalidTarget])
def test_the_other_errors_pickle(kind: type[Exception]) -> None:
    twin = pickle.loads(pickle.dumps(kind("why")))
    assert (type(twin), str(twin)) == (kind, "why")
