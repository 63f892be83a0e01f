"""A local proxy in a process of its own, for what a thread cannot show: signals, and being killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from support.listening import TIMEOUT


class Running:
    """A local proxy in a process of its own; ``address`` is where it listens."""

    def __init__(self, *words: str, port: int = 0, **environment: str) -> None:
        own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        command = [sys.executable, "-m", *words, "--port", str(port)]
        self.process = subprocess.Popen(command, env={**own, **environment}, stderr=subprocess.PIPE, text=True)
        self.said: list[str] = []
        found = re.search(r"listening on http://([^:]+):(\d+)", self.line_with("listening on"))
        assert found is not None
        self.address = "127.0.0.1", int(found[2])

    def line_with(self, text: str) -> str:
        """Return the next line on standard error that has this text."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line)
            if text in line:
                return line
        raise AssertionError(f"it has ended, and has not said {text!r} but {self.said}")

    def end(self) -> int:
        """Return the exit status, when it has ended."""
        assert self.process.stderr is not None
        self.said += self.process.stderr
        return self.process.wait(TIMEOUT)


@contextmanager
def running(*words: str, port: int = 0, **environment: str) -> Iterator[Running]:
    """Run ``python -m`` with these words, and a port; it is killed at the end."""
    started = Running(*words, port=port, **environment)
    too_long = threading.Timer(TIMEOUT * 6, started.process.kill)  # what it does not say is not waited for for ever
    too_long.start()
    with started.process:
        try:
            yield started
        finally:
            too_long.cancel()
            started.process.kill()
