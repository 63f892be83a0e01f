"""pip, as it is, downloads from an index over http and https through proxies that demand a login."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from support.accounts import ALICE, BOB
from support.certs import Authority
from support.squid import Squid

import coda_network
from coda_network.cli import main

pytestmark = pytest.mark.servers

PACKAGE_ROOT = Path(coda_network.__file__).resolve().parent.parent
WHEEL = "tinything-1.0-py3-none-any.whl"


class QuietHandler(SimpleHTTPRequestHandler):
    """Lists folders as an index does: a page of links."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the index serves: one wheel of one module."""
    root = tmp_path_factory.mktemp("index")
    place = root / "simple" / "tinything"
    place.mkdir(parents=True)
    files = {
        "tinything.py": "ANSWER = 42\n",
        "tinything-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinything\nVersion: 1.0\n",
        "tinything-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={digest(text)},{len(text)}\n" for name, text in files.items())
    files["tinything-1.0.dist-info/RECORD"] = record + "tinything-1.0.dist-info/RECORD,,\n"
    with zipfile.ZipFile(place / WHEEL, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return root


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def indexes(folder: Path, ca: Authority) -> Iterator[dict[str, str]]:
    """The URL of the index by http and by https."""
    handler = partial(QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as plain, ThreadingHTTPServer(("127.0.0.1", 0), handler) as tls:
        tls.socket = ca.server_context().wrap_socket(tls.socket, server_side=True)
        threads = [Thread(target=server.serve_forever, args=(0.05,)) for server in (plain, tls)]
        for thread in threads:
            thread.start()
        yield {
            "http": f"http://localhost:{plain.server_address[1]}/simple/",
            "https": f"https://localhost:{tls.server_address[1]}/simple/",
        }
        for server in (plain, tls):
            server.shutdown()
        for thread in threads:
            thread.join()


def download(
    command: list[str],
    index: str,
    ca: Authority,
    place: Path,
    proxy: str,
    *options: str,
    python: str = sys.executable,
) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PIP_")},
        "PIP_CONFIG_FILE": os.devnull,
        "HTTP_PROXY": proxy,
        "HTTPS_PROXY": proxy,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH")])),
    }
    # Said twice, it tells why an index could not be read.
    options = ("-vv", "--no-deps", "--no-cache-dir", "--disable-pip-version-check", "--retries", "0", *options)
    where = ("--index-url", index, "--trusted-host", "localhost", "--cert", str(ca.bundle), "--dest", str(place))
    return subprocess.run(
        [python, *command, "download", *options, *where, "tinything"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


RUN = ["-m", "coda_network", "run", "-m", "pip"]
PLAIN = ["-m", "pip"]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("kind", ["squid_ntlm", "squid_digest"])
def test_pip_logs_in(
    request: pytest.FixtureRequest, indexes: dict[str, str], ca: Authority, tmp_path: Path, kind: str, scheme: str
) -> None:
    squid: Squid = request.getfixturevalue(kind)
    proxy = squid.url_for(BOB, qualified=kind == "squid_ntlm")
    refused = download(PLAIN, indexes[scheme], ca, tmp_path, proxy)
    assert refused.returncode != 0
    assert "407" in refused.stdout + refused.stderr
    done = download(RUN, indexes[scheme], ca, tmp_path, proxy)
    assert done.returncode == 0, done.stderr
    assert zipfile.is_zipfile(tmp_path / WHEEL)
    assert BOB.password not in done.stdout + done.stderr


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_pip_that_a_program_under_run_starts_logs_in(
    squid_ntlm: Squid, indexes: dict[str, str], ca: Authority, tmp_path: Path, scheme: str
) -> None:
    start_pip = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-m', 'pip', *sys.argv[1:]]))"
    proxy = squid_ntlm.url_for(BOB, qualified=True)
    run = ["-m", "coda_network", "run"]
    refused = download([*run, "--no-children", "-c", start_pip], indexes[scheme], ca, tmp_path, proxy)
    assert "407" in refused.stdout + refused.stderr
    done = download([*run, "-c", start_pip], indexes[scheme], ca, tmp_path, proxy)
    assert done.returncode == 0, done.stderr
    assert zipfile.is_zipfile(tmp_path / WHEEL)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_pip_of_an_environment_with_the_patch_installed_logs_in(
    squid_ntlm: Squid, indexes: dict[str, str], ca: Authority, tmp_path: Path, scheme: str
) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    assert main(["install", "--prefix", str(environment)]) == 0
    [hook] = environment.rglob("coda_network_patch.pth")
    (hook.parent / "packages.pth").write_text(sysconfig.get_path("purelib"))  # pip, and what logins need
    python = str(environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    proxy = squid_ntlm.url_for(BOB, qualified=True)
    done = download(PLAIN, indexes[scheme], ca, tmp_path, proxy, python=python)
    assert done.returncode == 0, done.stderr
    assert zipfile.is_zipfile(tmp_path / WHEEL)
    hook.unlink()
    refused = download(PLAIN, indexes[scheme], ca, tmp_path, proxy, python=python)
    assert "407" in refused.stdout + refused.stderr


def test_pip_takes_the_proxy_from_its_own_option(
    squid_ntlm: Squid, indexes: dict[str, str], ca: Authority, tmp_path: Path
) -> None:
    done = download(RUN, indexes["https"], ca, tmp_path, "", "--proxy", squid_ntlm.url_for(ALICE, qualified=True))
    assert done.returncode == 0, done.stderr


@pytest.mark.kerberos
@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_pip_logs_in_with_a_ticket(
    squid_negotiate: Squid, indexes: dict[str, str], ca: Authority, tmp_path: Path, scheme: str
) -> None:
    assert download(PLAIN, indexes[scheme], ca, tmp_path, squid_negotiate.url).returncode != 0
    done = download(RUN, indexes[scheme], ca, tmp_path, squid_negotiate.url)
    assert done.returncode == 0, done.stderr
    assert zipfile.is_zipfile(tmp_path / WHEEL)
