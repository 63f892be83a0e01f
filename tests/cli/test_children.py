"""The Python processes that a program starts: patched under ``run``, unless they are to be left alone."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import coda_network
from coda_network.cli import main

PACKAGE_ROOT = str(Path(coda_network.__file__).resolve().parent.parent)
DROPPED = ("PYTHON", "CODA_NETWORK", "COV")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
ENVIRONMENT["PYTHONDONTWRITEBYTECODE"] = "1"

# What a child says: whether its HTTP client is patched.
CHILD = """\
import http.client, sys
package = sys.modules.get('coda_network._patch')
print(package is not None and package.is_patched())
"""
PARENT = """\
import subprocess, sys
sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)
"""


def run(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    (folder / "parent.py").write_text(PARENT)
    (folder / "child.py").write_text(CHILD)
    done = subprocess.run(
        [sys.executable, "-m", "coda_network", "run", *arguments],
        cwd=folder,
        env={**ENVIRONMENT, "PYTHONPATH": PACKAGE_ROOT, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "child",
    [["child.py"], ["-m", "child"], ["-c", CHILD], ["-W", "error", "child.py"], ["parent.py", "child.py"]],
    ids=["script", "module", "code", "warnings are errors", "nested"],
)
def test_children_are_patched_and_so_are_theirs(tmp_path: Path, child: list[str]) -> None:
    assert run(tmp_path, "parent.py", *child) == (0, "True\n", "")


@pytest.mark.parametrize(
    ("options", "variables"),
    [(["--no-children"], {}), ([], {"CODA_NETWORK": "0"})],
    ids=["by the option", "by the variable"],
)
@pytest.mark.parametrize("child", [["child.py"], ["parent.py", "child.py"]], ids=["child", "nested"])
def test_children_are_left_alone_on_demand(
    tmp_path: Path, options: list[str], variables: dict[str, str], child: list[str]
) -> None:
    assert run(tmp_path, *options, "parent.py", *child, **variables) == (0, "False\n", "")


def test_workers_are_left_alone_on_demand(tmp_path: Path) -> None:
    program = """\
import multiprocessing

def is_patched():
    import http.client, coda_network
    print(coda_network.is_patched(), flush=True)

if __name__ == '__main__':
    worker = multiprocessing.get_context('spawn').Process(target=is_patched)
    worker.start()
    worker.join()
"""
    (tmp_path / "program.py").write_text(program)
    assert run(tmp_path, "--no-children", "program.py") == (0, "False\n", "")
    assert run(tmp_path, "program.py") == (0, "True\n", "")


def test_an_isolated_child_is_out_of_reach_and_runs(tmp_path: Path) -> None:
    assert run(tmp_path, "parent.py", "-I", "child.py") == (0, "False\n", "")
    assert run(tmp_path, "parent.py", "-S", "child.py") == (0, "False\n", "")


def test_the_sitecustomize_of_the_program_runs_as_without(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import sys\nsys.seen = __file__, __name__\n")
    show = "import sys, sitecustomize\nprint(sys.seen, sitecustomize.__file__, sys.path)"
    variables = {"PYTHONPATH": os.pathsep.join([PACKAGE_ROOT, str(own)])}
    (tmp_path / "show.py").write_text(show)
    reached = run(tmp_path, "parent.py", "show.py", **variables)
    assert reached == run(tmp_path, "--no-children", "parent.py", "show.py", **variables)
    assert reached[1].startswith(f"('{own / 'sitecustomize.py'}', 'sitecustomize')")
    assert run(tmp_path, "parent.py", "child.py", **variables) == (0, "True\n", "")


@pytest.mark.parametrize("own", ["raise RuntimeError('mine')", "import nothing_at_all", None])
def test_a_sitecustomize_that_fails_or_lacks_does_as_without(tmp_path: Path, own: str | None) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    if own is not None:
        (folder / "sitecustomize.py").write_text(own)
    # Behind the package, in front of what the system may have.
    variables = {"PYTHONPATH": os.pathsep.join([PACKAGE_ROOT, str(folder)])}
    program = ["parent.py", "-c", "import sys; print('sitecustomize' in sys.modules)"]
    reached = run(tmp_path, *program, **variables)
    assert reached == run(tmp_path, "--no-children", *program, **variables)
    assert ("Error in sitecustomize" in reached[2]) is (own is not None)


def bare_environment(folder: Path) -> str:
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    return str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


# The program starts another Python, whose environment has neither the package nor what its logins need.
OTHER = "import os, subprocess, sys\nos.environ['PYTHONPATH'] = os.environ['PYTHONPATH'].split(os.pathsep)[0]\n"
OTHER += "sys.exit(subprocess.run(sys.argv[1:]).returncode)\n"


def test_an_environment_that_lacks_the_package_takes_it_from_the_parent(tmp_path: Path) -> None:
    python = bare_environment(tmp_path / "bare")
    (tmp_path / "other.py").write_text(OTHER)
    child = f"{CHILD}\nimport spnego, cryptography.x509\nprint(spnego.__file__)\n"
    site = os.path.join(sysconfig.get_path("purelib"), "spnego", "__init__.py")
    assert run(tmp_path, "other.py", python, "-c", child) == (0, f"True\n{site}\n", "")


def test_it_takes_nothing_else_and_nothing_that_it_has_itself(tmp_path: Path) -> None:
    python = bare_environment(tmp_path / "bare")
    (tmp_path / "other.py").write_text(OTHER)
    (tmp_path / "spnego.py").write_text("own = True")
    child = "import importlib.util, spnego; print(spnego.own, importlib.util.find_spec('pytest'))"
    assert run(tmp_path, "other.py", python, "-c", child) == (0, "True None\n", "")


def test_another_version_of_python_takes_nothing(tmp_path: Path) -> None:
    python = bare_environment(tmp_path / "bare")
    other = OTHER.replace("sys.exit", "os.environ['CODA_NETWORK_CHILDREN'] = 'other' + os.pathsep + 'x=y'\nsys.exit", 1)
    (tmp_path / "other.py").write_text(other)
    assert run(tmp_path, "other.py", python, "-c", CHILD) == (0, "False\n", "")


def test_the_first_file_that_a_child_reads_suits_any_python() -> None:
    file = Path(coda_network.__file__).parent / "_patch/child_site/sitecustomize.py"
    ast.parse(file.read_text(encoding="ascii"), feature_version=(3, 4))  # the oldest that can be asked for


def test_the_environment_is_put_back_when_run_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "program.py").write_text("import os\nprint(os.environ['CODA_NETWORK_CHILDREN'])\nraise SystemExit(3)")
    for name in ("argv", "path", "meta_path"):
        monkeypatch.setattr(sys, name, list(getattr(sys, name)))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    before = dict(os.environ)
    with pytest.raises(SystemExit):
        main(["run", str(tmp_path / "program.py")])
    coda_network.unpatch()
    assert dict(os.environ) == before
