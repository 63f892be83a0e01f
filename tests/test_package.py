"""What is handed out: the source distribution, the wheel made from it, and the metadata in both."""

from __future__ import annotations

import email
import email.message
import os
import runpy
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
FOLDERS = ("coda_network", "tests", "docs", "examples", "benchmarks", ".ci", ".github")
FILES = {
    ".gitignore", ".pre-commit-config.yaml", "CONTRIBUTING.md", "LICENSE", "MANIFEST.in", "README.md", "SECURITY.md",
    "pyproject.toml", "setup.py", "tox.ini",
}  # fmt: skip
VERSION = runpy.run_path(str(PROJECT / "coda_network" / "_version.py"))["__version__"]


def project_files() -> set[str]:
    """Return every file that belongs to the project, as a path below its folder."""
    found = set(FILES)
    for folder in FOLDERS:
        for path in (PROJECT / folder).rglob("*"):
            made = "__pycache__" in path.parts or PROJECT / "docs/_build" in path.parents
            if path.is_file() and not made:
                found.add(path.relative_to(PROJECT).as_posix())
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist from a copy of the project, and the wheel from the unpacked sdist; return their folder.

    The backend is the installed one: nothing is fetched, and no file is left in the project.
    """
    source = tmp_path_factory.mktemp("source")
    for name in project_files():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / name, source / name)
    output = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(output), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=output, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return output


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    [path] = built.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    [path] = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"coda_network-{VERSION}.dist-info/METADATA"))


def test_the_names_carry_the_version(sdist: Path, wheel: Path) -> None:
    assert sdist.name == f"coda_network-{VERSION}.tar.gz"
    assert wheel.name == f"coda_network-{VERSION}-py3-none-any.whl"


def test_the_sdist_is_the_whole_project(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    by_the_backend = {name for name in names if name.startswith("coda_network.egg-info/")}
    assert names - by_the_backend == project_files() | {"PKG-INFO", "setup.cfg"}


def test_the_check_of_the_project_can_be_run_from_the_sdist(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        assert archive.getmember(f"coda_network-{VERSION}/.ci/run").mode & 0o111


def test_the_wheel_is_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    about = {name for name in names if name.startswith(f"coda_network-{VERSION}.dist-info/")}
    assert names - about == {name for name in project_files() if name.startswith("coda_network/")}
    assert any(name.endswith("/LICENSE") for name in about)


def test_the_wheel_says_that_the_package_is_typed(wheel: Path, metadata: email.message.Message) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert "coda_network/py.typed" in archive.namelist()
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Name", "coda_network"),
        ("Version", VERSION),
        ("License-Expression", "MIT"),
        ("License-File", "LICENSE"),
        ("Requires-Python", ">=3.10"),
        ("Description-Content-Type", "text/markdown"),
    ],
)
def test_the_metadata(metadata: email.message.Message, field: str, value: str) -> None:
    assert metadata[field] == value


def test_the_description_is_the_readme(metadata: email.message.Message) -> None:
    payload = metadata.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().strip() == (PROJECT / "README.md").read_text(encoding="utf-8").strip()


def test_the_extras_are_those_that_users_need(metadata: email.message.Message) -> None:
    extras = {"kerberos", "legacy", "cli", "compression", "fsspec", "keyring", "oauth", "socks", "pac"}
    assert set(metadata.get_all("Provides-Extra", [])) == extras


def test_few_packages_are_needed_at_run_time(metadata: email.message.Message) -> None:
    needed = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert [line.partition(">")[0] for line in needed] == ["filelock", "platformdirs", "pyspnego", "tomli"]


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run_installed(unpacked: Path, program: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=unpacked, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_package_states_the_version_of_its_metadata(unpacked: Path) -> None:
    program = (
        "import coda_network, importlib.metadata as about;"
        "print(coda_network.__version__, about.version('coda_network'), coda_network.__file__)"
    )
    stated, in_metadata, file = run_installed(unpacked, program).split(" ", 2)
    assert stated == in_metadata == VERSION
    assert Path(file) == unpacked / "coda_network" / "__init__.py"


def test_the_console_script_has_something_to_call(unpacked: Path) -> None:
    program = (
        "import importlib.metadata as about;"
        "[script] = about.distribution('coda_network').entry_points.select(group='console_scripts');"
        "print(script.name, script.value, callable(script.load()))"
    )
    assert run_installed(unpacked, program) == "coda-network coda_network.cli:main True"
