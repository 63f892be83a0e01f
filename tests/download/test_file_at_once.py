"""`download_file()`: several of one file at once, and one that is killed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from support.file_server import BODY, FileServer, only
from support.peer import ScriptedPeer, Wire

from coda_network.utilities import download_file


def test_threads_that_want_the_same_file_take_turns(tmp_path: Path) -> None:
    server = FileServer()
    results: list[Any] = []
    with ScriptedPeer(server) as peer:
        threads = [
            threading.Thread(target=lambda: results.append(download_file(peer.url, tmp_path / "file", sha256=True)))
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [result.sha256 for result in results] == [hashlib.sha256(BODY).hexdigest()] * 6
    assert only(tmp_path, "file")


def test_who_waits_for_another_one_does_so_within_the_time(tmp_path: Path) -> None:
    from coda_network._download.part import locked

    with locked(str(tmp_path / "file"), None), pytest.raises(TimeoutError, match="another download writes"):
        in_a_thread(lambda: download_file("http://127.0.0.1:1/", tmp_path / "file", timeout_sec=0.2))
    with pytest.raises(URLError, match="refused"):
        download_file("http://127.0.0.1:1/", tmp_path / "file", timeout_sec=5)


def in_a_thread(call: Callable[[], object]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        pool.submit(call).result()


PROGRAM = """
import sys
from coda_network.utilities import download_file
download_file(sys.argv[1], sys.argv[2])
"""


@pytest.mark.parametrize("after", [0, 70_000, 250_000])
def test_a_killed_process_leaves_what_can_be_gone_on_with(tmp_path: Path, after: int) -> None:
    stop = threading.Event()

    def slow(wire: Wire) -> None:
        wire.read_head()
        wire.send(f'HTTP/1.1 200 OK\r\nETag: "one"\r\nContent-Length: {len(BODY)}\r\n\r\n'.encode() + BODY[:after])
        stop.wait(20)

    (tmp_path / "file").write_bytes(b"old")
    with ScriptedPeer(slow) as peer:
        command = [sys.executable, "-c", PROGRAM, peer.url, str(tmp_path / "file")]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.getcwd()})
        part = tmp_path / "file.part"
        while not (part.exists() and part.stat().st_size == after):
            assert process.poll() is None
        process.kill()
        process.wait()
        stop.set()
        url = peer.url
        assert (tmp_path / "file").read_bytes() == b"old"
        server = FileServer()
        peer._script = server
        result = download_file(url, tmp_path / "file", sha256=True)
    assert result.sha256 == hashlib.sha256(BODY).hexdigest()
    assert result.resumed_from == after
    assert only(tmp_path, "file")
