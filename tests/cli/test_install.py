"""``install``, ``uninstall``, ``status``: in a virtual environment of its own."""

from __future__ import annotations

import os
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

import coda_network
from coda_network._cli.install import LINE, NAME
from coda_network.cli import main

PACKAGE_ROOT = str(Path(coda_network.__file__).resolve().parent.parent)
SITE_OF_TESTS = sysconfig.get_path("purelib")
IS_PATCHED = "import {}, coda_network; print(coda_network.is_patched())"
DROPPED = ("PYTHON", "CODA_NETWORK", "COV")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}


class Environment:
    """A virtual environment that has the package by way of a .pth file."""

    def __init__(self, folder: Path) -> None:
        venv.create(folder, with_pip=False, symlinks=os.name != "nt")
        self.folder = folder
        self.python = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
        paths = {"base": str(folder), "platbase": str(folder)}
        self.site = Path(sysconfig.get_path("purelib", "nt" if os.name == "nt" else "posix_prefix", paths))
        self.file = self.site / NAME
        self.package = self.site / "a_package.pth"
        self.package.write_text(f"{PACKAGE_ROOT}\n{SITE_OF_TESTS}\n")

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [self.python, *arguments],
            env={**ENVIRONMENT, **variables},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def command(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        return self.run("-m", "coda_network", *arguments, **variables)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "environment")


@pytest.mark.parametrize("module", ["http.client", "urllib.request", "urllib.error, http.client", "xmlrpc.client"])
def test_programs_of_an_environment_are_patched_until_it_is_uninstalled(environment: Environment, module: str) -> None:
    program = IS_PATCHED.format(module)
    assert environment.run("-c", program) == (0, "False\n", "")
    assert environment.command("install") == (0, f"installed: {environment.file}\n", "")
    assert environment.run("-W", "error", "-c", program) == (0, "True\n", "")
    assert environment.run("-I", "-c", program) == (0, "True\n", "")
    assert environment.run("-c", program, CODA_NETWORK="0") == (0, "False\n", "")
    assert environment.command("uninstall") == (0, f"removed: {environment.file}\n", "")
    assert environment.run("-c", program) == (0, "False\n", "")


@pytest.mark.parametrize(
    "statement",
    ["from coda_network import urllib2", "import coda_network._lazy, http.client", "import coda_network.httplib"],
)
def test_programs_that_use_the_package_are_patched_too(environment: Environment, statement: str) -> None:
    environment.command("install")
    program = f"{statement}\nimport sys, coda_network\nprint(coda_network.is_patched(), len(sys.meta_path))"
    patched, finders = environment.run("-W", "error", "-c", program)[1].split()
    assert (patched, finders) == (
        "True",
        environment.run("-S", "-c", "import sys; print(len(sys.meta_path))")[1].strip(),
    )


def test_a_client_that_another_file_of_the_site_has_loaded_is_patched(environment: Environment) -> None:
    environment.command("install")
    (environment.site / "a_second.pth").write_text("import http.client\n")
    assert environment.run("-c", IS_PATCHED.format("sys")) == (0, "True\n", "")


def test_a_second_time_changes_nothing(environment: Environment) -> None:
    before = sorted(environment.site.iterdir())
    environment.command("install")
    assert environment.command("install") == (0, f"installed already: {environment.file}\n", "")
    environment.command("uninstall")
    assert environment.command("uninstall") == (0, f"not installed: there is no {environment.file}\n", "")
    assert sorted(environment.site.iterdir()) == before


def test_a_file_of_another_version_is_replaced(environment: Environment) -> None:
    environment.file.write_text("import sys\n")
    assert "another version" in environment.command("status")[1]
    assert environment.command("install")[1].startswith("installed: ")
    assert environment.file.read_text() == LINE


def test_a_start_that_opens_no_connection_loads_nothing(environment: Environment) -> None:
    show = "import sys; print(*sorted(sys.modules))"
    before = set(environment.run("-c", show)[1].split())
    environment.command("install")
    assert set(environment.run("-c", show)[1].split()) == before


