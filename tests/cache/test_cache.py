"""What a cache keeps in its folder, for whom, and how much of it."""

from __future__ import annotations

import base64
import errno
import os
import pickle
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from http.client import IncompleteRead
from pathlib import Path
from typing import Any

import pytest
from support.nginx import Nginx
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import build_opener, urllib2
from coda_network._auth.defaults import install, remove
from coda_network.utilities import HTTPCache, Retry

FRESH = "Cache-Control: max-age=600"


class Counting:
    """A server that says who asked, and counts."""

    def __init__(self, *lines: str, size: int = 0) -> None:
        self.lines = lines or (FRESH,)
        self.size = size
        self.count = 0

    def __call__(self, wire: Wire) -> None:
        for head in wire.read_heads():
            self.count += 1
            text = head.decode("latin-1").lower()
            asks = [line for line in text.splitlines() if line.startswith(("authorization:", "cookie:", "x-api-key:"))]
            wire.respond(f"{self.count} {asks}".encode() + b"x" * self.size, "200 OK", *self.lines)


def get(opener: Any, url: str, **fields: str) -> bytes:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    with opener.open(urllib2.Request(url, headers=headers)) as response:
        body: bytes = response.read()
    return body


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.parent.name not in ("tmp", folder.name)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def site() -> Iterator[Any]:
    server = Counting()
    with ScriptedPeer(server) as started:
        peer: Any = started
        peer.count = lambda: server.count
        yield peer


BASIC = "Basic " + base64.b64encode(b"alice:secret").decode()
USERS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "Basic": ({"Authorization": BASIC}, {"Authorization": "Basic " + base64.b64encode(b"bob:secret").decode()}),
    "a wrong password": ({"Authorization": BASIC}, {"Authorization": "Basic " + base64.b64encode(b"alice:x").decode()}),
    "Bearer": ({"Authorization": "Bearer one"}, {"Authorization": "Bearer two"}),
    "a cookie": ({"Cookie": "session=1"}, {"Cookie": "session=2"}),
    "a key": ({"X-Api-Key": "1"}, {"X-Api-Key": "2"}),
    "nobody": ({"Authorization": BASIC}, {}),
}


