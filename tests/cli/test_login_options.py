"""``--user`` and its like on ``get``, ``check``, ``run``, ``connect`` and ``with``: the same on each."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.accounts import ALICE, BOB
from support.keyrings import MemoryKeyring
from support.nginx import Nginx
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.squid import Squid

from coda_network.cli import main

FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).status)"
CODA_NETWORK = [sys.executable, "-m", "coda_network"]

LOGIN = ["--user", ALICE.user, "--password-env", "PROXY_PASSWORD"]


class Done(NamedTuple):
    """What a command has left."""

    returncode: Any
    stdout: str
    stderr: str


Start = Callable[..., Done]


@pytest.fixture
def start(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Start:
    """Runs a command: what starts a program in a process of its own, all others in this one, which is quicker."""

    def start(*arguments: str, **variables: str) -> Done:
        with monkeypatch.context() as patch, open(os.devnull, encoding="utf-8") as nothing:
            for name, value in {"PROXY_PASSWORD": ALICE.password, **variables}.items():
                patch.setenv(name, value)
            if arguments[0] in ("run", "with"):
                line = [*CODA_NETWORK, *arguments]
                done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, stdin=nothing)
                return Done(done.returncode, done.stdout, done.stderr)
            patch.setattr(sys, "stdin", nothing)
            capsys.readouterr()
            try:
                code: Any = main(list(arguments))
            except SystemExit as end:
                code = end.code
            return Done(code, *capsys.readouterr())

    return start


def command(name: str, options: Sequence[str], url: str) -> list[str]:
    """Return a command line of each kind that asks for a URL."""
    rest = {
        "get": [url],
        "check": [url],
        "run": ["-c", FETCH, url],
        "with": ["--", sys.executable, "-c", FETCH, url],
    }[name]
    return [name, *options, *rest]


COMMANDS = ("get", "check", "run", "with")


@pytest.mark.servers
@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_logs_in_at_an_ntlm_proxy(start: Start, squid_ntlm: Squid, nginx: Nginx, name: str) -> None:
    options = ["--proxy", f"http://{squid_ntlm.netloc}", "--user", ALICE.qualified, "--password-env", "PROXY_PASSWORD"]
    done = start(*command(name, options, nginx.url + nginx.small.path))
    assert done.returncode == 0, done.stderr
    assert ALICE.password not in done.stdout + done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_a_password_file_of_mode_600_is_taken_and_another_refused(
    start: Start, basic_proxy: Proxy, origin: Origin, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "password"
    file.write_text(ALICE.password)
    options = ["--proxy", basic_proxy.url, "--user", ALICE.user, "--password-file", str(file)]
    file.chmod(0o600)
    assert start(*command(name, options, origin.url)).returncode == 0
    file.chmod(0o644)
    done = start(*command(name, options, origin.url))
    assert done.returncode == 2
    assert f"{file}: others may read it (mode 644)" in done.stderr
    assert ALICE.password not in done.stdout + done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_the_profile_of_the_configuration_says_proxy_and_user(
    start: Start, basic_proxy: Proxy, origin: Origin, tmp_path: Path, name: str
) -> None:
    file = tmp_path / "config.toml"
    text = f'[profiles.work]\nproxy = "{basic_proxy.url}"\nuser = "alice"\npassword-env = "PROXY_PASSWORD"\n'
    file.write_text(text, encoding="utf-8")
    done = start(*command(name, ["--profile", "work"], origin.url), CODA_NETWORK_CONFIG=str(file))
    assert done.returncode == 0, done.stderr
    assert len(basic_proxy.requests) >= 1
    done = start(*command(name, ["--profile", "home"], origin.url), CODA_NETWORK_CONFIG=str(file))
    assert (done.returncode, "there is no profile home" in done.stderr) == (2, True)


@pytest.mark.parametrize("name", COMMANDS)
def test_nobody_is_asked_for_a_password_where_there_is_no_terminal(start: Start, origin: Origin, name: str) -> None:
    done = start(*command(name, ["--user", "nobody-with-a-password"], origin.url))
    assert done.returncode == 2
    assert "there is no password for nobody-with-a-password" in done.stderr


@pytest.mark.parametrize("name", ["get", "check"])
def test_the_keyring_has_the_password(
    basic_proxy: Proxy, origin: Origin, memory_keyring: MemoryKeyring, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    memory_keyring.passwords["coda_network", "alice"] = ALICE.password
    assert main(command(name, ["--proxy", basic_proxy.url, "--user", "alice"], origin.url)) == 0
    assert ALICE.password not in "".join(capsys.readouterr())


@pytest.mark.parametrize("name", COMMANDS)
def test_netrc_still_counts_without_a_user(
    start: Start, basic_proxy: Proxy, origin: Origin, tmp_path: Path, name: str
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {ALICE.user} password {ALICE.password}\n")
    done = start(*command(name, ["--proxy", basic_proxy.url], origin.url), NETRC=str(netrc))
    assert done.returncode == 0, done.stderr


def asks_for_basic(wire: Wire) -> None:
    for _ in wire.read_heads():
        wire.send(b'HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')


@pytest.mark.parametrize("name", ["get", "check", "run"])
def test_the_password_of_a_proxy_is_not_for_a_site_unless_it_is_named(
    start: Start,
    name: str,
) -> None:
    with ScriptedPeer(asks_for_basic) as site:
        host, port = site.address
        start(*command(name, LOGIN, site.url))
        assert b"authorization" not in b"".join(site.received).lower()
        start(*command(name, [*LOGIN, "--login-at", f"{host}:{port}"], site.url))
        assert b"authorization: basic" in b"".join(site.received).lower()


def test_check_says_who_logs_in_and_who_says_so(
    basic_proxy: Proxy, origin: Origin, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PROXY_PASSWORD", ALICE.password)
    assert main(["check", "--proxy", basic_proxy.url, *LOGIN, origin.url]) == 0
    assert f"proxy: {basic_proxy.url}, named by --proxy; user alice, from --user\n" in capsys.readouterr().out
    assert main(["check", "-q", "--proxy", basic_proxy.url, *LOGIN, origin.url]) == 0
    assert capsys.readouterr().out == "It works: 200 OK, the proxy accepted Basic.\n"


def test_what_a_program_under_run_starts_logs_in_too(start: Start, basic_proxy: Proxy, origin: Origin) -> None:
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {FETCH!r}, {origin.url!r}], check=True)"
    done = start("run", "--proxy", basic_proxy.url, *LOGIN, "-c", program)
    assert (done.stdout, done.returncode) == ("200\n", 0), done.stderr


def test_workers_of_a_program_under_run_log_in_too(
    start: Start, basic_proxy: Proxy, origin: Origin, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text(f"""
import multiprocessing, urllib.request

def fetch(url):
    return urllib.request.urlopen(url).status

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(fetch, [{origin.url!r}]))
""")
    done = start("run", "--proxy", basic_proxy.url, *LOGIN, str(program))
    assert (done.stdout, done.returncode) == ("[200]\n", 0), done.stderr


@pytest.mark.parametrize("name", ["get", "check"])
def test_a_wrong_password_is_refused_and_not_shown(start: Start, basic_proxy: Proxy, origin: Origin, name: str) -> None:
    done = start(*command(name, ["--proxy", basic_proxy.url, *LOGIN], origin.url), PROXY_PASSWORD=BOB.password)
    assert done.returncode in (1, 3)
    assert BOB.password not in done.stdout + done.stderr
