"""``coda-network check --program``: what of a program the patch reaches, by what carries its HTTP.

Nothing is imported: the metadata of installed distributions say what a program requires, and of a script its ``import``
statements are read. ``transports.toml`` says which of these carry HTTP, and whether by the standard library's client.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

REACHED = 0
NOT_REACHED = 1
"""Something of it is not, or not all of it."""
UNKNOWN = 2
"""There is no such program."""

_STDLIB = {"http.client": "http.client", "urllib.request": "urllib.request", "xmlrpc.client": "http.client"}
_WORDS = {"yes": "reached", "partly": "partly", "no": "not reached"}


class Transport(NamedTuple):
    """What carries HTTP, and whether the patch reaches it.

    :param distribution: its name on the package index
    :param reached: ``yes``, ``partly`` or ``no``
    :param how: the reason, for people
    :param modules: what programs import
    :param replaces: the module of another distribution whose place it takes, or ``""``
    """

    distribution: str
    reached: str
    how: str
    modules: tuple[str, ...]
    replaces: str


class Use(NamedTuple):
    """One transport that a program uses.

    :param name: with the version, if it has one
    :param way: the distributions that lead to it, the program's own first
    :param reached: ``yes``, ``partly`` or ``no``
    """

    name: str
    way: tuple[str, ...]
    reached: str
    how: str


def transports() -> list[Transport]:
    """Return the table, in its order."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    with Path(__file__).with_name("transports.toml").open("rb") as file:
        rows: list[dict[str, Any]] = tomllib.load(file)["transport"]
    return [
        Transport(
            row["distribution"],
            row["reached"],
            row["how"],
            tuple(row.get("modules", (row["distribution"],))),
            row.get("replaces", ""),
        )
        for row in rows
    ]


def check_program(name: str) -> int:
    """Print what of a program the patch reaches.

    :param name: a command, a distribution, a module, or the path of a script
    :returns: the exit code: 0 where all is reached that is known, 1 where something is not, 2 for no such program
    """
    begun = _begin(name)
    if begun is None:
        print(f"coda-network check: no command, package, module or script is named {name!r} here", file=sys.stderr)
        return UNKNOWN
    title, roots, uses = begun
    for use in _required(roots):
        if use.name not in {one.name for one in uses}:
            uses.append(use)
    print(title)
    for use in uses:
        by = f", by {' > '.join(use.way)}" if use.way else ""
        print(f"  {_WORDS[use.reached]:<11} {use.name}{by}: {use.how}")
    missed = [use.name.partition(" ")[0] for use in uses if use.reached != "yes"]
    if missed:
        print(
            f"patch() and `coda-network run` do not reach all of it: {', '.join(missed)}. "
            "`coda-network with -- COMMAND` gives a command a proxy that logs in for it."
        )
        return NOT_REACHED
    if uses:
        print("patch() and `coda-network run` reach it.")
    else:
        print(
            "Nothing that it requires is known to carry HTTP; what it asks of http.client or urllib.request is reached."
        )
    return REACHED


# -- where to begin

Begun = tuple[str, list[importlib.metadata.Distribution], list[Use]]


def _begin(name: str) -> Begun | None:
    """Return a title, the distributions to begin with, and what the program's own statements say."""
    path = Path(name)
    if path.suffix == ".py" and path.is_file():
        return (name, *_imported(path.read_bytes()))
    found = _distribution_of(name)
    if found is not None:
        metadata = found.metadata
        return f"{metadata['Name']} {found.version}", [found], []
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):  # one that is there already need have no spec
        return None
    if spec is None:
        return None
    source = Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    return (name, *_imported(source.read_bytes() if source else b""))


def _owners() -> Mapping[str, list[str]]:
    """Return the distributions of each module at the top.

    Python 3.10 knows those that list their modules only: of the others the first part of each file's path is one.
    """
    owners = dict(importlib.metadata.packages_distributions())
    if sys.version_info < (3, 11):
        for found in importlib.metadata.distributions():
            if found.read_text("top_level.txt") is None:
                for file in found.files or ():
                    name = file.parts[0] if len(file.parts) > 1 else file.stem
                    names = owners.setdefault(name, [])
                    if file.suffix == ".py" and found.metadata["Name"] not in names:
                        names.append(found.metadata["Name"])
    return owners


def _distribution_of(name: str) -> importlib.metadata.Distribution | None:
    """Return the distribution that a command, a distribution or a module is of."""
    if not name:
        return None  # Python 3.10 would take any
    for entry in importlib.metadata.entry_points(group="console_scripts"):
        if entry.name == name and entry.dist is not None:
            return entry.dist
    owners = _owners().get(name, ())
    for candidate in (name, *owners):
        try:
            return importlib.metadata.distribution(candidate)
        except (importlib.metadata.PackageNotFoundError, ValueError):
            continue
    return None


def _imported(source: bytes) -> tuple[list[importlib.metadata.Distribution], list[Use]]:
    """Return the distributions that a script imports, and what it takes of the standard library's client."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return [], []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    uses = [Use(name, (), "yes", "the standard library's client") for name in _STDLIB if name in names]
    owners = _owners()
    distributions = dict.fromkeys(owner for name in names for owner in owners.get(name.partition(".")[0], ()))
    return [importlib.metadata.distribution(owner) for owner in distributions], uses


# -- what is required


def _required(roots: Iterable[importlib.metadata.Distribution]) -> Iterator[Use]:
    """Yield the transports among some distributions and all that these require, the nearest first."""
    table = {_normal(one.distribution): one for one in transports()}
    stand_ins = {_normal(one.replaces): one for one in table.values() if one.replaces}
    roots = list(roots)
    seen = {_normal(root.metadata["Name"]) for root in roots}
    waiting: list[tuple[importlib.metadata.Distribution, tuple[str, ...]]] = [(root, ()) for root in roots]
    for found, way in waiting:
        name = found.metadata["Name"]
        transport = table.get(_normal(name))
        other = _stand_in(stand_ins.get(_normal(name)))
        if other is not None:
            transport, found = other
        if transport is not None:
            yield Use(f"{transport.distribution} {found.version}", way, transport.reached, transport.how)
        for requirement in found.requires or ():
            needed = _normal(re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0])
            # What a program may use besides counts for the program itself: it has asked for these, or somebody has.
            if needed in seen or ("extra ==" in requirement and found not in roots):
                continue
            try:
                distribution = importlib.metadata.distribution(needed)
            except importlib.metadata.PackageNotFoundError:
                continue  # for another system, or an extra that is not installed
            seen.add(needed)
            waiting.append((distribution, (*way, name)))


def _stand_in(transport: Transport | None) -> tuple[Transport, importlib.metadata.Distribution] | None:
    """Return what has taken the place of a module, if it is installed and has."""
    if transport is None:
        return None
    try:
        found = importlib.metadata.distribution(transport.distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
    place = f"{transport.replaces}/__init__.py"
    return (transport, found) if any(str(file) == place for file in found.files or ()) else None


def _normal(name: str) -> str:
    """Return a name as the package index compares them."""
    return re.sub(r"[-_.]+", "-", name).lower()