@pytest.mark.parametrize(("one", "other"), USERS.values(), ids=USERS)
def test_one_user_does_not_get_what_another_has_got(folder: Path, site: Any, one: Any, other: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        mine = get(opener, site.url, **one)
        assert get(opener, site.url, **other) != mine
        assert get(opener, site.url, **one) == mine
    assert site.count() == 2


def with_password(manager_class: Any, realm: str | None, password: str, url: str) -> Any:
    manager = manager_class()
    manager.add_password(realm, url, "alice", password)
    return urllib2.HTTPBasicAuthHandler(manager)


@pytest.mark.parametrize("manager", [urllib2.HTTPPasswordMgr, urllib2.HTTPPasswordMgrWithDefaultRealm])
def test_passwords_of_handlers_tell_users_apart(folder: Path, site: Any, manager: Any) -> None:
    bodies = []
    for password in ("one", "two", "one"):
        with closing(urllib2.build_opener(with_password(manager, "r", password, site.url), cache=folder)) as opener:
            bodies.append(get(opener, site.url))
    assert bodies[0] == bodies[2] != bodies[1]


def test_passwords_in_the_url_tell_users_apart(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        bodies = [
            get(opener, site.url.replace("//", f"//{user}:pw@")) if user else get(opener, site.url)
            for user in ("alice", "bob", "", "alice")
        ]
    assert bodies[0] == bodies[3]
    assert site.count() == 3


def test_passwords_of_the_patch_tell_users_apart(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        bodies = []
        for given in (("alice", "pw"), ("bob", "pw"), ("alice", "pw"), lambda peer, realm: None):
            installed = install(given)  # type: ignore[arg-type]  # any of what patch() takes
            try:
                bodies.append(get(opener, site.url))
            finally:
                remove(installed)
    assert bodies[0] == bodies[2]
    assert site.count() == 3


def test_a_client_certificate_tells_users_apart(folder: Path, ca: Any, client_context: Any) -> None:
    server = Counting()
    with ScriptedPeer(server, tls=ca.server_context()) as peer:
        url = f"https://localhost:{peer.port}/"
        for handler in (
            urllib2.HTTPSHandler(context=ca.client_context()),
            urllib2.HTTPSHandler(context=ca.client_context(), cert=str(ca.client_combined)),
        ):
            with closing(urllib2.build_opener(handler, cache=folder)) as opener:
                get(opener, url)
                get(opener, url)
    assert server.count == 2


def test_what_is_public_is_everybodys(folder: Path) -> None:
    server = Counting("Cache-Control: public, max-age=600")
    with ScriptedPeer(server) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        assert get(opener, peer.url, Cookie="session=1") == get(opener, peer.url, Cookie="session=2")
    assert server.count == 1


def test_no_secret_is_on_disk(folder: Path) -> None:
    server = Counting(FRESH, "Vary: Cookie, X-Api-Key", "Set-Cookie: session=TOPSECRET")
    with ScriptedPeer(lambda wire: [wire.respond(b"", "200 OK", *server.lines) for _ in wire.read_heads()]) as peer:
        with closing(urllib2.build_opener(cache=folder)) as opener:
            url = f"http://alice:TOPSECRET@{peer.netloc}/?token=TOPSECRET"
            get(opener, url, Cookie="a=TOPSECRET", X_Api_Key="TOPSECRET")
            get(opener, peer.url, Authorization="Bearer TOPSECRET")
    everything = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files(folder)) == 2
    assert not any(b"TOPSECRET" in path.read_bytes() or "TOPSECRET" in str(path) for path in everything)


def test_the_folder_is_for_its_user_alone(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        get(opener, site.url)
    if os.name == "posix":
        assert folder.stat().st_mode & 0o77 == 0
        assert all(path.stat().st_mode & 0o77 == 0 for path in files(folder))


CUT = {
    "a length": b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 10\r\n\r\nshort",
    "chunks": b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    "the end of the connection": b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n\r\nshort",
}


@pytest.mark.parametrize("ways", ["whole", "pieces"])
@pytest.mark.parametrize("data", CUT.values(), ids=CUT)
def test_a_body_that_was_or_may_have_been_cut_short_is_not_stored(folder: Path, data: bytes, ways: str) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(data)

    with ScriptedPeer(script) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        for _ in range(2):
            with opener.open(peer.url) as response:
                try:
                    while response.read(*([2] if ways == "pieces" else [])):
                        pass
                except IncompleteRead:
                    pass
        assert peer.connections == 2
    assert not files(folder)
    assert not list((folder / "tmp").iterdir())


def test_a_body_that_was_not_read_to_its_end_is_not_stored(folder: Path) -> None:
    server = Counting(size=100_000)
    with ScriptedPeer(server) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        with opener.open(peer.url) as response:
            response.read(10)
        del response
        response = opener.open(peer.url)
        del response
        assert server.count == 2
    assert not files(folder)
    assert not list((folder / "tmp").iterdir())


READS: dict[str, Any] = {
    "read": lambda response: response.read(),
    "pieces": lambda response: b"".join(iter(lambda: response.read(7), b"")),
    "read1": lambda response: b"".join(iter(lambda: response.read1(1000), b"")),
    "lines": lambda response: b"".join(response),
    "readlines": lambda response: b"".join(response.readlines()),
    "readinto": lambda response: into(response),
}


def into(response: Any) -> bytes:
    buffer, found = bytearray(50), b""
    while count := response.readinto(buffer):
        found += buffer[:count]
    return found


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("patched", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_it_is_stored_however_it_is_read(folder: Path, read: Any, patched: bool, chunked: bool) -> None:
    body = b"line\n" * 2000
    asked = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            asked.append(head)
            if chunked:
                chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:3000], body[3000:]))
                wire.send(f"HTTP/1.1 200 OK\r\n{FRESH}\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks)
                wire.send(b"0\r\n\r\n")
            else:
                wire.respond(body, "200 OK", FRESH)

    with ScriptedPeer(script) as peer:
        if patched:
            with coda_network.patched(cache=folder):
                opener = urllib.request.build_opener()
                found = [read(opener.open(peer.url)) for _ in range(3)]
                opener.close()
        else:
            with closing(urllib2.build_opener(cache=folder)) as ours:
                found = [read(ours.open(peer.url)) for _ in range(3)]
    assert found == [body] * 3
    assert len(asked) == 1


def test_a_stored_response_is_like_the_one_that_came(folder: Path) -> None:
    server = Counting(FRESH, "X-Two: 1", "X-Two: 2", "Content-Type: text/plain; charset=latin-1", 'ETag: "\xe9"')
    with ScriptedPeer(server) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        with opener.open(peer.url) as first:
            first.read()
        with opener.open(peer.url) as second:
            assert (first.from_cache, second.from_cache) == (False, True)
            assert type(first) is type(second)
            assert first.headers.items() == [item for item in second.headers.items() if item[0] != "Age"]
            assert (second.status, second.reason, second.url, second.version) == (200, "OK", peer.url, 11)
            assert second.headers["Age"] == "0"
            assert second.read(1) == b"1"
            assert not second.closed


def test_a_redirect_and_an_error_are_stored_too(folder: Path) -> None:
    heads = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            heads.append(head)
            if b" /old " in head:
                wire.respond(b"", "301 Moved", "Location: /new", FRESH)
            elif b" /gone " in head:
                wire.respond(b"gone", "404 Gone", FRESH)
            else:
                wire.respond(b"new", "200 OK", FRESH)

    with ScriptedPeer(script) as peer, closing(urllib2.build_opener(cache=folder)) as opener:
        for _ in range(2):
            assert get(opener, f"{peer.url}/old") == b"new"
            with pytest.raises(urllib2.HTTPError) as error:
                opener.open(f"{peer.url}/gone")
            with error.value:
                assert error.value.read() == b"gone"
    assert len(heads) == 3


def test_the_oldest_are_forgotten_beyond_the_bound(folder: Path) -> None:
    server = Counting(size=10_000)
    cache = HTTPCache(folder, max_size=100_000)
    with ScriptedPeer(server) as peer, closing(urllib2.build_opener(cache=cache)) as opener:
        for number in range(30):
            get(opener, f"{peer.url}/{number}")
            for path in files(folder):  # the clocks of file systems are coarse
                os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns - 10**9))
            get(opener, f"{peer.url}/0")
        assert sum(path.stat().st_size for path in files(folder)) <= 100_000
        assert server.count == 30  # the first one was used all the time
        get(opener, f"{peer.url}/29")
        assert server.count == 30
        get(opener, f"{peer.url}/1")
        assert server.count == 31


