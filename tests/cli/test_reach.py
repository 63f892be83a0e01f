"""`coda-network check --program` tells what of a program the patch reaches, and imports nothing of it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coda_network._cli.reach import transports
from coda_network.cli import main

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes distributions, whose modules raise when they are imported, and nothing else is installed."""
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(entry for entry in sys.path if "site-packages" not in entry)])
    for name in ("urllib3", "requests", "httpx"):
        monkeypatch.delitem(sys.modules, name, raising=False)

    def make(name: str, *requires: str, module: str = "", command: str = "", version: str = "1.0") -> None:
        module = module or name.replace("-", "_")
        (tmp_path / module).mkdir(exist_ok=True)
        (tmp_path / module / "__init__.py").write_text("raise RuntimeError('imported')\n")
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        (info / "RECORD").write_text(f"{module}/__init__.py,,\n{info.name}/METADATA,,\n")
        if command:
            (info / "entry_points.txt").write_text(f"[console_scripts]\n{command} = {module}:main\n")

    return make


def check(capsys: pytest.CaptureFixture[str], name: str) -> tuple[int, list[str]]:
    code = main(["check", "--program", name])
    printed = capsys.readouterr()
    return code, (printed.out + printed.err).splitlines()


def test_what_carries_its_requests_is_found_through_what_it_requires(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("program", "requests>=2", "other")
    install("requests", "urllib3<3,>=1.21", "PySocks!=1.5.7; extra == 'socks'", version="2.32")
    install("urllib3", version="2.5")
    code, lines = check(capsys, "program")
    assert lines == [
        "program 1.0",
        "  reached     requests 2.32, by program: urllib3 carries its requests",
        "  reached     urllib3 2.5, by program > requests: its connections extend http.client's",
        "patch() and `coda-network run` reach it.",
    ]
    assert code == 0


@pytest.mark.parametrize("name", ["program", "the-command", "its_module", "Its.Name"])
def test_a_program_is_named_by_command_distribution_or_module(
    install: Install, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    install("its-name" if name == "Its.Name" else "program", "httpx", module="its_module", command="the-command")
    install("httpx", version="0.28.1")
    code, lines = check(capsys, name)
    assert "  not reached httpx 0.28.1, by " in lines[1]
    assert lines[-1].startswith("patch() and `coda-network run` do not reach all of it: httpx.")
    assert code == 1


def test_what_takes_the_place_of_urllib3_is_named(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("requests", "urllib3")
    install("urllib3", version="2.13.909")
    install("urllib3-future", module="urllib3", version="2.13.909")
    code, lines = check(capsys, "requests")
    assert [line.split(",")[0] for line in lines[1:-1]] == [
        "  reached     requests 1.0: urllib3 carries its requests",
        "  not reached urllib3-future 2.13.909",
    ]
    assert code == 1


def test_beside_urllib3_it_is_none_of_our_business(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("requests", "urllib3")
    install("urllib3")
    install("urllib3-future", module="urllib3_future")
    assert check(capsys, "requests")[0] == 0


def test_an_extra_that_is_installed_counts_for_the_program_itself(
    install: Install, capsys: pytest.CaptureFixture[str]
) -> None:
    install("program", "library", "aiohttp; extra == 'fast'")
    install("library", "httpx; extra == 'http2'")
    install("aiohttp")
    install("httpx")
    code, lines = check(capsys, "program")
    assert [line.split()[2] for line in lines[1:-1]] == ["aiohttp"]
    assert code == 1


def test_requirements_in_a_circle_end(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install("one", "two")
    install("two", "one", "missing")
    code, lines = check(capsys, "one")
    assert (code, len(lines)) == (0, 2)
    assert lines[1].startswith("Nothing that it requires is known to carry HTTP")


def test_a_script_is_read_and_not_run(install: Install, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    install("httpx")
    script = tmp_path / "fetch.py"
    late = "def late():\n    import httpx.client\n"
    script.write_text(f"import http.client\nfrom urllib import request\n{late}raise SystemExit\n")
    code, lines = check(capsys, str(script))
    assert [line.split(":")[0] for line in lines[1:-1]] == [
        "  reached     http.client",
        "  reached     urllib.request",
        "  not reached httpx 1.0",
    ]
    assert code == 1


@pytest.mark.parametrize("name", ["no-such-program", "no_such_module", "", "../..", "a.b", "nowhere.py"])
def test_what_is_not_there_is_an_error(install: Install, capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, lines = check(capsys, name)
    assert code == 2
    assert lines == [f"coda-network check: no command, package, module or script is named {name!r} here"]


def test_a_url_and_a_program_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["check"], ["check", "http://localhost/", "--program", "pip"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2


def test_each_row_of_the_table_is_one_distribution_with_a_verdict() -> None:
    rows = transports()
    assert len({row.distribution.lower() for row in rows}) == len(rows)
    assert {row.reached for row in rows} == {"yes", "partly", "no"}
    assert all(row.how and row.modules for row in rows)
