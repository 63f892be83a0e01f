"""``coda-network connect``: standard input and output, or a port, over a socket through the proxies."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from support.accounts import ALICE, EVERYBODY
from support.ntlm_peer import NtlmPeer
from support.passwords import write_ntlm_users
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network.cli import main

CONNECT = [sys.executable, "-m", "coda_network", "connect"]
MIB = os.urandom(1 << 20)


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}


def echo_at_the_end(wire: Wire) -> None:
    """Read to the end of what comes, and only then send it back: so the client has to close one direction alone."""
    wire.send(wire.read_to_end() + b" was all")


def run(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*CONNECT, *arguments], input=data, env=environment(), capture_output=True, timeout=60, check=False
    )


@pytest.mark.parametrize("by", ["proxy", "direct"])
@pytest.mark.parametrize("data", [b"", b"hello\n", b"\0\r\n\xff", MIB], ids=["nothing", "text", "bytes", "1 MiB"])
def test_both_directions_come_to_their_end(basic_proxy: Proxy, by: str, data: bytes) -> None:
    with ScriptedPeer(echo_at_the_end) as peer:
        host, port = peer.address
        options = ["--proxy", basic_proxy.url_with_login] if by == "proxy" else []
        done = run(*options, host, str(port), data=data)
    assert (done.stderr, done.returncode) == (b"", 0)
    assert done.stdout == data + b" was all"


def test_a_proxy_that_wants_ntlm_gets_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NTLM_USER_FILE", str(write_ntlm_users(tmp_path / "users", EVERYBODY)))
    monkeypatch.setenv("PROXY_PASSWORD", ALICE.password)
    script = NtlmPeer("proxy")
    with ScriptedPeer(script) as peer:
        run("--proxy", peer.url, "--user", ALICE.qualified, "--password-env", "PROXY_PASSWORD", "far.example:22")
    assert script.messages[:3] == [0, 1, 3]
    assert len(script.users) == 1


def test_every_client_of_the_port_is_served(basic_proxy: Proxy) -> None:
    with ScriptedPeer(echo_at_the_end) as peer:
        host, port = peer.address
        command = [*CONNECT, "--listen", "0", "--proxy", basic_proxy.url_with_login, f"{host}:{port}"]
        with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr is not None
                place = re.search(r"listening on 127\.0\.0\.1:(\d+)", process.stderr.readline())
                assert place is not None
                clients = [socket.create_connection(("127.0.0.1", int(place[1])), 20) for _ in range(3)]
                for number, client in enumerate(clients):
                    client.sendall(b"%d" % number)
                for number, client in enumerate(clients):
                    with client, client.makefile("rb") as file:
                        client.shutdown(socket.SHUT_WR)
                        assert file.read() == b"%d was all" % number
            finally:
                process.terminate()


@pytest.mark.parametrize(
    "words", [["host"], ["host", "0"], ["host", "70000"], ["host", "x"], ["a", "1", "2"], ["", "1"]]
)
def test_what_is_no_address_is_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connect", *words]) == 2
    assert "takes HOST PORT" in capsys.readouterr().err


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_what_is_no_port_to_listen_on_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connect", "--listen", port, "far.example", "22"]) == 2
    assert "--listen: a port is a number from 0 to 65535" in capsys.readouterr().err


def test_a_refusal_is_1_and_says_why(basic_proxy: Proxy, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["connect", "--proxy", basic_proxy.url, "far.example", "22"]) == 1
    assert capsys.readouterr().err == (
        "coda-network connect: far.example:22: Tunnel connection failed: 407 Proxy Authentication Required "
        "(Basic: no user name given)\n"
    )


LISTENS_WITH_FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
from coda_network.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_the_port_goes_on_after_a_time_without_file_descriptors() -> None:
    with ScriptedPeer(echo_at_the_end) as peer:
        host, port = peer.address
        command = [sys.executable, "-c", LISTENS_WITH_FEW_FILES, "connect", "--listen", "0", f"{host}:{port}"]
        with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as process:
            # What it says is waited for below; where it says nothing, its end is what is read.
            watchdog = threading.Timer(60, process.kill)
            watchdog.start()
            try:
                assert process.stderr is not None
                place = re.search(r"listening on 127\.0\.0\.1:(\d+)", process.stderr.readline())
                assert place is not None
                address = "127.0.0.1", int(place[1])
                clients = [socket.create_connection(address, 20) for _ in range(30)]
                # Some are not served, and the reason is told; afterwards there is room again. Whether a client or its
                # way on is the first without a descriptor is a race.
                told = process.stderr.readline()
                while os.strerror(errno.EMFILE) not in told:
                    assert told
                    told = process.stderr.readline()
                for client in clients:
                    client.close()
                # The descriptors of those who have left come back one by one.
                said, end = b"", time.monotonic() + 20
                while said != b"it was all" and time.monotonic() < end:
                    with socket.create_connection(address, 20) as client, client.makefile("rb") as file:
                        with contextlib.suppress(ConnectionError):
                            client.sendall(b"it")
                            client.shutdown(socket.SHUT_WR)
                            said = file.read()
                assert said == b"it was all"
            finally:
                watchdog.cancel()
                process.terminate()
