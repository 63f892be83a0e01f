"""The patch at the first import of the HTTP client, and children of a program that calls ``patch(children=True)``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import coda_network

PACKAGE_ROOT = str(Path(coda_network.__file__).resolve().parent.parent)
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "CODA_", "COV"))}
INSTALL = "import sys\nfrom coda_network import _lazy\nbefore = list(sys.meta_path)\n_lazy.install()\n"
IS_PATCHED = "\nimport coda_network\nprint(coda_network.is_patched())"


def start(program: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**ENVIRONMENT, "PYTHONPATH": PACKAGE_ROOT, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize(
    "statement",
    [
        "import http.client",
        "from http.client import HTTPConnection",
        "import urllib.request",
        "from urllib.request import urlopen",
        "import xmlrpc.client",
        "import importlib; importlib.import_module('http.client')",
        "from concurrent.futures import ThreadPoolExecutor as E; E().submit(__import__, 'http.client').result()",
    ],
)
def test_the_first_import_of_the_client_patches(statement: str) -> None:
    assert start(f"{INSTALL}{statement}\nassert sys.meta_path == before{IS_PATCHED}") == "True"


def test_the_patch_counts_once() -> None:
    program = f"{INSTALL}_lazy.install()\nimport http.client, urllib.request\nimport coda_network"
    assert start(f"{program}\ncoda_network.unpatch(){IS_PATCHED}") == "False"


@pytest.mark.parametrize("statement", ["pass", "import http, urllib.parse, socket, email"])
def test_other_imports_do_not_patch(statement: str) -> None:
    assert start(
        f"{INSTALL}{statement}\nprint('coda_network._patch' in sys.modules, 'http.client' in sys.modules)"
    ) == ("False False")


def test_what_is_loaded_already_is_patched_at_once() -> None:
    assert start(f"import http.client\n{INSTALL}assert sys.meta_path == before{IS_PATCHED}") == "True"


def test_a_program_that_patches_itself_is_left_to_do_so() -> None:
    program = f"import coda_network\ncoda_network.patch()\n{INSTALL}import http.client\ncoda_network.unpatch()"
    assert start(program + IS_PATCHED) == "False"


@pytest.mark.parametrize(
    "statement",
    [
        "from coda_network import urllib2",
        "from coda_network import httplib",
        "from coda_network import utilities",
        "import coda_network.proxies, http.client",
        "from coda_network import ntlm_auth",
        "coda_network.is_patched(); import http.client",
        "coda_network.patch(); coda_network.unpatch()",
        "coda_network.patch(credentials=('user', 'password'), refused_seconds=0); coda_network.unpatch()",
        "import coda_network._cli.workers as workers; workers._arrive(); coda_network.unpatch()",
    ],
)
def test_a_client_that_the_package_itself_imports_is_patched_too(statement: str) -> None:
    program = f"{INSTALL}import coda_network\n{statement}\nassert sys.meta_path == before{IS_PATCHED}"
    assert start(f"{program}\ncoda_network.unpatch(){IS_PATCHED}") == "True\nFalse"


def test_the_variable_turns_it_off() -> None:
    program = f"{INSTALL}assert sys.meta_path == before\nimport http.client{IS_PATCHED}"
    assert start(program, CODA_NETWORK="0") == "False"
    assert start(f"{INSTALL}import http.client{IS_PATCHED}", CODA_NETWORK="1") == "True"


def test_the_module_keeps_no_trace_of_how_it_was_loaded() -> None:
    program = "import http.client\nprint(sorted(vars(http.client.__loader__)), http.client.__spec__.name)"
    assert start(f"{INSTALL}{program}") == start(f"import sys\n{program}")


def test_a_client_that_cannot_be_imported_fails_as_without(tmp_path: Path) -> None:
    program = "sys.path.clear()\ntry:\n    import http.client\nexcept ImportError as error:\n    print(error.name)"
    assert start(f"{INSTALL}import http\nhttp.__path__[:] = []\n{program}") == "http.client"


CHILD = "import http.client, sys; m = sys.modules.get('coda_network._patch'); print(bool(m and m.is_patched()))"
ASK = f"""
import os, subprocess, sys
def ask():
    return subprocess.run([sys.executable, '-c', {CHILD!r}], capture_output=True, text=True, check=True).stdout.strip()
"""


def test_children_are_patched_as_long_as_the_program_wants_it() -> None:
    program = """
import coda_network
before = dict(os.environ)
print(ask())
coda_network.patch()
print(ask())
coda_network.patch(children=True)
coda_network.patch(children=True)
print(ask())
coda_network.unpatch()
print(ask())
coda_network.unpatch()
print(ask(), dict(os.environ) == before, coda_network.is_patched())
with coda_network.patched(children=True):
    print(ask())
print(ask())
"""
    assert start(ASK + program).split("\n") == ["False", "False", "True", "True", "False True True", "True", "False"]


@pytest.mark.parametrize("before", [None, "", "/one", os.pathsep.join(["/one", "/two"])])
def test_what_the_program_adds_to_its_path_meanwhile_stays(before: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if before is not None:
        monkeypatch.setenv("PYTHONPATH", before)
    with coda_network.patched(children=True):
        assert "child_site" in os.environ["PYTHONPATH"]
    assert os.environ.get("PYTHONPATH") == before
    with coda_network.patched(children=True):
        os.environ["PYTHONPATH"] += os.pathsep + "/more"
    assert os.environ["PYTHONPATH"] == (f"{before}{os.pathsep}/more" if before else "/more")
