"""Servers start, end, and are missed in the way the fixtures promise."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.servers import Missing, ServerProcess, free_port, program, public_directory, running

# A server that goes on when it is asked to end.
STUBBORN = """
import signal, socket, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)
"""

# Starts the server above, and waits to be killed.
PARENT = """
import sys, time
from pathlib import Path
from support.servers import ServerProcess
server = ServerProcess([sys.executable, sys.argv[1], sys.argv[2]], Path(sys.argv[3]), end_with=9)
server.start(int(sys.argv[2]))
print("started", flush=True)
time.sleep(60)
"""


class Absent:
    def __enter__(self) -> None:
        program("no-such-program", "no-such-package")

    def __exit__(self, *exception: object) -> None:
        pass


def is_open(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def use(server: Absent) -> None:
    with running(server):
        raise AssertionError("it cannot run")


@pytest.mark.parametrize("name", ["CI", "CODA_REQUIRE_SERVERS"])
def test_a_missing_program_fails_where_servers_are_required(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "true")
    with pytest.raises(pytest.fail.Exception, match="Debian package no-such-package is missing"):
        use(Absent())


def test_a_missing_program_skips_elsewhere(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("CODA_REQUIRE_SERVERS", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Debian package no-such-package is missing"):
        use(Absent())


def test_a_program_is_found_by_name():
    with pytest.raises(Missing):
        program("no-such-program", "no-such-package")
    assert Path(program("sh", "dash")).exists()


def test_a_public_directory_can_be_entered_by_everybody_and_goes_away():
    with public_directory() as directory:
        assert directory.stat().st_mode & 0o755 == 0o755
        (directory / "file").write_text("content")
    assert not directory.exists()


def test_a_server_that_does_not_listen_is_reported_with_its_words(tmp_path: Path):
    server = ServerProcess([sys.executable, "-c", "print('no reason')"], tmp_path / "log")
    with pytest.raises(RuntimeError, match="no reason"):
        server.start(free_port())


def test_a_server_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path):
    stubborn = tmp_path / "stubborn.py"
    stubborn.write_text(STUBBORN)
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PARENT, str(stubborn), str(port), str(tmp_path / "log")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        assert is_open(port)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_open(port) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_open(port)
