"""``coda-network with``: a command through a local proxy that only it can use."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.accounts import ALICE
from support.certs import Authority
from support.nginx import Nginx
from support.origin import Origin
from support.proxy import Proxy
from support.squid import Squid

from coda_network._cli.with_ import environment_for
from coda_network.cli import main

WITH = [sys.executable, "-m", "coda_network", "with"]
SHOW = "import os; print(os.environ['http_proxy'])"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = [*WITH, *arguments]
    return subprocess.run(command, env={**own, **environment}, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.servers
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_curl_gets_through_an_ntlm_proxy(squid_ntlm: Squid, nginx: Nginx, ca: Authority, scheme: str) -> None:
    base = nginx.url if scheme == "http" else nginx.tls_url
    curl = ["curl", "-sS", "--fail", "--cacert", str(ca.bundle), "-o", os.devnull, "-w", "%{http_code}"]
    upstream = f"http://{squid_ntlm.netloc}"
    login = ["--proxy", upstream, "--user", ALICE.qualified, "--password-env", "PROXY_PASSWORD"]
    done = run(*login, "--", *curl, base + nginx.small.path, PROXY_PASSWORD=ALICE.password)
    assert (done.stdout, done.returncode) == ("200", 0), done.stderr


def test_the_environments_own_proxy_is_the_upstream(basic_proxy: Proxy, origin: Origin) -> None:
    code = f"import urllib.request as u; print(u.urlopen('{origin.url}/').status)"
    done = run("--", sys.executable, "-c", code, http_proxy=basic_proxy.url_with_login)
    assert (done.stdout, done.returncode) == ("200\n", 0), done.stderr


def test_whoever_does_not_know_the_secret_is_refused(origin: Origin) -> None:
    program = f"""
import os, re, urllib.error, urllib.request
url = re.sub("//.*@", "//coda:guessed@", os.environ["http_proxy"])
for proxy in (url, re.sub("//.*@", "//", url)):
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({{"http": proxy}})).open("{origin.url}/")
    except urllib.error.HTTPError as error:
        print(error.code)
        error.close()
"""
    done = run("--proxy", "direct", "--", sys.executable, "-W", "ignore", "-c", program)
    assert (done.stdout, done.returncode) == ("407\n407\n", 0), done.stderr


def test_each_command_has_a_secret_of_its_own() -> None:
    urls = {run("--proxy", "direct", "--", sys.executable, "-c", SHOW).stdout for _ in range(2)}
    secrets = {match[1] for url in urls if (match := re.match(r"http://coda:(.{32,})@127\.0\.0\.1:\d+\n", url))}
    assert len(secrets) == 2


@pytest.mark.parametrize(
    ("code", "status"),
    [("pass", 0), ("raise SystemExit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 128 + 9)],
)
def test_the_exit_code_is_the_commands(code: str, status: int) -> None:
    assert run("--proxy", "direct", "--", sys.executable, "-c", code).returncode == status


def test_a_command_that_does_not_exist_is_127(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["with", "--proxy", "direct", "--", "no-such-command"]) == 127
    assert capfd.readouterr().err == "coda-network with: no-such-command: no such command\n"


def test_what_cannot_be_run_is_126(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "text"
    file.write_text("no program")
    assert main(["with", "--proxy", "direct", "--", str(file)]) == 126
    assert "Permission denied" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ([], "no command given"),
        (["--"], "no command given"),
        (["--proxy", "gopher://x", "--", "true"], "--proxy: the scheme of a proxy must be one of"),
        (["--user", "alice", "--password-env", "NO_SUCH_VARIABLE", "--", "true"], "NO_SUCH_VARIABLE"),
    ],
)
def test_a_wrong_command_line_is_2_and_says_why(
    arguments: list[str], why: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["with", *arguments]) == 2
    assert why in capfd.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_are_passed_on(number: int) -> None:
    code = f"""
import signal, sys, time
signal.signal({int(number)}, lambda *_: sys.exit(42))
print("ready", flush=True)
for _ in range(600):  # a signal just before a long sleep would be seen behind it
    time.sleep(0.05)
"""
    command = [*WITH, "--proxy", "direct", "--", sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(20) == 42


def test_a_signal_while_the_command_begins_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Begun(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            os.kill(os.getpid(), signal.SIGTERM)

    ended: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: ended.append(number))
    try:
        monkeypatch.setattr(subprocess, "Popen", Begun)
        sleep = [sys.executable, "-c", "import time; time.sleep(20)"]
        assert main(["with", "--proxy", "direct", "--", *sleep]) == 128 + signal.SIGTERM
    finally:
        signal.signal(signal.SIGTERM, before)
    assert ended == []


def test_programs_of_all_kinds_find_the_proxy_and_no_proxy_stays() -> None:
    given = {"NO_PROXY": "intranet", "HTTP_PROXY": "http://old:1", "GIT_CONFIG_COUNT": "1", "OTHER": "x"}
    found = environment_for("http://coda:s@127.0.0.1:9", given)
    names = ("http_proxy", "https_proxy", "all_proxy", "npm_config_proxy", "npm_config_https_proxy", "CARGO_HTTP_PROXY")
    assert {found[name] for name in names} == {"http://coda:s@127.0.0.1:9"}
    assert {found[name.upper()] for name in names[:3]} == {"http://coda:s@127.0.0.1:9"}
    assert (found["no_proxy"], found["NO_PROXY"], found["NODE_USE_ENV_PROXY"]) == ("intranet", "intranet", "1")
    assert (found["GIT_CONFIG_COUNT"], found["GIT_CONFIG_KEY_1"]) == ("2", "http.proxy")
    assert given["HTTP_PROXY"] == "http://old:1"
    assert "JAVA_TOOL_OPTIONS" not in found  # it could not give the secret


def test_java_finds_a_proxy_that_wants_no_secret() -> None:
    found = environment_for("http://coda:s@127.0.0.1:9", {"JAVA_TOOL_OPTIONS": "-Xmx1g"}, same_user=True)
    assert found["JAVA_TOOL_OPTIONS"] == (
        "-Xmx1g -Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=9 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=9 "
        "-Dhttp.nonProxyHosts="
    )
