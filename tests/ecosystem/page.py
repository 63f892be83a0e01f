"""docs/reached.md, made of two tables: what carries HTTP (``transports.toml``), and what was tried (``results.json``).

``python tests/ecosystem/page.py`` makes it anew; a test fails where it is older than the tables.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from coda_network._cli.reach import transports

RESULTS = Path(__file__).with_name("results.json")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reached.md"
ORDERS = ("direct", "unpatched", "before", "behind", "run")
TITLES = {"unpatched": "without the patch", "before": "patched before", "behind": "patched behind", "run": "by `run`"}

BEGINNING = """\
# What is reached, and what is not

The patch changes the standard library's HTTP client. It reaches whatever carries its requests over `http.client` or
`urllib.request`, however far up: requests over urllib3 over `http.client`, say. A library that opens sockets of its
own, or leaves HTTP to a library in another language, goes past it, and says 407 behind a proxy that wants a login.

```sh
coda-network check --program NAME
```

tells it of a program that is installed: NAME is a command, a package, a module, or a script. Nothing is imported; what
it requires is looked up in the second table below. What is not reached can be given a proxy that logs in for it:
`coda-network with -- COMMAND`, or [the local proxy](local_proxy.md).

## Tried

Each library was asked for something behind a squid that demands NTLM, at a site over http and one over https, in a
process of its own: without the patch, patched before its import and behind it, and by `coda-network run`. The numbers
are connections to the proxy, http / https; most programs ask twice. "no" stands where nothing came: 407, as a rule.
pip's build isolation has a second pip, in a process of its own, fetch what a build requires; the patch of its row is
`patch(children=True)`.

"""
MIDDLE = """
## What carries HTTP

"""
END = """
The tables are those of `tests/ecosystem/matrix.py` and of `coda-network check --program`.
"""


def page() -> str:
    """Return the text of the page."""
    results: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    tried = [
        "| library | version | " + " | ".join(TITLES.values()) + " |",
        "| --- | --- | " + " | ".join("---" for _ in TITLES) + " |",
        *(
            f"| {name} | {row['version']} | " + " | ".join(cell(row[order]) for order in TITLES) + " |"
            for name, row in sorted(results.items(), key=lambda item: item[0].lower())
        ),
    ]
    words = {"yes": "yes", "partly": "in part", "no": "no"}
    carriers = [
        "| distribution | reached | how |",
        "| --- | --- | --- |",
        *(f"| {one.distribution} | {words[one.reached]} | {one.how} |" for one in transports()),
    ]
    return BEGINNING + "\n".join(tried) + "\n" + MIDDLE + "\n".join(carriers) + "\n" + END


def cell(found: dict[str, list[Any]]) -> str:
    """Return the connections at http and at https, or that nothing came."""
    return " / ".join(str(count) if not error else "no" for error, count in found.values())


def write_page() -> None:
    """Make the page anew."""
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    write_page()
