"""Starting and stopping real servers: programs, ports, directories, processes and access logs."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from support.listening import TIMEOUT

T = TypeVar("T")

SUPERVISOR = Path(__file__).with_name("supervise.py")
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


class Missing(Exception):
    """A program that the test needs is not installed."""


def program(name: str, package: str) -> str:
    """Return the path of the command `name`. Raises Missing with the name of the Debian package."""
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin"])
    found = shutil.which(name, path=places)
    if found is None:
        raise Missing(f"Debian package {package} is missing ({name})")
    return found


def file_of(path: str, package: str) -> str:
    """Return `path`, a file of a Debian package. Raises Missing when it is not there."""
    if not Path(path).exists():
        raise Missing(f"Debian package {package} is missing ({path})")
    return path


def library_of(name: str, package: str) -> str:
    """Return the path of a library below the system's library folders. Raises Missing like `program`."""
    for folder in (*Path("/usr/lib").glob("*-linux-gnu*"), Path("/usr/lib")):
        if (folder / name).exists():
            return str(folder / name)
    raise Missing(f"Debian package {package} is missing ({name})")


def free_port() -> int:
    """Return a loopback port that nobody listens on, below the range from which clients get theirs."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def public_directory(owner: str | None = None) -> Iterator[Path]:
    """Make a directory that servers without privileges can enter, for the time of the with block.

    Run by root, it belongs to `owner`. Where the usual place for temporary files is private, it is in /tmp.
    """
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        entered = all(folder.stat().st_mode & 0o001 for folder in [Path(place), *Path(place).parents])
        if " " not in place and (entered or not IS_ROOT):
            break
    directory = Path(tempfile.mkdtemp(prefix="coda-", dir=place))
    try:
        directory.chmod(0o755)
        give_to(owner, directory)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def give_to(owner: str | None, *paths: Path) -> None:
    """Let `owner` have the files, where that is possible: only root can give."""
    if IS_ROOT and owner is not None:
        import pwd  # Absent on Windows, where nobody is root either.

        user = pwd.getpwnam(owner)
        for path in paths:
            os.chown(path, user.pw_uid, user.pw_gid)


def make_folder(path: Path) -> Path:
    """Make a folder that everybody may enter, whatever the umask."""
    path.mkdir()
    path.chmod(0o755)
    return path


def write(path: Path, content: str | bytes, mode: int = 0o644) -> Path:
    """Write a file that everybody may read, whatever the umask."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return path


def servers_are_required() -> bool:
    """Tell whether a missing server is a failure: where CI is set, and wherever somebody asks for it."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false") or bool(os.environ.get("CODA_REQUIRE_SERVERS"))


@contextmanager
def running(server: AbstractContextManager[T]) -> Iterator[T]:
    """Run `server` for a fixture; where its program is missing, fail or, on a developer's machine, skip."""
    try:
        started = server.__enter__()
    except Missing as reason:
        server.__exit__(None, None, None)
        (pytest.fail if servers_are_required() else pytest.skip)(str(reason))
    try:
        yield started
    finally:
        server.__exit__(None, None, None)


class ServerProcess:
    """One server in the foreground, in a session of its own, which ends with this process in any case."""

    def __init__(
        self,
        command: list[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        end_with: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._command = command
        self._end_with = end_with
        self._log = log
        self._environment = {**os.environ, **(environment or {})}

    def start(self, *ports: int) -> None:
        """Start it and wait until all of `ports` accept. Raises RuntimeError with the end of its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(SUPERVISOR), str(int(self._end_with)), *self._command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        try:
            for port in ports:
                self._wait_for(port)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it and wait for its end."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(TIMEOUT)

    def _wait_for(self, port: int) -> None:
        deadline = time.monotonic() + TIMEOUT * 3
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                pass
            else:
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self._log.read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{self._command[0]} does not listen on port {port}; it said:\n{said}")
            time.sleep(0.02)


class AccessLog:
    """A server's access log, one JSON object a line. `mark(path)` makes the server log a request.

    A server with several threads may log a request after one that came later: its log is read when nothing was added
    for `settle` seconds.
    """

    def __init__(self, path: Path, mark: Callable[[str], None], settle: float = 0.0) -> None:
        self._path = path
        self._mark = mark
        self._settle = settle
        self._marks = 0

    def entries(self) -> list[dict[str, Any]]:
        """Return every entry of requests that were over before this call, marks left out."""
        # A line is written after its response: once one more request is in the log, all before it are.
        self._marks += 1
        path = f"/mark-{os.getpid()}-{self._marks}"
        self._mark(path)
        deadline = time.monotonic() + TIMEOUT
        while True:
            text = self._path.read_text() if self._path.exists() else ""
            if path in text:
                break
            assert time.monotonic() < deadline, f"{path} does not come in {self._path}"
            time.sleep(0.005)
        if self._settle:
            time.sleep(self._settle)
            while (later := self._path.read_text()) != text:
                text = later
                time.sleep(self._settle)
        else:
            text = text[: text.index(path)]
        lines = text.split("\n")[:-1]
        return [entry for entry in map(json.loads, lines) if f"/mark-{os.getpid()}-" not in entry["target"]]

    @contextmanager
    def watch(self) -> Iterator[Watched]:
        """Collect what is logged during the with block; read it behind the block."""
        before = len(self.entries())
        watched = Watched()
        yield watched
        watched.entries = self.entries()[before:]


class Watched:
    """What a server logged in a with block of `AccessLog.watch`.

    Each of `entries` has at least `connection`, `method`, `target` and `status`.
    """

    entries: list[dict[str, Any]]

    @property
    def requests(self) -> int:
        """How many requests got a response."""
        return len(self.entries)

    @property
    def connections(self) -> int:
        """How many TCP connections they came on."""
        return len({entry["connection"] for entry in self.entries})

    @property
    def statuses(self) -> list[int]:
        return [entry["status"] for entry in self.entries]


def ask(port: int, target: str, *headers: str) -> bytes:
    """Send one GET with a raw socket to a loopback port and return the whole response, head included."""
    lines = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", port), TIMEOUT) as sock:
        sock.sendall("\r\n".join(lines).encode())
        with sock.makefile("rb") as response:
            return response.read()
