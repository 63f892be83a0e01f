"""The table of the libraries that are tried: what a row has, and what its program may use."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple


class Library(NamedTuple):
    """One row of the matrix.

    :param distribution: its name on the package index; empty for the standard library
    :param module: what is imported before the patch where that comes behind
    :param ask: the program: raises where nothing came
    :param reached: whether the patch is meant to reach it
    :param first: a function that comes before all imports
    :param children: whether Pythons that it starts are to be reached, too
    """

    distribution: str
    module: str
    ask: Callable[[str], object]
    reached: bool
    first: str
    children: bool


LIBRARIES: dict[str, Library] = {}

FOUND = "found"
"""What the site has in everything."""


def library(
    distribution: str,
    module: str | None = None,
    *,
    name: str = "",
    reached: bool = True,
    first: str = "",
    children: bool = False,
) -> Callable[[Callable[[str], object]], Callable[[str], object]]:
    """Enter a program into the table."""

    def enter(ask: Callable[[str], object]) -> Callable[[str], object]:
        imported = distribution.replace("-", "_") if module is None else module
        LIBRARIES[name or distribution] = Library(distribution, imported, ask, reached, first, children)
        return ask

    return enter


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names."""
    return os.environ.get(url.partition(":")[0] + "_proxy")


def has(text: Any) -> None:
    """Check what came."""
    shown = text.decode() if isinstance(text, bytes) else str(text)
    assert FOUND in shown, f"{shown[:200]!r} came"


def context() -> Any:
    import ssl

    return ssl.create_default_context(cafile=os.environ.get("SSL_CERT_FILE"))
