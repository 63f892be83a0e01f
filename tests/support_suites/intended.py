"""The tests of CPython that do not hold under the patch, on purpose. docs/differences.md lists just these."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from support_suites.process import BINDINGS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "differences.md"


@dataclass(frozen=True)
class Difference:
    """`test` (an id of unittest) need not pass under `bindings`.

    Each release of Python from `since` on has the test; of earlier ones some have it.
    """

    test: str
    reason: str
    bindings: tuple[str, ...] = BINDINGS[1:]
    since: tuple[int, int] = (3, 10)


INTENDED = (
    *(
        Difference(
            f"test.test_httplib.BasicTest.{name}",
            "asserts that IncompleteRead has one text for all broken chunks; here it says what is wrong with the size",
        )
        for name in ("test_chunked", "test_readinto_chunked")
    ),
    Difference(
        "test.test_httplib.TunnelTests.test_tunnel_leak",
        "asserts that request() raises when CONNECT is refused; getresponse() returns the refusal",
        since=(3, 12),
    ),
    # Classes and functions of ours are where pickle finds them: in coda_network's own modules. Under the patch they are
    # those of http.client and urllib.request, so this is of the modules swapped outright only.
    Difference(
        "test.test_httplib.OfflineTest.test_all",
        "asserts __module__ of every public name, which pickle needs to be the name's own module",
        bindings=("swapped",),
    ),
    Difference(
        "test.test_urllib2.TrivialTests.test___all__",
        "asserts __module__ of every public name, which pickle needs to be the name's own module",
        bindings=("swapped",),
    ),
)


def ids_in_page(text: str) -> list[str]:
    """The test ids in the tables of docs/differences.md: dotted, in backticks; "test." may be missing."""
    found: list[str] = []
    for line in text.splitlines():
        if line.lstrip().startswith("|"):
            found += re.findall(r"`(?:test\.)?(test_\w+\.\w+\.test\w*)`", line)
    return [f"test.{name}" for name in found]
