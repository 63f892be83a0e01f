"""``coda-network wheelhouse``: what it collects installs, and works, on a machine without network."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

import coda_network
from coda_network.cli import main

# What the package needs, and what that needs: as wheels again, of what is installed for the tests.
NEEDED = ("filelock", "platformdirs", "pyspnego", "cryptography", "cffi", "pycparser", "typing_extensions", "tomli")
MINE = {
    "coda_network-{0}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "coda_network-{0}.dist-info/entry_points.txt": "[console_scripts]\ncoda-network = coda_network.cli:main\n",
    "coda_network-{0}.dist-info/METADATA": "Metadata-Version: 2.1\nName: coda_network\nVersion: {0}\n"
    "Requires-Dist: filelock\nRequires-Dist: platformdirs\nRequires-Dist: pyspnego\n"
    "Requires-Dist: tomli; python_version < '3.11'\n",
}


def write_wheel(path: Path, files: dict[str, bytes]) -> None:
    info = next(name.partition("/")[0] for name in files if name.endswith(".dist-info/WHEEL"))
    lines = []
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(data)}")
            wheel.writestr(name, data)
        wheel.writestr(f"{info}/RECORD", "\n".join([*lines, f"{info}/RECORD,,", ""]))


def wheel_of(found: Distribution, folder: Path) -> None:
    """Make a wheel of what is installed."""
    files = {}
    for file in found.files or ():
        name = str(file)
        if ".." not in name and not name.endswith((".pyc", "RECORD", "INSTALLER", "REQUESTED", "direct_url.json")):
            files[name] = Path(str(found.locate_file(file))).read_bytes()
    tags = [line.partition(":")[2].strip() for line in (found.read_text("WHEEL") or "").splitlines() if "Tag:" in line]
    assert tags, found.metadata["Name"]
    name = found.metadata["Name"].replace("-", "_")
    # Several tags are one in the name of the file, part by part.
    tag = "-".join(".".join(sorted(set(part))) for part in zip(*(each.split("-") for each in tags), strict=True))
    write_wheel(folder / f"{name}-{found.version}-{tag}.whl", files)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheels of all that is needed, in place of the index."""
    folder = tmp_path_factory.mktemp("sources")
    for name in NEEDED:
        try:
            found = distribution(name)
        except ImportError:  # tomli on a Python that has tomllib
            continue
        wheel_of(found, folder)
    root = Path(coda_network.__file__).parent
    files = {f"coda_network/{path.relative_to(root).as_posix()}": path.read_bytes() for path in root.rglob("*.py")}
    version = coda_network.__version__
    files.update({name.format(version): text.format(version).encode() for name, text in MINE.items()})
    write_wheel(folder / f"coda_network-{version}-py3-none-any.whl", files)
    return folder


def test_what_it_collects_installs_and_works_without_network(sources: Path, tmp_path: Path) -> None:
    wheels, place = tmp_path / "wheels", tmp_path / "machine"
    assert main(["wheelhouse", "-q", "--no-index", "--find-links", str(sources), str(wheels)]) == 0
    collected = {path.name.partition("-")[0].lower() for path in wheels.iterdir()}
    assert {"coda_network", "filelock", "platformdirs", "pyspnego"} <= collected
    assert "rich" not in collected

    venv.create(place, with_pip=False)
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-index"]
    subprocess.run([*install, "--find-links", str(wheels), "coda_network"], check=True, timeout=120)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    assert main(["install", "-q", "--prefix", str(place)]) == 0
    command = [python.parent / "coda-network", "--version"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"coda-network {coda_network.__version__}\n"
    program = "import http.client, coda_network, spnego; print(coda_network.is_patched(), coda_network.__file__)"
    done = subprocess.run(
        [python, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(f"True {place}"), done.stderr


@pytest.mark.parametrize(
    ("codes", "why"), [([1], "pip has made no wheel of this package"), ([0, 1], "pip has not found all that is needed")]
)
def test_what_pip_fails_at_fails_it(
    codes: list[int], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pip(command: list[str], check: bool) -> subprocess.CompletedProcess[bytes]:
        (tmp_path / "coda_network-1.0-py3-none-any.whl").touch()
        return subprocess.CompletedProcess(command, codes.pop(0))

    monkeypatch.setattr(subprocess, "run", pip)
    assert main(["wheelhouse", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"coda-network wheelhouse: {why}\n"


def test_the_commands_for_another_machine_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[list[str]] = []

    def pip(command: list[str], check: bool) -> subprocess.CompletedProcess[bytes]:
        ran.append(command[command.index("--disable-pip-version-check") + 1 :])
        (tmp_path / "wheels" / f"coda_network-{coda_network.__version__}-py3-none-any.whl").touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", pip)
    options = ["--extra", "socks", "--extra", "pac", "--python-version", "3.12", "--platform", "win_amd64"]
    assert main(["wheelhouse", *options, str(tmp_path / "wheels")]) == 0
    assert ran[0][0] == "wheel"
    assert ran[0][-1] == f"coda_network=={coda_network.__version__}"
    assert ran[1][:7] == ["download", "--only-binary", ":all:", "--platform", "win_amd64", "--python-version", "3.12"]
    assert ran[1][-1].startswith("coda_network[socks,pac] @ file://")
    assert "pip install --no-index --find-links wheels 'coda_network[socks,pac]'" in capsys.readouterr().out


def test_a_python_without_pip_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("coda_network._cli.wheelhouse.find_spec", lambda name: None)
    assert main(["wheelhouse", str(tmp_path / "wheels")]) == 1
    assert "this Python has no pip" in capsys.readouterr().err
