"""Downloads with a cache: what is answered without a connection, for whom, and what is forgotten."""

from __future__ import annotations

import gzip
import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.nginx import Nginx
from support.peer import ScriptedPeer, Wire

from coda_network import create_download_handle, do_download, urllib2
from coda_network.cli import main
from coda_network.utilities import (
    Access,
    ContentCodingError,
    HTTPCache,
    Job,
    WrongDigest,
    close_connections,
    download_file,
    download_many,
)

FRESH = "Cache-Control: max-age=600"


class Site:
    """A server whose responses are fresh for a while and count."""

    def __init__(self, *lines: str, body: bytes = b"body ") -> None:
        self.lines = lines or (FRESH,)
        self.body = body
        self.heads: list[bytes] = []

    def __call__(self, wire: Wire) -> None:
        for head in wire.read_heads():
            self.heads.append(head)
            if b" /moved " in head:
                wire.respond(b"", "301 Moved", "Location: /", FRESH)
            else:
                wire.respond(self.body + str(len(self.heads)).encode(), "200 OK", *self.lines)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def url(site: Site) -> Iterator[str]:
    with ScriptedPeer(site) as peer:
        yield peer.url


def by_do_download(url: str, place: Path, **options: Any) -> bytes:
    data = do_download(url, **options).data
    assert data is not None
    return data


def by_handle(url: str, place: Path, **options: Any) -> bytes:
    with create_download_handle(url, **options) as handle:
        return handle.read()


def by_file(url: str, place: Path, **options: Any) -> bytes:
    return Path(download_file(url, place, **options)).read_bytes()


def by_many(url: str, place: Path, **options: Any) -> bytes:
    [result] = download_many([url], **options)
    data = result.result().data
    assert isinstance(data, bytes)
    return data


def by_many_to_files(url: str, place: Path, **options: Any) -> bytes:
    [result] = download_many([Job(url, place)], **options)
    return Path(result.result()).read_bytes()


def by_command(url: str, place: Path, cache: Any) -> bytes:
    assert main(["get", url, "-o", str(place), "--cache", str(cache)]) == 0
    return place.read_bytes()


WAYS: dict[str, Callable[..., bytes]] = {
    "do_download": by_do_download,
    "create_download_handle": by_handle,
    "download_file": by_file,
    "download_many": by_many,
    "download_many to files": by_many_to_files,
    "get": by_command,
}
CALLS = {name: way for name, way in WAYS.items() if name != "get"}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_second_call_needs_no_server(way: Callable[..., bytes], folder: Path, tmp_path: Path) -> None:
    with ScriptedPeer(Site()) as peer:
        url = peer.url
        assert way(url, tmp_path / "first", cache=folder) == b"body 1"
    close_connections()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(peer.address, 5)
    assert way(url, tmp_path / "second", cache=folder) == b"body 1"


def test_all_ways_share_a_folder(folder: Path, tmp_path: Path, url: str, site: Site) -> None:
    found = [way(url, tmp_path / str(number), cache=folder) for number, way in enumerate(WAYS.values())]
    assert found == [b"body 1"] * len(WAYS)
    assert len(site.heads) == 1


def test_results_say_where_the_body_is_from(folder: Path, tmp_path: Path, url: str) -> None:
    first, second = (do_download(url, cache=folder, sha256=True) for _ in range(2))
    assert (first.from_cache, second.from_cache) == (False, True)
    assert second.sha256 == hashlib.sha256(b"body 1").hexdigest()
    assert (second.code, second.reason, second.url) == (200, "OK", url)
    assert download_file(url, tmp_path / "file", cache=folder).from_cache
    with create_download_handle(url, cache=folder) as handle:
        assert handle.from_cache
    assert not do_download(url).from_cache
    with create_download_handle(url) as handle:
        assert not handle.from_cache
    assert not download_file(url, tmp_path / "file").from_cache


def test_without_a_cache_the_server_is_asked_each_time(folder: Path, url: str, site: Site) -> None:
    do_download(url, cache=folder)
    do_download(url)
    do_download(url, cache=folder)
    assert len(site.heads) == 2


def test_what_is_stale_is_confirmed_by_the_server(folder: Path, tmp_path: Path) -> None:
    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            heads.append(head.lower())
            if b'if-none-match: "a"' in heads[-1]:
                wire.respond(b"", "304 Not Modified", 'ETag: "a"')
            else:
                wire.respond(b"body", "200 OK", 'ETag: "a"', "Cache-Control: no-cache")

    heads: list[bytes] = []
    with ScriptedPeer(script) as peer:
        assert not do_download(peer.url, cache=folder).from_cache
        result = do_download(peer.url, cache=folder)
        assert (result.code, result.data, result.from_cache) == (200, b"body", True)
        assert Path(download_file(peer.url, tmp_path / "file", cache=folder)).read_bytes() == b"body"
    assert [b"if-none-match" in head for head in heads] == [False, True, True]


def test_an_error_is_stored_as_the_response_that_it_is(folder: Path) -> None:
    asked = []

    def script(wire: Wire) -> None:
        for head in wire.read_heads():
            asked.append(head)
            wire.respond(b"gone", "404 Gone", FRESH)

    with ScriptedPeer(script) as peer:
        results = [do_download(peer.url, cache=folder) for _ in range(2)]
    assert [(result.code, result.data, result.from_cache) for result in results] == [
        (404, None, False),
        (404, None, True),
    ]
    assert len(asked) == 1


def test_a_post_is_sent_each_time_and_makes_it_forgotten(folder: Path, url: str, site: Site) -> None:
    bodies = [do_download(url, data, cache=folder).data for data in (None, None, b"sent", b"sent", None)]
    assert bodies == [b"body 1", b"body 1", b"body 2", b"body 3", b"body 4"]


