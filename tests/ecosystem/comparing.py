"""What the scripts that compare libraries in three orders have in common: what is installed, and who is a child."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterable, Iterator

ORDERS = ("without", "before", "behind")
"""Without the patch, patched before the library, patched behind it."""


def installed(names: Iterable[str], columns: int) -> Iterator[tuple[str, str]]:
    """Give those that are installed with their versions; print a row of so many *columns* for each other one."""
    for name in names:
        try:
            yield name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            print(f"| {name} | not installed |{' |' * (columns - 2)}")


def start(child: Callable[[str, str], object], main: Callable[[], int]) -> None:
    """Be the child for a library and an order, where the command line names them; else the one that prints a table."""
    if len(sys.argv) == 3:
        child(*sys.argv[1:])
    else:
        sys.exit(main())
