"""What an import must not load: nobody pays for what is not used. Modules are named, no time is measured."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import coda_network

NETWORK = {"asyncio", "email", "http.client", "select", "socket", "ssl", "urllib.request"}
LOGINS = {"cryptography", "ntlm3", "spnego"}
OTHERS = {"argparse", "importlib.metadata", "inspect", "logging", "pkgutil", "runpy", "threading", "typing"}
HEAVY = NETWORK | LOGINS | OTHERS
# What the standard library's own client does without.
BEYOND = {"ast", "dataclasses", "inspect", "logging", "pkgutil", "threading"}

# All that an opener is declared with. What carries requests out, logs in and pools is loaded by the first request.
DECLARATIONS = {"basic_digest_handlers", "director", "error_processor", "errors", "http_handlers", "proxy_handler"}
DECLARATIONS |= {"redirect_handler", "request", "urlopen"}
OWN_OF_URLLIB2 = {
    "coda_network",
    "coda_network._version",
    "coda_network._originals",
    "coda_network._originals.http_client",
    "coda_network._originals.urllib_request",
    "coda_network._secrets",
    "coda_network._signatures",
    "coda_network._http",
    "coda_network._http.in_place",
    "coda_network._opener",
    "coda_network.urllib2",
}
OWN_OF_URLLIB2 |= {f"coda_network._opener.{name}" for name in DECLARATIONS}

REPORT = "import sys; before = set(sys.modules); {}; print(*sorted(set(sys.modules) - before))"


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter loads for a statement, beyond those of its own start."""
    root = str(Path(coda_network.__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(statement)],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import coda_network", HEAVY),
        ("import coda_network; dir(coda_network); coda_network.__version__", HEAVY),
        ("from coda_network import cli", NETWORK | LOGINS | {"argparse", "runpy"}),
        ("from coda_network import is_patched; is_patched()", NETWORK | LOGINS),
        ("from coda_network import unpatch; unpatch()", NETWORK | LOGINS),
        ("from coda_network import httplib", LOGINS | BEYOND | {"coda_network._auth", "coda_network._opener"}),
        ("from coda_network import urllib2", LOGINS),
        ("from coda_network import urllib2; urllib2.build_opener().close()", LOGINS | {"coda_network._transport"}),
        (
            "from coda_network import patch; patch()",
            LOGINS | (BEYOND - {"threading"}) | {"coda_network._auth", "coda_network._transport"},
        ),
    ],
)
def test_an_import_loads_nothing_heavy_before_it_is_needed(statement: str, unwanted: set[str]) -> None:
    assert loaded_by(statement) & unwanted == set()


def test_importing_the_package_loads_the_package_and_its_version_only() -> None:
    assert loaded_by("import coda_network") <= {"__future__", "coda_network", "coda_network._version"}


def test_importing_urllib2_loads_urllib_request_and_the_declarations_only() -> None:
    more = loaded_by("import coda_network.urllib2") - loaded_by("import urllib.request")
    assert more - {"__future__"} == OWN_OF_URLLIB2


def test_every_public_name_is_there_and_listed() -> None:
    assert set(coda_network.__all__) <= set(dir(coda_network))
    assert all(getattr(coda_network, name) is not None for name in coda_network.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'coda_network' has no attribute 'nonsense'"):
        _ = coda_network.nonsense
