"""Programs that know nothing of the package go through proxies that demand a login, and do not without it.

Each program is a file of `programs`, run by an interpreter of its own: by `coda_network run`, by a patch after the
program's libraries were imported, and as it is. All that it is told is in HTTP_PROXY and HTTPS_PROXY.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from xmlrpc.server import SimpleXMLRPCServer

import pytest
from support.accounts import ALICE, BOB, Account
from support.certs import Authority
from support.nginx import Nginx
from support.relaying import CountingRelay
from support.squid import Squid

import coda_network

pytestmark = pytest.mark.servers

PROGRAMS = Path(__file__).resolve().parent / "programs"
PACKAGE_ROOT = Path(coda_network.__file__).resolve().parent.parent

# What each imports, for the patch that comes after.
LIBRARIES = {
    "requests_session": "requests",
    "urllib3_pool": "urllib3",
    "urlopen": "urllib.request",
    "boto3_s3": "boto3",
    "pandas_csv": "pandas",
    "xmlrpc_transport": "xmlrpc.client",
}
NAMES = [
    pytest.param(name, marks=pytest.mark.programs if library in ("boto3", "pandas") else ())
    for name, library in LIBRARIES.items()
]

# Each offers one scheme alone.
KINDS = ("squid_ntlm", "squid_negotiate_ntlm", "squid_digest", "squid_basic")

PATCHED_LAST = """\
import runpy, sys, {library}
import coda_network

coda_network.patch()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def rpc() -> Iterator[str]:
    """host:port of an XML-RPC server."""
    with SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False) as server:
        server.register_function(pow)
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def run(name: str, how: str, proxy: str, ca: Authority, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program: `patched first`, `patched last` or `unpatched`."""
    command = {
        "patched first": ["-m", "coda_network", "run"],
        "patched last": ["-c", PATCHED_LAST.format(library=LIBRARIES[name])],
        "unpatched": [],
    }[how]
    return start([*command, str(PROGRAMS / f"{name}.py"), *arguments], proxy, ca)


def start(command: list[str], proxy: str, ca: Authority, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the proxy in its environment."""
    environment = {
        "KRB5_CONFIG": str(PROGRAMS / "krb5.conf"),
        "PYTHONWARNINGS": "always::ResourceWarning",
        **os.environ,
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "SSL_CERT_FILE": str(ca.bundle),
        "REQUESTS_CA_BUNDLE": str(ca.bundle),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")])),
        **variables,
    }
    return subprocess.run(
        [sys.executable, *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def arguments_for(name: str, nginx: Nginx, rpc: str) -> tuple[str, ...]:
    return (rpc,) if name == "xmlrpc_transport" else (nginx.url, nginx.tls_url)


def assert_done(done: subprocess.CompletedProcess[str]) -> None:
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    # A warning of a socket left open would be here.
    assert "Warning" not in done.stderr, done.stderr


def with_login(squid: Squid, kind: str, name: str) -> str:
    """The URL of the proxy, with a login as its scheme needs it and the program can write it."""
    # Bob's password is beyond ASCII. For Basic every program has its own way to write that, and boto3 has none.
    account = ALICE if kind == "squid_basic" or name == "boto3_s3" else BOB
    return squid.url_for(account, qualified="ntlm" in kind)


@pytest.mark.parametrize("how", ["patched first", "patched last"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_a_program_logs_in(
    request: pytest.FixtureRequest, nginx: Nginx, ca: Authority, rpc: str, name: str, kind: str, how: str
) -> None:
    squid: Squid = request.getfixturevalue(kind)
    assert_done(run(name, how, with_login(squid, kind, name), ca, *arguments_for(name, nginx, rpc)))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "squid_basic"])
@pytest.mark.parametrize("name", NAMES)
def test_a_program_fails_without_the_patch(
    request: pytest.FixtureRequest, nginx: Nginx, ca: Authority, rpc: str, name: str, kind: str
) -> None:
    squid: Squid = request.getfixturevalue(kind)
    done = run(name, "unpatched", with_login(squid, kind, name), ca, *arguments_for(name, nginx, rpc))
    assert done.returncode != 0
    assert "407" in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_a_program_logs_in_with_the_credentials_of_the_patch(
    squid_ntlm: Squid, nginx: Nginx, ca: Authority, rpc: str, name: str
) -> None:
    patch = f"coda_network.patch(credentials={(BOB.qualified, BOB.password)!r})"
    code = PATCHED_LAST.format(library=LIBRARIES[name]).replace("coda_network.patch()", patch)
    arguments = [str(PROGRAMS / f"{name}.py"), *arguments_for(name, nginx, rpc)]
    assert_done(start(["-c", code, *arguments], squid_ntlm.url, ca))


@pytest.mark.kerberos
@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("how", ["patched first", "patched last"])
@pytest.mark.parametrize("name", NAMES)
def test_a_program_logs_in_with_the_ticket_of_its_user(
    squid_negotiate: Squid, nginx: Nginx, ca: Authority, rpc: str, name: str, how: str
) -> None:
    assert_done(run(name, how, squid_negotiate.url, ca, *arguments_for(name, nginx, rpc)))


@pytest.mark.parametrize("name", NAMES)
def test_a_program_without_a_ticket_is_refused(
    squid_negotiate: Squid, nginx: Nginx, ca: Authority, rpc: str, name: str
) -> None:
    done = run(name, "patched first", squid_negotiate.url, ca, *arguments_for(name, nginx, rpc))
    assert done.returncode != 0
    assert "407" in done.stderr


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(("kind", "account"), [("squid_ntlm", BOB), ("squid_digest", ALICE)])
def test_a_session_of_requests_keeps_one_connection(
    request: pytest.FixtureRequest, nginx: Nginx, ca: Authority, kind: str, account: Account, scheme: str
) -> None:
    squid: Squid = request.getfixturevalue(kind)
    program = (
        "import requests, sys\n"
        "with requests.Session() as session:\n"
        "    for _ in range(20): session.get(sys.argv[1]).raise_for_status()\n"
    )
    base = nginx.tls_url if scheme == "https" else nginx.url
    with CountingRelay(squid.address) as relay, nginx.log.watch() as seen:
        patched = "import coda_network; coda_network.patch()\n" + program
        proxy = f"http://{account.userinfo}@{relay.netloc}"
        done = start(["-W", "error", "-c", patched, base + nginx.small.path], proxy, ca)
        assert done.returncode == 0, done.stderr
    assert relay.connections == 1
    assert seen.statuses == [200] * 20
