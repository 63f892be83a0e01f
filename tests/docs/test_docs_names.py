"""Names in back-ticks on the pages exist: modules, classes, functions, loggers, commands."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from support.pages import PAGES, PROJECT, code_in, prose

import coda_network
from coda_network.cli import main

FOLDERS = ("coda_network", "tests", "examples", "benchmarks", "docs")
EXAMPLES = {"script.py", "fetch.py", "email.py"}
"""Files of a user, which exist nowhere here; placeholders are in capitals."""

# How the pages call the modules.
MODULES = {
    **{name: f"coda_network.{name}" for name in coda_network._MODULES},
    "coda_network": "coda_network",
    "http": "http",
    "urllib": "urllib",
}
NAME = re.compile(rf"(?:{'|'.join(MODULES)})(?:\.\w+)+")

LOGGERS = set(
    re.findall(
        r'(?:Trace\("|getLogger\("coda_network\.)(\w+)"',
        "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "coda_network").rglob("*.py")),
    )
)


def names(page: Path) -> set[str]:
    """Return the dotted names on a page that begin with a module of ours or of the standard library."""
    texts = [text for text in code_in(prose(page)) if not text.endswith(".py")]
    found = {match[0] for text in texts if (match := NAME.match(text))}
    return {name for name in found if name.removeprefix("coda_network.") not in LOGGERS}


def resolve(name: str) -> Any:
    """Return what a dotted name stands for; its longest part that is a module is imported."""
    first, *rest = name.split(".")
    found = importlib.import_module(MODULES[first])
    for part in rest:
        try:
            found = getattr(found, part)
        except AttributeError:
            found = importlib.import_module(f"{found.__name__}.{part}")
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_names_in_back_ticks_exist(page: Path) -> None:
    for name in sorted(names(page)):
        resolve(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_files_in_back_ticks_exist(page: Path) -> None:
    files = [path.relative_to(PROJECT).as_posix() for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py")]
    named = [text for text in code_in(prose(page)) if re.fullmatch(r"[a-z_0-9/]+\.py", text) and text not in EXAMPLES]
    for name in named:
        assert any(f"/{file}".endswith(f"/{name}") for file in files), name


def test_the_pages_name_a_good_part_of_the_package() -> None:
    everywhere = set().union(*map(names, PAGES))
    assert len(everywhere) > 15
    assert {"coda_network.patch", "urllib2.TunnelRefused", "connect.create_connection"} <= everywhere


def test_a_name_that_does_not_exist_would_be_noticed() -> None:
    with pytest.raises(ImportError):
        resolve("coda_network.connect.create_conection")


def test_the_loggers_are_those_that_the_page_names() -> None:
    text = (PROJECT / "docs" / "authentication.md").read_text(encoding="utf-8")
    [sentence] = re.findall(r"from the loggers (.*?);\nmost steps", text, re.DOTALL)
    assert {name.removeprefix("coda_network.") for name in code_in(sentence)} == LOGGERS


def test_every_command_has_its_section(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = set(re.findall(r"^    (\w+)\b", capsys.readouterr().out, re.MULTILINE))
    page = (PROJECT / "docs" / "command_line.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^## `coda-network (\w+)", page, re.MULTILINE)) == commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_to_other_pages_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+\.md)[^)]*\)", text):
        assert (page.parent / target).is_file(), target
