"""Runs the suites of urllib3, requests and others without the package, patched early and patched late.

    python tests/downstream/compare.py [--cache FOLDER] [--results FOLDER] [PROJECT...]

It prints a table and the tests that were lost: passed without the package, but not with it. With any of these, the
exit status is 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support_suites.downstream import PROJECTS, compare, prepare, run_suite
from support_suites.results import OK, describe

BINDINGS = {"before": "patched before import", "after": "patched after import"}


def main() -> int:
    """Print the table and the regressions; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", nargs="*", metavar="PROJECT", help=f"all unless named: {', '.join(PROJECTS)}")
    parser.add_argument(
        "--cache",
        type=Path,
        default=os.environ.get("CODA_SUITES_CACHE"),
        help="folder for the environments, to use again (default: CODA_SUITES_CACHE, or a temporary one)",
    )
    parser.add_argument("--results", type=Path, help="folder to keep the outcomes and the output of each run in")
    arguments = parser.parse_args()
    unknown = set(arguments.projects) - set(PROJECTS)
    if unknown:
        parser.error(f"not known: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="suites-") as temporary:
        folder = Path(temporary)
        cache = Path(arguments.cache) if arguments.cache else folder / "cache"
        results = arguments.results or folder
        good = [_report(name, cache, results / name) for name in arguments.projects or PROJECTS]
    return 0 if all(good) else 1


def _report(name: str, cache: Path, folder: Path) -> bool:
    checkout = prepare(PROJECTS[name], cache)
    baseline = run_suite(checkout, "baseline", folder / "baseline")
    title = f"{checkout.source.name}, Python {sys.version.split()[0]}"
    print(f"{title:<40} baseline               {baseline.figures()}", flush=True)
    good = not baseline.trouble
    notes = [f"baseline: {baseline.trouble}"] if baseline.trouble else []
    notes += [f"fails without the package: {test}" for test in sorted(baseline.failed())]
    for binding, label in BINDINGS.items():
        found = compare(checkout, baseline, binding, folder)
        good = good and not found.lost and not found.run.trouble
        gained = sum(found.run.outcome(test).kind == OK for test in baseline.failed())
        print(
            f"{'':<40} {label:<22} {found.run.figures()}; "
            f"{len(found.lost)} lost, {gained} gained, {len(found.unsteady)} unsteady, {len(found.intended)} intended",
            flush=True,
        )
        notes += [f"{label}: {found.run.trouble}"] if found.run.trouble else []
        notes += [f"{label}: lost\n{describe(found.lost)}"] if found.lost else []
        notes += [f"{label}: passed when run alone: {test}" for test in found.unsteady]
    print(*notes, sep="\n")
    return good


if __name__ == "__main__":
    sys.exit(main())
