"""A program started by `python` and by `coda-network run`: what each leaves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import coda_network

PACKAGE_ROOT = str(Path(coda_network.__file__).resolve().parent.parent)
INHERITED = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
ENVIRONMENT = {**INHERITED, "PYTHONPATH": PACKAGE_ROOT, "PYTHONDONTWRITEBYTECODE": "1"}
RUN = ("-m", "coda_network", "run")

# What one start of a program leaves: exit code (negative: a signal), standard output, standard error.
Traces = tuple[int, str, str]


def begin(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def traces_of(process: subprocess.Popen[str], stdin: str) -> Traces:
    with process:
        try:
            texts = process.communicate(stdin, timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    # The addresses of objects differ from one process to the next.
    return process.returncode, *(re.sub(r"0x[0-9a-fA-F]+", "0x", text) for text in texts)


def start(folder: Path, *arguments: str, stdin: str = "") -> Traces:
    return traces_of(begin(folder, *arguments), stdin)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        assert folder in path.parents  # an absolute name would leave the folder
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def same_traces(folder: Path, *arguments: str, flags: tuple[str, ...] = (), stdin: str = "") -> Traces:
    """Start the program both ways, at the same time, demand the same, and return it."""
    both = begin(folder, *flags, *arguments), begin(folder, *flags, *RUN, *arguments)
    plain, ours = (traces_of(process, stdin) for process in both)
    assert ours == plain
    return plain
