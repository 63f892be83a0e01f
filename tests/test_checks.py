"""The checks before a commit are the checks of tox, and every environment of tox has what it needs."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def tox() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(PROJECT / "tox.ini", encoding="utf-8")
    return parser


def test_a_commit_runs_the_checks_of_tox(tox: configparser.ConfigParser) -> None:
    commands = [line for name in ("lint", "types") for line in tox[f"testenv:{name}"]["commands"].splitlines()]
    wanted = {line.replace("{posargs}", "").strip() for line in commands} - {""}
    hooks = (PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"^ +entry: (.+)$", hooks, re.MULTILINE)) == wanted


def test_a_commit_fetches_nothing() -> None:
    hooks = (PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert re.findall(r"repo: (.+)$", hooks, re.MULTILINE) == ["local"]
    assert set(re.findall(r"language: (.+)$", hooks, re.MULTILINE)) == {"system"}


def test_every_group_that_tox_names_is_defined(tox: configparser.ConfigParser) -> None:
    used = {
        name.strip()
        for section in tox.sections()
        for name in tox[section].get("dependency_groups", "").split(",")
        if name.strip()
    }
    _, _, table = (PROJECT / "pyproject.toml").read_text(encoding="utf-8").partition("[dependency-groups]\n")
    defined = set(re.findall(r"^([\w-]+) = \[", table.partition("\n[")[0], re.MULTILINE))
    assert {"test", "docs", "lint", "types"} <= used <= defined


def test_the_branches_that_the_tests_reach_are_measured_and_have_a_bound(tox: configparser.ConfigParser) -> None:
    """On an interpreter that the check of the project runs in full."""
    [line] = [line for line in tox["testenv"]["commands"].splitlines() if "--cov" in line]
    assert line.startswith("py314-!short: pytest ")
    assert "--cov-branch" in line
    assert int(line.partition("--cov-fail-under=")[2].rstrip("}")) >= 90
    assert "py314" in tox["tox"]["env_list"]
