"""The Pythons that are promised: one list, wherever it is written; and the oldest packages that the metadata allows."""

from __future__ import annotations

import ast
import configparser
import re
import sys
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pytest needs it there

PROJECT = Path(__file__).resolve().parent.parent
VERSIONS = ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"]


def text_of(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def setup_value(name: str) -> Any:
    """Return an argument of setup(), or a constant of setup.py, without running it."""
    for node in ast.walk(ast.parse(text_of("setup.py"))):
        if isinstance(node, ast.keyword) and node.arg == name:
            return ast.literal_eval(node.value)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise LookupError(name)


def test_the_classifiers_name_them() -> None:
    named = [line.rpartition(" ")[2] for line in setup_value("classifiers") if "Python :: 3." in line]
    assert named == VERSIONS
    assert setup_value("python_requires") == f">={VERSIONS[0]}"


def test_tox_has_an_environment_for_each() -> None:
    tox = configparser.ConfigParser()
    tox.read_string(text_of("tox.ini"))
    listed = re.findall(r"\bpy(\d)(\d+)\b", tox["tox"]["env_list"])
    assert [".".join(digits) for digits in listed] == VERSIONS
    assert "oldest" in tox["tox"]["env_list"]


def test_the_check_of_the_project_tests_each() -> None:
    script = text_of(".ci/run")
    [brought] = re.findall(r"^newest=\(([\d. ]+)\)$", script, re.MULTILINE)
    shorter = re.findall(r"^if is_there python(3\.\d+); then environments", script, re.MULTILINE)
    [whole] = re.findall(r"^for name in ((?:py3\d+ ?)+); do$", script, re.MULTILINE)
    assert whole.split() == ["py" + version.replace(".", "") for version in brought.split()]
    # 3.11 is the one at hand on the system that the check is written for.
    assert sorted({*brought.split(), *shorter, "3.11"}) == VERSIONS


@pytest.mark.parametrize("page", ["README.md", "docs/index.md"])
def test_the_pages_name_the_first_and_the_last(page: str) -> None:
    spans = re.findall(r"Python (3\.\d+) to (3\.\d+)", text_of(page))
    assert spans == [(VERSIONS[0], VERSIONS[-1])]


def test_the_tools_look_for_the_oldest() -> None:
    tools = tomllib.loads(text_of("pyproject.toml"))["tool"]
    assert tools["ruff"]["target-version"] == "py" + VERSIONS[0].replace(".", "")
    assert tools["mypy"]["python_version"] == VERSIONS[0]


def test_the_oldest_packages_are_those_that_the_metadata_allows() -> None:
    group = tomllib.loads(text_of("pyproject.toml"))["dependency-groups"]["test"]
    bounds = sorted({*setup_value("install_requires"), *group})
    pins = [line for line in text_of("tests/oldest.txt").splitlines() if line and not line.startswith("#")]
    # Constraints of pip name no extras.
    assert pins == [re.sub(r"\[.*?\]", "", bound).replace(">=", "==") for bound in bounds]
