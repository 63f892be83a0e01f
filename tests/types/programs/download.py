"""A program that downloads in a few lines, and one that patches: the names of the package itself."""

from __future__ import annotations

import urllib.request
from datetime import datetime, timezone
from pathlib import Path

import coda_network
from coda_network import create_download_handle, do_download, patch, patched, unpatch, urllib2
from coda_network.utilities import HTTPCache, Retry, download_file, download_many


def download(url: str) -> bytes:
    code, data = do_download(url, {"name": "value"}, urllib2.ProxyHandler({"https": "http://proxy:3128"}))
    if data is None:
        raise RuntimeError(f"status {code}")
    return data


def download_again(url: str, etag: str | None) -> str | None:
    with create_download_handle(
        url,
        None,
        [urllib2.ProxyHandler(), urllib2.ProxyBasicAuthHandler()],
        last_modified=datetime.now(timezone.utc),
        etag=etag,
        headers={"Accept": "text/html"},
        timeout_sec=10,
    ) as handle:
        if handle.code == 304:
            return None
        for line in handle:
            print(line.decode())
        return handle.headers["ETag"]


def download_once(url: str, folder: Path) -> bool:
    with create_download_handle(url, cache=HTTPCache(folder, max_size=1 << 20)) as handle:
        print(handle.from_cache, len(handle.read()))
    file = download_file(url, folder / "file", cache=folder)
    for result in download_many([url], cache=str(folder)):
        print(result.ok, file.from_cache)
    return do_download(url, cache=folder, retry=Retry(statuses=[429, 503], methods={"GET"})).from_cache


def passwords(authority: str, realm: str | None) -> tuple[str, str] | None:
    return ("user", "password") if authority == "proxy:3128" else None


@patched()
def in_a_function(url: str) -> bool:
    urllib.request.urlopen(url).close()
    return coda_network.is_patched()


def in_a_program(url: str) -> None:
    patch(("DOMAIN\\user", "password"))
    patch({"proxy:3128": ("user", "password")})
    patch(credentials=passwords)
    with patched():
        done: bool = in_a_function(url)
        print(done)
    unpatch()


def wrong() -> None:
    """Every line is a mistake, and a checker says so."""
    patch("user:password")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    patch(nonsense=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    unpatch(1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    do_download(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    do_download("http://site/", timeout_sec="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    do_download("http://site/", proxy_handlers="http://proxy/")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    do_download("http://site/", cache=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    create_download_handle("http://site/", etag=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    in_a_function(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    size: int = len(do_download("http://site/")[1])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    print(size, coda_network.nonsense)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
