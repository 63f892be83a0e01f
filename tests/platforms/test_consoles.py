"""Consoles that know few letters, simulated by PYTHONIOENCODING: the commands print all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.peer import ScriptedPeer, Wire

import coda_network

PACKAGE_ROOT = str(Path(coda_network.__file__).resolve().parent.parent)


def start(encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": PACKAGE_ROOT}
    command = [sys.executable, "-m", "coda_network", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)


def refuse(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.respond(b"", "404 Pas trouv\u00e9e \u00bf", "X-Kind: test")


@pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252"])
@pytest.mark.parametrize("command", ["check", "get"])
def test_a_reason_with_other_letters_is_printed(encoding: str, command: str) -> None:
    with ScriptedPeer(refuse) as peer:
        done = start(encoding, command, peer.url)
    assert b"404 Pas trouv" in done.stdout + done.stderr
    assert b"Traceback" not in done.stderr
    assert done.returncode == {"check": 1, "get": 3}[command]


@pytest.mark.parametrize("encoding", ["ascii", "cp437"])
def test_a_url_with_other_letters_is_printed(encoding: str) -> None:
    with ScriptedPeer(refuse) as peer:
        done = start(encoding, "check", f"{peer.url}/\u5bc6\u7801")
    assert b"\\u5bc6\\u7801" in done.stdout
    assert b"percent-encoded" in done.stdout
    assert (done.returncode, done.stderr) == (2, b"")


@pytest.mark.parametrize("encoding", ["ascii", "cp437"])
def test_the_demo_runs_on_such_a_console(encoding: str) -> None:
    done = start(encoding, "demo", "--scheme", "basic")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.rstrip().endswith(b"All of this was checked.")
