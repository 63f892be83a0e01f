"""`coda-network check`, run in this process: what it returned and printed, which holds no secret."""

from __future__ import annotations

import pytest

from coda_network.cli import main
from support.accounts import ALICE, BOB


class Outcome:
    """What one run returned and printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err
        self.lines = out.splitlines()

    @property
    def conclusion(self) -> str:
        return self.lines[-1]

    def steps(self, layer: str) -> list[str]:
        """What one layer said."""
        return [line.split(maxsplit=1)[1] for line in self.lines if line.startswith(f"  {layer} ")]


class Check:
    """Runs the command; nothing of a password may be in what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Outcome:
        code = main(["check", *arguments])
        printed = self._capsys.readouterr()
        for secret in (ALICE.password, BOB.password, BOB.userinfo.partition(":")[2], "wrong"):
            assert secret not in printed.out + printed.err
        return Outcome(code, printed.out, printed.err)
