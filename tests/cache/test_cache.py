"""The folder of a cache: its bounds, what spoils it, and who shares it."""

from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.counting_site import FRESH, Counting, files, get
from support.nginx import Nginx
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import build_opener, urllib2
from coda_network.utilities import HTTPCache, Retry


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