@pytest.mark.parametrize("package", [None, "raise RuntimeError", "def (", "import nothing_at_all"])
def test_a_package_that_is_gone_or_broken_stops_no_program(environment: Environment, package: str | None) -> None:
    environment.command("install")
    environment.package.unlink()
    if package is not None:
        (environment.site / "coda_network").mkdir()
        (environment.site / "coda_network/__init__.py").write_text(package)
    assert environment.run("-W", "error", "-c", "import http.client; print(1)") == (0, "1\n", "")


def test_a_patch_that_fails_is_told_and_the_program_goes_on(environment: Environment) -> None:
    environment.command("install")
    program = "import sys; sys.modules['coda_network._patch'] = None; import urllib.request; print(1)"
    code, out, err = environment.run("-c", program)
    assert (code, out) == (0, "1\n")
    assert err.startswith("coda_network: not patched: ModuleNotFoundError")
    assert err.count("\n") == 1


def test_the_status_tells_file_switch_and_package(environment: Environment) -> None:
    code, out, err = environment.command("status")
    assert (code, err) == (0, "")
    assert f"installed: no, there is no {NAME} in {environment.site}" in out
    assert "patched: no" in out

    environment.command("install")
    out = environment.command("status")[1]
    assert f"Python: {environment.python}" in out
    assert f"installed: yes, by {environment.file}\nturned off: no\n" in out
    assert f"package: {coda_network.__version__}, can be imported from {PACKAGE_ROOT}" in out
    assert "patched: yes" in out

    out = environment.command("status", CODA_NETWORK="0")[1]
    assert "turned off: yes, by CODA_NETWORK=0\n" in out
    assert "patched: no" in out


def test_the_status_tells_of_a_package_that_new_processes_do_not_find(environment: Environment) -> None:
    environment.command("install")
    environment.package.unlink()
    program = f"import sys; sys.path.append({PACKAGE_ROOT!r}); from coda_network.cli import main; main(['status'])"
    assert "package: cannot be imported: ModuleNotFoundError" in environment.run("-c", program)[1]


def test_another_environment_is_named_by_its_prefix(
    environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["install", "--prefix", str(environment.folder)]) == 0
    assert capsys.readouterr().out == f"installed: {environment.file}\n"
    assert environment.run("-c", IS_PATCHED.format("http.client"))[1] == "True\n"
    assert main(["uninstall", "--prefix", str(environment.folder)]) == 0
    assert not environment.file.exists()


def test_an_empty_prefix_gets_the_folder_of_this_version(tmp_path: Path) -> None:
    assert main(["install", "--prefix", str(tmp_path)]) == 0
    [file] = tmp_path.rglob("*.pth")
    assert (file.name, file.parent.name) == (NAME, "site-packages")


def test_the_prefix_of_another_version_has_its_own_folder(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.99/site-packages"
    site.mkdir(parents=True)
    assert main(["install", "--prefix", str(tmp_path)]) == 0
    assert (site / NAME).read_text() == LINE


def test_several_folders_of_other_versions_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for version in ("3.98", "3.99"):
        (tmp_path / f"lib/python{version}/site-packages").mkdir(parents=True)
    assert main(["install", "--prefix", str(tmp_path)]) == 1
    assert "more than one" in capsys.readouterr().err


def test_a_prefix_that_does_not_exist_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["install", "--prefix", str(tmp_path / "nowhere")]) == 1
    assert "nowhere" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_site_of_the_user_is_refused_where_python_does_not_use_it(environment: Environment) -> None:
    code, out, err = environment.command("install", "--user")
    assert (code, out) == (1, "")
    assert err.startswith("coda-network install: error: this Python does not use the user's site-packages")


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_where_there_is_no_right_to_write_it_says_so(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tests may run as root, who may write anywhere: the system's refusal is put in its place."""

    def refuse(path: object, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "write_text", refuse)
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: missing_ok or refuse(path))
    assert main([command, "--prefix", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"coda-network {command}: error: [Errno 13] Permission denied")
    assert str(tmp_path) in err
    assert "--user" in err
