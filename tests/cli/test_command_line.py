"""What `coda-network` says of command lines that ask for help, and of those that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import coda_network
from coda_network.cli import main

Left = Callable[..., tuple[Any, str, str]]


@pytest.fixture
def left(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Left:
    """Runs a command line in this process; returns the exit code and what was printed."""
    monkeypatch.setenv("COLUMNS", "80")

    def left(*arguments: str) -> tuple[Any, str, str]:
        try:
            code: Any = main(arguments)
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return left


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no program given"),
        ([""], "no program given"),
        (["-m"], "argument expected for -m"),
        (["-c"], "argument expected for -c"),
        (["-x", "script.py"], "unknown option -x"),
        (["--"], "unknown option --"),
    ],
    ids=repr,
)
def test_a_wrong_command_line_is_told_so(left: Left, arguments: list[str], message: str) -> None:
    code, out, err = left("run", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: coda-network run [OPTION ...] SCRIPT")
    assert err.endswith(f"coda-network run: error: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "piece"),
    [
        (["--version"], f"coda-network {coda_network.__version__}\n"),
        (["--help"], "COMMAND"),
        (["run", "--help"], "usage: coda-network run [OPTION ...] SCRIPT"),
        (["get", "--help"], "-o FILE"),
        (["demo", "--help"], "loopback"),
    ],
    ids=repr,
)
def test_the_command_line_explains_itself(left: Left, arguments: list[str], piece: str) -> None:
    code, out, err = left(*arguments)
    assert (code, err) == (0, "")
    assert piece in out


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["--nonsense"]], ids=repr)
def test_a_command_that_does_not_exist_is_refused(left: Left, arguments: list[str]) -> None:
    code, out, err = left(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: coda-network")


def test_get_without_a_url_is_refused(left: Left) -> None:
    said = "coda-network get: there is no URL: name one, or a list of them with -i FILE\n"
    assert left("get") == (2, "", said)