def test_what_is_too_large_is_not_stored(folder: Path) -> None:
    server = Counting(size=60_000)
    with ScriptedPeer(server) as peer:
        with closing(urllib2.build_opener(cache=HTTPCache(folder, max_size=100_000))) as opener:
            assert len(get(opener, peer.url)) > 60_000
            get(opener, peer.url)
    assert server.count == 2
    assert not files(folder)


@pytest.mark.parametrize("bad", ["file", "below a file"])
def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path, bad: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    path = tmp_path / "file" if bad == "file" else tmp_path / "file" / "cache"
    for make in (urllib2.build_opener, build_opener, coda_network.patch):
        with pytest.raises(OSError) as error:
            make(cache=path)
        assert str(tmp_path / "file") in str(error.value)
    assert not coda_network.is_patched()


@pytest.mark.parametrize("bad", [5, b"folder", object()])
def test_what_is_no_folder_is_a_type_error(bad: Any) -> None:
    with pytest.raises(TypeError, match="cache is the path"):
        urllib2.build_opener(cache=bad)
    with pytest.raises(ValueError, match="max_size"):
        HTTPCache("x", max_size=0)


def test_a_folder_that_has_gone_meanwhile_is_made_again(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        get(opener, site.url)
        subprocess.run(["rm", "-r", str(folder)], check=True)
        get(opener, site.url)
        get(opener, site.url)
    assert site.count() == 2


def test_a_full_disk_costs_the_stored_response_only(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Counting(size=100_000)
    cache = HTTPCache(folder)

    def full(size: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(cache, "make_room", full)
    with ScriptedPeer(server) as peer, closing(urllib2.build_opener(cache=cache)) as opener:
        assert len(get(opener, peer.url)) > 100_000
    assert not list((folder / "tmp").iterdir())


@pytest.mark.parametrize("damage", ["cut", "zeros", "empty", "other version"])
def test_a_damaged_file_is_as_none(folder: Path, site: Any, damage: str) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener:
        get(opener, site.url)
        [path] = files(folder)
        data = path.read_bytes()
        new = {"cut": data[:-3], "zeros": bytes(len(data)), "empty": b"",
               "other version": data.replace(b'"version": 1', b'"version": 9')}[damage]  # fmt: skip
        path.write_bytes(new)
        assert get(opener, site.url).startswith(b"2")
        assert get(opener, site.url).startswith(b"2")


PROCESS = """
import sys
from coda_network import urllib2
opener = urllib2.build_opener(cache=sys.argv[2])
for number in range(60):
    with opener.open(sys.argv[1] + "/" + str(number % 5)) as response:
        body = response.read()
        assert len(body) == 50000 and len(set(body)) == 1, (len(body), set(body))
opener.close()
"""


def test_processes_and_threads_share_a_folder(folder: Path) -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            wire.respond(head[5:6] * 50_000, "200 OK", "Cache-Control: max-age=0", 'ETag: "x"')

    with ScriptedPeer(script) as peer:
        children = [subprocess.Popen([sys.executable, "-c", PROCESS, peer.url, str(folder)]) for _ in range(3)]
        try:
            assert [child.wait(60) for child in children] == [0, 0, 0]
        finally:
            for child in children:
                child.kill()


def test_threads_share_an_opener(folder: Path, site: Any) -> None:
    errors: list[BaseException] = []

    def work(opener: Any) -> None:
        try:
            for number in range(50):
                get(opener, f"{site.url}/{number % 3}")
        except BaseException as error:
            errors.append(error)

    with closing(urllib2.build_opener(cache=folder)) as opener:
        threads = [threading.Thread(target=work, args=(opener,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not errors
    assert site.count() <= 12


def test_the_patch_gives_openers_made_before_a_cache_until_unpatch(folder: Path, site: Any) -> None:
    opener = urllib.request.build_opener()
    coda_network.patch(cache=folder)
    try:
        assert get(opener, site.url) == get(opener, site.url)
        with urllib.request.urlopen(site.url) as response:
            assert response.from_cache
        assert site.count() == 1
        request = urllib.request.Request(site.url)
        with urllib.request.urlopen(request) as response:
            assert not request.has_header("If-none-match")
    finally:
        coda_network.unpatch()
    with urllib.request.urlopen(site.url) as response:
        response.read()
    assert site.count() == 2
    opener.close()


def test_a_cache_goes_with_retries_and_decoding(folder: Path) -> None:
    import gzip

    asked = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            asked.append(head)
            if len(asked) == 1:
                wire.respond(b"", "503 Later", "Retry-After: 0")
            else:
                wire.respond(
                    gzip.compress(b"text" * 100), "200 OK", FRESH, "Content-Encoding: gzip", "Vary: Accept-Encoding"
                )

    with ScriptedPeer(script) as peer:
        with closing(build_opener(cache=folder, retry=Retry(backoff=0), decode=True)) as opener:
            assert get(opener, peer.url) == get(opener, peer.url) == b"text" * 100
    assert len(asked) == 2


def test_nothing_of_it_is_loaded_without_a_cache() -> None:
    code = "import sys; from coda_network import urllib2; urllib2.build_opener(); import coda_network; "
    code += "coda_network.patch(); print([name for name in sys.modules if 'coda_network._cache' in name])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


def test_a_cache_pickles_and_shows_its_folder(folder: Path) -> None:
    cache = pickle.loads(pickle.dumps(HTTPCache(folder, 5000)))
    assert repr(cache) == f"HTTPCache({str(folder)!r}, max_size=5000)"


def test_a_response_that_is_being_stored_pickles(folder: Path, site: Any) -> None:
    with closing(urllib2.build_opener(cache=folder)) as opener, opener.open(site.url) as response:
        assert pickle.loads(pickle.dumps(response)).read().startswith(b"1")


@pytest.mark.servers
def test_nginx_is_asked_once_and_then_by_its_etag(folder: Path, nginx: Nginx) -> None:
    file = nginx.file(1_000_000)
    cache: Any = HTTPCache(folder)
    with closing(urllib2.build_opener(cache=cache)) as opener:
        for later in (0, 1, 10**7):
            cache.clock = lambda later=later: time.time() + later
            with opener.open(f"{nginx.url}/{file.path.lstrip(chr(47))}") as response:
                assert len(response.read()) == file.size
            assert response.from_cache is (later > 0)
