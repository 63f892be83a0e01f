"""Read pytest's JUnit files and fail where an environment is missing, or a test failed or was skipped.

What failed is named, and of CPython's own suites, run without the patch and with it, the figures are added up.

The tests skip where a machine lacks a server or a system call. Debian has them all, and `run` installs them.

Usage: results.py FOLDER ENVIRONMENT...     (the file of py310 is FOLDER/py310.xml)
"""

from __future__ import annotations

import re
import sys
from collections import Counter
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

    suites: dict[str, Counter[str]] = {}
    found = []
    for case in suite.iter("testcase"):
        for said in case.iter("property") if "cpython_suites" in str(case.get("classname")) else ():
            binding = str(said.get("name")).rpartition(" ")[2]
            figures = re.findall(r"(\d+) (passed|failed|skipped)", str(said.get("value")))
            suites.setdefault(binding, Counter()).update({word: int(number) for number, word in figures})
        for kind, word in (("skipped", "was skipped"), ("failure", "failed"), ("error", "failed")):
            for reason in case.findall(kind):
                message = str(reason.get("message")).partition("\n")[0]
                found.append(f"{name}: {case.get('classname')}::{case.get('name')} {word}: {message:.200}")
    if suites:
        print("  CPython's own suites:", "; ".join(f"{binding} {_text(count)}" for binding, count in suites.items()))
    return found


def _text(count: Counter[str]) -> str:
    return ", ".join(f"{count[word]} {word}" for word in ("passed", "failed", "skipped"))


def main(folder: str, *environments: str) -> int:
    found = [text for name in environments for text in complaints(Path(folder, f"{name}.xml"))]
    for text in found:
        print(text, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
