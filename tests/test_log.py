"""CODA_NETWORK_LOG and ``run -v``: the story of each request on standard error, without secrets."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.accounts import ALICE
from support.origin import Origin
from support.proxy import Proxy

PROGRAM = """
import coda_network, sys, urllib.request
coda_network.patch()
opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": sys.argv[1]}))
opener.open(sys.argv[2]).read()
opener.close()
"""


def run(*arguments: str, log: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "CODA_NETWORK_LOG"}
    if log is not None:
        environment["CODA_NETWORK_LOG"] = log
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)


def fetch(proxy: Proxy, origin: Origin, log: str | None) -> str:
    url = proxy.url.replace("//", f"//{ALICE.userinfo}@")
    return run("-c", PROGRAM, url, f"{origin.url}/?token=secret", log=log).stderr


def test_info_tells_of_the_response(basic_proxy: Proxy, origin: Origin) -> None:
    told = fetch(basic_proxy, origin, "info")
    assert told.startswith("coda_network.opener: GET http://")
    assert told.endswith("/?...: 200 OK\n")
    assert len(told.splitlines()) == 1


def test_debug_tells_of_every_step_and_of_no_secret(basic_proxy: Proxy, origin: Origin) -> None:
    told = fetch(basic_proxy, origin, "DEBUG")
    assert "we send Basic, user name and password" in told
    assert "connected to" in told
    for secret in (ALICE.password, "token=secret"):
        assert secret not in told


def test_info_tells_why_a_login_failed_and_so_does_the_error(basic_proxy: Proxy) -> None:
    program = PROGRAM.replace('{"http": sys', '{"https": sys')
    environment = {**os.environ, "CODA_NETWORK_LOG": "info"}
    command = [sys.executable, "-c", program, basic_proxy.url, "https://site.example/"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert "coda_network.auth: PROXY 127.0.0.1: Basic cannot be used: no user name given\n" in done.stderr
    assert "CONNECT site.example:443: the proxy responds 407" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("407 Proxy Authentication Required (Basic: no user name given)>")


def test_nothing_is_told_where_nobody_asks(basic_proxy: Proxy, origin: Origin) -> None:
    assert fetch(basic_proxy, origin, None) == ""


def test_a_level_that_is_none_is_named_and_the_program_runs() -> None:
    done = run("-c", "import coda_network.httplib; print('here')", log="loud")
    assert done.stdout == "here\n"
    assert (
        done.stderr == "coda_network: CODA_NETWORK_LOG: the level of the log must be one of info, debug, not 'loud'\n"
    )


@pytest.mark.parametrize(("option", "level"), [("-v", 20), ("-vv", 10)])
def test_run_sets_the_level(option: str, level: int) -> None:
    code = "import logging; print(logging.getLogger('coda_network').level)"
    assert run("-m", "coda_network", "run", option, "-c", code).stdout == f"{level}\n"
