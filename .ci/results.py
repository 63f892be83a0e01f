"""Read pytest's JUnit files and fail where an environment is missing, or a test failed or was skipped.

The tests skip where a machine lacks a server or a system call. Debian has them all, and `run` installs them.

Usage: results.py FOLDER ENVIRONMENT...     (the file of py310 is FOLDER/py310.xml)
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree


def complaints(path: Path) -> list[str]:
    """Print one line for this environment and return what is wrong with it."""
    name = path.stem
    if not path.exists():
        return [f"{name}: did not run"]
    suite = ElementTree.parse(path).getroot().find("testsuite")
    if suite is None or not int(suite.get("tests", "0")):
        return [f"{name}: ran no test"]
    tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    seconds = float(suite.get("time", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    print(f"{name}: {tests - skipped - failed} passed, {failed} failed, {skipped} skipped in {seconds:.0f} s")

    found = [f"{name}: {failed} tests failed"] if failed else []
    for case in suite.iter("testcase"):
        reason = case.find("skipped")
        if reason is not None:
            found.append(f"{name}: {case.get('classname')}::{case.get('name')} was skipped: {reason.get('message')}")
    return found


def main(folder: str, *environments: str) -> int:
    found = [text for name in environments for text in complaints(Path(folder, f"{name}.xml"))]
    for text in found:
        print(text, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
