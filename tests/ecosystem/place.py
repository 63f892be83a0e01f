"""Where downloads are measured: real servers, a folder for what comes, and programs that are timed."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from support.accounts import ALICE
from support.certs import Authority
from support.nginx import Nginx
from support.servers import public_directory
from support.squid import NTLMLogin, Squid

MIB = 1 << 20


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(MIB):
            found.update(piece)
    return found.hexdigest()


class Place:
    """The servers, and a folder for what is downloaded."""

    def __init__(self, stack: ExitStack) -> None:
        self.ca = Authority(stack.enter_context(public_directory()))
        self.nginx = stack.enter_context(Nginx(self.ca))
        self.squid = stack.enter_context(Squid(self.ca, NTLMLogin()))
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        self.wrong = 0
        plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        proxy = f"http://{ALICE.qualified_userinfo}@{self.squid.netloc}"
        self.ways = {"directly": plain, "NTLM squid": {**plain, "http_proxy": proxy}}

    def program(self, code: str, *arguments: object) -> list[str]:
        return [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]

    def check(self, is_right: bool) -> str:
        self.wrong += not is_right
        return "right" if is_right else "WRONG"


def timed(
    command: list[str], environment: dict[str, str], cwd: Path, output: str | Path = os.devnull
) -> tuple[int, float, float, int]:
    """Run a program; return its exit status, seconds, CPU seconds, and the most memory that it had, in MiB."""
    with open(output, "wb") as file:
        begun = time.monotonic()
        child = subprocess.Popen(command, env=environment, cwd=cwd, stdout=file, stderr=file)
    memory, ended = 0, 0
    # Not ru_maxrss, in which the memory of the process that started it counts.
    while not ended:
        with suppress(OSError, StopIteration), open(f"/proc/{child.pid}/status", encoding="ascii") as lines:
            memory = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
        time.sleep(0.02)
        ended, status, usage = os.wait4(child.pid, os.WNOHANG)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, time.monotonic() - begun, usage.ru_utime + usage.ru_stime, memory


def is_missing(command: list[str]) -> bool:
    """Return whether a program, or the package that it imports, is not installed."""
    named = [name for name in ("requests", "aiohttp") if any(f", {name}" in part for part in command)]
    return shutil.which(command[0]) is None or any(importlib.util.find_spec(name) is None for name in named)
