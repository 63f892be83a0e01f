"""The help of each command, its manual page, and its completion in a shell: all from the same parsers."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from coda_network._cli.commands import COMMANDS, command_parser
from coda_network._cli.man import page
from coda_network.cli import main

CODA_NETWORK = Path(sys.executable).with_name("coda-network")


def options_of(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_options_exit_codes_and_examples(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "run":
        assert main([name, "--help"]) == 0
    else:
        with pytest.raises(SystemExit) as caught:
            main([name, "--help"])
        assert caught.value.code == 0
    text = capsys.readouterr().out
    parser = command_parser(name)
    for option in options_of(parser):
        assert option in text
    assert "exit code" in text
    assert max(map(len, text.splitlines())) <= 120
    if name not in ("uninstall", "status", "demo"):
        [examples] = re.findall(r"^examples:\n((?:  .*\n)+)", text, re.MULTILINE)
        assert f"coda-network {name}" in examples


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in ("run", "with", "proxy", "connect")])
def test_the_examples_of_the_help_are_command_lines_of_it(name: str) -> None:
    parser = command_parser(name)
    for line in re.findall(rf"^  coda-network {name}(.*)$", parser.epilog or "", re.MULTILINE):
        words = re.sub(r" {3,}.*| \|.*|\\$", "", line).replace("'", "").split()
        parser.parse_args(words)  # SystemExit would fail the test


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_a_manual_page_has_what_the_help_has(name: str | None) -> None:
    text = page(name)
    title = "coda-network" if name is None else f"coda-network-{name}"
    assert text.startswith(f'.TH "{title.upper()}" "1"'.replace("-", r"\-"))
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"):
        assert f".SH {heading}\n" in text
    if name is not None:
        for option in options_of(command_parser(name)):
            assert rf"\fB{option.replace('-', chr(92) + '-')}\fR" in text
    # A line that begins with a dot is a request: there are no others than these.
    assert {line.split()[0] for line in text.splitlines() if line.startswith(".")} <= {
        ".TH",
        ".SH",
        ".TP",
        ".nf",
        ".fi",
    }
    assert "\x1b" not in text


def test_the_pages_of_all_commands_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man", "--output", str(tmp_path / "man1")]) == 0
    written = {path.name for path in (tmp_path / "man1").iterdir()}
    assert written == {"coda-network.1", *(f"coda-network-{name}.1" for name in COMMANDS)}
    assert main(["man", "with"]) == 0
    assert capsys.readouterr().out == (tmp_path / "man1" / "coda-network-with.1").read_text(encoding="utf-8")


def test_pages_that_cannot_be_had_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["man", "--output", str(tmp_path / "file")]) == 1
    assert main(["man", "nonsense"]) == 2
    assert capsys.readouterr().err == (
        f"coda-network man: {tmp_path / 'file'}: File exists\ncoda-network man: there is no command nonsense\n"
    )


def complete(line: str, folder: Path) -> set[str]:
    """Return what a shell is told that may stand at the end of a line."""
    file = folder / "completions"
    environment = {
        **os.environ,
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(file),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([CODA_NETWORK], env=environment, check=True, timeout=60, capture_output=True)
    return {word.strip() for word in file.read_text().split("\n")}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("coda-network ", set(COMMANDS)),
        ("coda-network co", {"connect", "config", "completion"}),
        ("coda-network get --pass", {"--password-file", "--password-env"}),
        ("coda-network with --lo", {"--log-level"}),
        ("coda-network check --scheme n", {"negotiate", "ntlm"}),
        ("coda-network completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_a_shell_is_told_what_may_come_next(line: str, words: set[str], tmp_path: Path) -> None:
    assert words <= complete(line, tmp_path)


def test_bash_completes_by_the_lines_that_are_printed() -> None:
    script = """
        eval "$(coda-network completion bash)"
        COMP_LINE="coda-network unin" COMP_POINT=17 COMP_TYPE=9 COMP_CWORD=1 COMP_WORDS=(coda-network unin)
        _python_argcomplete coda-network unin coda-network
        printf '<%s>' "${COMPREPLY[@]}"
        """
    environment = {**os.environ, "PATH": f"{CODA_NETWORK.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert re.fullmatch(r"<uninstall ?>", done.stdout), done.stderr


@pytest.mark.parametrize(
    ("shell", "line"), [("bash", "complete "), ("zsh", "compdef "), ("fish", "complete --command coda-network")]
)
def test_each_shell_has_its_lines(shell: str, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0
    assert line in capsys.readouterr().out


def test_without_argcomplete_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("argcomplete", "argcomplete.shell_integration"):
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["completion", "bash"]) == 1
    assert 'pip install "coda_network[cli]"' in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["get", "-v", "-q", "http://x"], ["proxy", "-vq"]])
def test_loud_and_quiet_exclude_each_other(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "not allowed with argument" in capsys.readouterr().err