def test_a_handle_that_is_closed_before_the_end_stores_nothing(folder: Path, url: str, site: Site) -> None:
    for _ in range(2):
        with create_download_handle(url, cache=folder) as handle:
            assert handle.read(2) == b"bo"
    assert len(site.heads) == 2


@pytest.mark.parametrize("way", CALLS.values(), ids=CALLS)
def test_one_user_does_not_get_what_another_has_got(
    way: Callable[..., bytes], folder: Path, tmp_path: Path, url: str
) -> None:
    def ask(user: str | None) -> bytes:
        headers = {} if user is None else {"Authorization": f"Bearer {user}"}
        return way(url, tmp_path / str(user), cache=folder, headers=headers)

    found = [ask("alice"), ask("bob"), ask(None)]
    assert len(set(found)) == 3
    assert [ask("alice"), ask("bob"), ask(None)] == found


def test_passwords_in_handlers_in_the_url_and_of_jobs_tell_users_apart(folder: Path, url: str, site: Site) -> None:
    def handler(user: str) -> bytes | None:
        manager = urllib2.HTTPPasswordMgrWithDefaultRealm()
        manager.add_password(None, url, user, "secret")
        return do_download(url, auth_handlers=urllib2.HTTPBasicAuthHandler(manager), cache=folder).data

    def userinfo(user: str) -> bytes | None:
        return do_download(url.replace("//", f"//{user}:secret@"), cache=folder).data

    def job(user: str) -> Any:
        [result] = download_many([url], access=Access(credentials=(user, "secret")), cache=folder)
        return result.result().data

    found = [(ask("alice"), ask("bob"), ask("alice")) for ask in (handler, userinfo)]
    assert all(first == third != second for first, second, third in found)
    before = len(site.heads)
    assert (job("alice"), job("bob")) == found[1][:2]  # it is the same as userinfo
    assert len(site.heads) == before


def test_a_wrong_body_is_forgotten(folder: Path, tmp_path: Path, url: str, site: Site) -> None:
    digest = hashlib.sha256(b"body 1").hexdigest()
    for place, requests in ((url, 1), (f"{url}/moved", 2)):
        for ask in (by_do_download, by_file):
            ask(place, tmp_path / "any", cache=folder)
            before = len(site.heads)
            with pytest.raises(WrongDigest):
                ask(place, tmp_path / "file", cache=folder, sha256="0" * 64)
            assert len(site.heads) == before
            ask(place, tmp_path / "any", cache=folder)
            assert len(site.heads) == before + requests
    assert main(["get", url, "--cache", str(folder), "-o", str(tmp_path / "file"), "--sha256", digest]) == 4
    assert not do_download(url, cache=folder).from_cache


def test_what_cannot_be_decoded_is_forgotten(folder: Path) -> None:
    bodies = [b"no gzip at all", gzip.compress(b"text")]

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(bodies.pop(0), "200 OK", FRESH, "Content-Encoding: gzip")

    with ScriptedPeer(script) as peer:
        with pytest.raises(ContentCodingError):
            do_download(peer.url, cache=folder)
        assert do_download(peer.url, cache=folder).data == b"text"
        assert do_download(peer.url, cache=folder).from_cache


@pytest.mark.parametrize("bad", ["file", "file/cache"])
def test_a_folder_that_cannot_be_written_is_a_clear_error(
    bad: str, tmp_path: Path, url: str, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(b"")
    bad = str(tmp_path / bad)
    for way in CALLS.values():
        with pytest.raises(OSError) as error:
            way(url, tmp_path / "target", cache=bad)
        assert str(error.value.filename).startswith(str(tmp_path / "file"))
    assert main(["get", url, url, "--cache", bad]) == 1
    assert capsys.readouterr().err.count(str(tmp_path / "file")) == 1
    assert not site.heads
    assert not os.path.exists(tmp_path / "target")


def test_what_is_no_folder_is_a_type_error(url: str, site: Site) -> None:
    not_one: Any = 5
    for way in (by_do_download, by_handle, by_many):
        with pytest.raises(TypeError, match="cache is the path"):
            way(url, Path(), cache=not_one)
    assert not site.heads


def test_one_bound_goes_for_all_calls(folder: Path) -> None:
    site = Site(body=b"x" * 60_000)
    cache = HTTPCache(folder, max_size=100_000)
    with ScriptedPeer(site) as peer:
        assert [do_download(peer.url, cache=cache).from_cache for _ in range(2)] == [False, False]


@pytest.mark.servers
def test_a_part_is_gone_on_with_at_the_server(folder: Path, tmp_path: Path, nginx: Nginx) -> None:
    file = nginx.file(3_000_000)
    place = tmp_path / "file"

    def stop(done: int, total: int | None) -> None:
        if done > 900_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_file(nginx.url + file.path, place, cache=folder, progress=stop)
    result = download_file(nginx.url + file.path, place, cache=folder, sha256=file.sha256)
    assert result.code == 206
    assert not result.from_cache
    in_segments = download_file(nginx.url + file.path, place, cache=folder, sha256=file.sha256, segments=4)
    assert not in_segments.from_cache
    whole = [download_file(nginx.url + file.path, place, cache=folder, sha256=file.sha256) for _ in range(2)]
    assert [result.from_cache for result in whole] == [False, True]
    changed = [download_file(nginx.url + file.path, place, cache=folder, if_changed=True) for _ in range(2)]
    assert [(result.code, result.changed) for result in changed] == [(200, True), (304, False)]
