"""What a run of a suite came to, test by test, and how two runs compare."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

OK = "ok"
# A test may be noted several times (subtests; set-up, call and teardown): the worst note counts.
_SEVERITY = {OK: 0, "skip": 1, "fail": 2, "error": 3}


@dataclass(frozen=True)
class Outcome:
    """`kind` is "ok", "skip", "fail", "error" or "missing" (the test was not run at all); `text` says why."""

    kind: str
    text: str = ""


MISSING = Outcome("missing", "the test did not run")


@dataclass(frozen=True)
class Run:
    """The outcomes of one run by test id, and `trouble`: empty, or why the run did not come to its end."""

    outcomes: dict[str, Outcome]
    trouble: str = ""

    def outcome(self, test: str) -> Outcome:
        """The outcome of `test`, MISSING when it did not run."""
        return self.outcomes.get(test, MISSING)

    def passed(self) -> set[str]:
        """The ids of the tests that passed."""
        return {test for test, outcome in self.outcomes.items() if outcome.kind == OK}

    def failed(self) -> set[str]:
        """The ids of the tests that failed or could not run."""
        return {test for test, outcome in self.outcomes.items() if outcome.kind in ("fail", "error")}

    def figures(self) -> str:
        """Passed, failed and skipped, in a few words for a table."""
        count = Counter(outcome.kind for outcome in self.outcomes.values())
        words = f"{count[OK]} passed, {count['fail'] + count['error']} failed, {count['skip']} skipped"
        return f"{words}, STOPPED" if self.trouble else words


def read_run(path: Path, trouble: str) -> Run:
    """Read the JSON lines that a recorder wrote to `path`; `trouble` is what its parent saw going wrong."""
    outcomes: dict[str, Outcome] = {}
    ended = False
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        test, kind, text = json.loads(line)
        if kind == "end":
            ended = True
        elif test not in outcomes or _SEVERITY[kind] > _SEVERITY[outcomes[test].kind]:
            outcomes[test] = Outcome(kind, text)
    if not ended and not trouble:
        trouble = "the suite's process ended before the suite"
    return Run(outcomes, trouble)


def regressions(baseline: Run, changed: Run) -> dict[str, Outcome]:
    """The tests that passed in `baseline` and do not in `changed`, with what became of them."""
    return {test: changed.outcome(test) for test in sorted(baseline.passed() - changed.passed())}


def describe(found: dict[str, Outcome], most: int = 30) -> str:
    """Regressions as text for a failing test or a terminal: `most` of them, and how many more there are."""
    lines = [f"--- {test}: {it.kind}: {it.text.rstrip()}" for test, it in list(found.items())[:most]]
    if len(found) > most:
        lines.append(f"--- and {len(found) - most} more")
    return "\n".join(lines)
