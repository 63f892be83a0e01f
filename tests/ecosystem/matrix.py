"""Real libraries behind a squid that demands NTLM: without the patch, patched before, patched behind, and by ``run``.

    python tests/ecosystem/matrix.py [--write] [NAME...]

Each cell is a process of its own, which asks a site over http and then over https (``libraries.py``); squid's log says
on how many connections. ``--write`` enters the rows into ``results.json`` and makes docs/reached.md anew. The exit
status is 1 where one fails that is to be reached, or one comes through that is not: then the tables are wrong.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from libraries import LIBRARIES
from page import ORDERS, RESULTS, cell, write_page
from site_of_everything import Site
from support.accounts import ALICE
from support.certs import Authority
from support.squid import NTLMLogin, Squid

HERE = Path(__file__).resolve().parent
SECONDS = 90
SCHEMES = ("http", "https")


def ask(name: str, order: str, squid: Squid, authority: Authority) -> dict[str, list[Any]]:
    """Run one program in one order; return for each scheme the error, or "", and the number of connections."""
    sites = [Site(), Site(authority.server_context())]
    environ = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE"):
        environ[variable] = str(authority.bundle)
    if order != "direct":
        environ.update({f"{scheme}_proxy": squid.url_for(ALICE, qualified=True) for scheme in SCHEMES})
    runner = [sys.executable, *(["-m", "coda_network", "run"] if order == "run" else [])]
    command = [*runner, str(HERE / "libraries.py"), name, order, *(site.url for site in sites)]
    with squid.log.watch() as watched, tempfile.TemporaryDirectory() as home:
        environ["HOME"] = home
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environ, cwd=home)
            lines = done.stdout.strip().splitlines()
            failed = json.loads(lines[-1]) if done.returncode == 0 and lines else [_last(done.stderr)] * 2
        except subprocess.TimeoutExpired:
            failed = [f"not done after {SECONDS} seconds"] * 2
    for site in sites:
        site.shutdown()
        site.server_close()
    ways = ([one for one in watched.entries if (one["method"] == "CONNECT") == tunnel] for tunnel in (False, True))
    counts = [len({entry["connection"] for entry in entries}) for entries in ways]
    return {scheme: [error, count] for scheme, error, count in zip(SCHEMES, failed, counts, strict=True)}


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["it ended without a word"])[-1][:300]


def complaints(name: str, row: dict[str, Any]) -> list[str]:
    """Return what is not as the table of libraries has it."""
    found = [f"{name}: direct: {error}" for error, _ in row["direct"].values() if error]
    for order in ("before", "behind", "run"):
        for scheme, (error, _) in row[order].items():
            if bool(error) == LIBRARIES[name].reached:
                found.append(f"{name}, {order}, {scheme}: {error or 'came through, and was not to be reached'}")
    return found


def main() -> int:
    """Run the programs; print a row for each, and what is not as it is meant to be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of libraries; all that are installed unless named")
    parser.add_argument("--write", action="store_true", help="enter the rows into results.json, and make the page")
    arguments = parser.parse_args()
    wrong: list[str] = []
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        authority = Authority(Path(folder))
        with Squid(authority, NTLMLogin()) as squid:
            for name in arguments.names or LIBRARIES:
                distribution = LIBRARIES[name].distribution
                try:
                    version = importlib.metadata.version(distribution) if distribution else platform.python_version()
                except importlib.metadata.PackageNotFoundError:
                    print(f"{name}: not installed", flush=True)
                    continue
                rows[name] = {order: ask(name, order, squid, authority) for order in ORDERS}
                rows[name]["version"] = version
                cells = ", ".join(f"{order} {cell(rows[name][order])}" for order in ORDERS)
                print(f"{name} {version}: {cells}", flush=True)
                found = complaints(name, rows[name])
                print(*(f"    {line}" for line in found), sep="\n", end="\n" if found else "", flush=True)
                wrong += found
    if arguments.write:
        known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        for row in rows.values():  # of an error its class: the text has ports, and folders of this machine
            for order in ORDERS:
                row[order] = {scheme: [error.partition(":")[0], count] for scheme, (error, count) in row[order].items()}
        known.update(rows)
        kept = {name: known[name] for name in LIBRARIES if name in known}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        write_page()
    print(f"{len(rows)} rows, {len(wrong)} complaints")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
