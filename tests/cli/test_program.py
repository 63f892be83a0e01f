"""``coda-network run NAME``: a Python program beside this Python, or on the PATH."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coda_network._cli.program import NotOurProgram, program_on_path

SAYS_ITS_NAME = "import sys; print(sys.argv, __name__)\n"


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on the PATH; the current folder is another one."""
    folder, here = tmp_path / "bin", tmp_path / "here"
    folder.mkdir()
    here.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(here)
    return folder


def program(folder: Path, first_line: str, name: str = "say") -> Path:
    file = folder / name
    file.write_text(f"{first_line}\n{SAYS_ITS_NAME}", encoding="utf-8")
    file.chmod(0o755)
    return file


LONG = f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''"


@pytest.mark.parametrize(
    "first_line",
    [f"#!{sys.executable}", "#!/usr/bin/env python3", "#! /usr/bin/env python", f"#!{sys.executable} -E", LONG],
)
def test_a_python_program_on_the_path_is_run(on_path: Path, first_line: str) -> None:
    file = program(on_path, first_line)
    done = subprocess.run(
        [sys.executable, "-m", "coda_network", "run", "say", "a", "-b"], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == (f"{[str(file), 'a', '-b']} __main__\n", 0), done.stderr


def test_a_file_of_that_name_here_comes_first(on_path: Path) -> None:
    program(on_path, f"#!{sys.executable}")
    assert program_on_path("say") == str(on_path / "say")
    Path("say").write_text(SAYS_ITS_NAME)
    assert program_on_path("say") is None


def test_programs_of_this_python_come_before_those_of_the_path(
    on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    program(on_path, f"#!{own}/python")
    ours = program(own, f"#!{own}/python")
    monkeypatch.setattr(sys, "executable", str(own / "python"))
    assert program_on_path("say") == str(ours)


@pytest.mark.parametrize(
    ("first_line", "why"),
    [
        ("#!/bin/sh", "is no Python program: run it by: coda-network with -- COMMAND"),
        ("#!/usr/bin/env perl", "is no Python program"),
        ("\x7fELF", "is no Python program"),
        ("", "is no Python program"),
        ("#!/opt/other/bin/python3", "a program of another Python, /opt/other/bin/python3"),
        (LONG.replace(sys.executable, "/opt/with space/python3"), "another Python, /opt/with space/python3"),
    ],
)
def test_what_this_python_cannot_run_is_told(on_path: Path, first_line: str, why: str) -> None:
    file = program(on_path, first_line)
    with pytest.raises(NotOurProgram, match=r"^say is ") as caught:
        program_on_path("say")
    assert why in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize("name", ["", "./say", "no-such-program-anywhere", "folder/say"])
def test_what_is_no_name_is_left_to_python(on_path: Path, name: str) -> None:
    assert program_on_path(name) is None
