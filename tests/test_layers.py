"""The layers of the package: every import points down, and the lower layers know no sockets.

The imports are read from the source with `ast`, so that an import inside a function or under TYPE_CHECKING
counts as much as one at the top of a file: a reader has to follow all of them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

ROOT = "coda_network"
SOURCE = Path(__file__).resolve().parent.parent / ROOT

# The floors from top to bottom. A module may import from the floors below its own, and from its own folder.
LAYERS = (
    ("__main__", "cli"),
    ("_cli",),
    ("utilities", "connect", "filesystem"),
    ("mini_proxy",),
    ("_download",),
    ("_local_proxy",),
    ("_settings",),
    ("ntlm_auth", "negotiate_auth", "token_auth", "proxies", "urllib2", "httplib"),
    ("_patch", "_lazy"),
    ("_cache",),
    ("_opener",),
    ("_transport",),
    ("_route",),
    ("_http",),
    ("_net", "_auth"),
    ("_pool",),
    ("_wire",),
    ("_trace", "_log", "_originals", "_secrets", "_signatures", "_fork", "_stack", "_version"),
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
PROGRAMS = {"__main__", "cli", "_cli"}
# Sockets without logins, logins without sockets: these two stand side by side and do not know each other. On the other
# floors neighbours may.
STRANGERS = {"_net", "_auth"}

# Bytes and tables only: whoever tests these needs no network.
NO_SOCKETS = frozenset(
    {"asyncio", "http.client", "select", "selectors", "socket", "ssl", "urllib.error", "urllib.request"}
)
# http.client opens none by being imported, and has the exceptions and the message class that parsers speak in.
FORBIDDEN_OUTSIDE = {"_wire": NO_SOCKETS - {"http.client"}, "_auth": NO_SOCKETS, "_pool": NO_SOCKETS}


class Import(NamedTuple):
    """One import statement: who imports what, and in which circumstances."""

    importer: str
    imported: str
    line: int
    lazy: bool  # inside a function: runs when it is called
    typing_only: bool  # under `if TYPE_CHECKING:`: never runs

    def __str__(self) -> str:
        return f"{self.importer}, line {self.line}, imports {self.imported}"


def module_name(path: Path, source: Path) -> str:
    parts = (ROOT, *path.relative_to(source).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class ImportReader(ast.NodeVisitor):
    """Collects the imports of one module, `import_module("literal")` included."""

    def __init__(self, importer: str, package: str, modules: frozenset[str]) -> None:
        self.importer = importer
        self.package = package
        self.modules = modules
        self.lazy = False
        self.typing_only = False
        self.found: list[Import] = []

    def add(self, imported: str, line: int) -> None:
        self.found.append(Import(self.importer, imported, line, self.lazy, self.typing_only))

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.add(alias.name, node.lineno)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            above = self.package.split(".")[: len(self.package.split(".")) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        for alias in node.names:
            # `from package import name` names a module, or something inside the package's own file.
            inner = f"{base}.{alias.name}"
            is_module = inner in self.modules or inner in NO_SOCKETS
            self.add(inner if is_module else base, node.lineno)

    def visit_Call(self, node: ast.Call) -> None:
        called = getattr(node.func, "attr", None) or getattr(node.func, "id", None)
        if called in ("import_module", "__import__") and node.args and isinstance(node.args[0], ast.Constant):
            name = str(node.args[0].value)
            self.add(f"{self.package}{name}" if name.startswith(".") else name, node.lineno)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        test = getattr(node.test, "attr", None) or getattr(node.test, "id", None)
        before, self.typing_only = self.typing_only, self.typing_only or test == "TYPE_CHECKING"
        for statement in node.body:
            self.visit(statement)
        self.typing_only = before
        for statement in node.orelse:
            self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        before, self.lazy = self.lazy, True
        self.generic_visit(node)
        self.lazy = before

    visit_AsyncFunctionDef = visit_FunctionDef
    visit_Lambda = visit_FunctionDef


def imports_of(source: Path) -> Iterator[Import]:
    paths = sorted(source.rglob("*.py"))
    modules = frozenset(module_name(path, source) for path in paths)
    for path in paths:
        importer = module_name(path, source)
        package = importer if path.name == "__init__.py" else importer.rpartition(".")[0]
        reader = ImportReader(importer, package, modules)
        reader.visit(ast.parse(path.read_text(encoding="utf-8"), str(path)))
        yield from reader.found


def row_of(module: str) -> str:
    """The name under which a module of the package stands in the table: its first part below the root."""
    return module.split(".")[1]


def why_not(edge: Import) -> str | None:
    """Return what is wrong with this import, or None."""
    importer, imported = edge.importer, edge.imported
    inside = imported == ROOT or imported.startswith(f"{ROOT}.")

    if importer == ROOT:
        if not inside or imported in (ROOT, f"{ROOT}._version") or edge.lazy or edge.typing_only:
            return None
        return "the package root loads its modules when they are first used, not when it is imported"

    row = row_of(importer)
    if row not in RANK:
        return f"{row} has no place in the table of layers"
    if not inside:
        banned = frozenset() if edge.typing_only else FORBIDDEN_OUTSIDE.get(row, frozenset())
        found = any(imported == name or imported.startswith(f"{name}.") for name in banned)
        return f"{row} does without {imported}" if found else None
    if imported == ROOT:
        return None if row in PROGRAMS else "only the programs use the package root"

    target = row_of(imported)
    if target not in RANK:
        return f"{target} has no place in the table of layers"
    if target == row:
        return None
    if RANK[target] < RANK[row] or (RANK[target] == RANK[row] and row in STRANGERS):
        return f"{target} is not below {row}"
    return None


def complaints(source: Path) -> list[str]:
    """Return one line for each import that the table does not allow, and one for a cycle of files."""
    edges = list(imports_of(source))
    bad = [f"{edge}: {reason}" for edge in edges if (reason := why_not(edge))]

    # Files that need each other to be loaded cannot be read one after the other, not even inside one folder.
    graph: dict[str, set[str]] = {}
    for edge in edges:
        own_package = edge.importer.startswith(f"{edge.imported}.")
        if edge.imported.startswith(f"{ROOT}.") and not (edge.lazy or edge.typing_only or own_package):
            graph.setdefault(edge.importer, set()).add(edge.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        bad.append("imports in a circle: " + " <- ".join(error.args[1]))
    return bad


def test_every_import_of_the_package_points_down() -> None:
    assert complaints(SOURCE) == []


def test_the_table_names_only_what_the_layers_may_hold() -> None:
    present = {row_of(module_name(path, SOURCE)) for path in SOURCE.rglob("*.py") if path.parent != SOURCE}
    assert present <= set(RANK), "a folder without a place in the table of layers"


@pytest.mark.parametrize(
    ("file", "line", "reason"),
    [
        ("_wire/heads.py", "from coda_network._net import dial", "_net is not below _wire"),
        ("_wire/heads.py", "from .._auth.basic import Basic", "_auth is not below _wire"),
        ("_wire/heads.py", "import socket", "_wire does without socket"),
        ("_auth/basic.py", "from http import client", "_auth does without http.client"),
        ("_auth/digest.py", "import ssl", "_auth does without ssl"),
        ("_auth/digest.py", "from urllib.request import Request", "_auth does without urllib.request"),
        ("_net/dial.py", "import coda_network", "only the programs use the package root"),
        ("_net/dial.py", "from coda_network import patch", "only the programs use the package root"),
        ("_net/dial.py", "from coda_network._auth.login import Login", "_auth is not below _net"),
        ("_auth/login.py", "from coda_network._net import dial", "_net is not below _auth"),
        ("_pool/pool.py", "from coda_network._net.dial import open_socket", "_net is not below _pool"),
        ("_pool/pool.py", "from coda_network.httplib import HTTPConnection", "httplib is not below _pool"),
        ("_route/hops.py", "from coda_network._transport import session", "_transport is not below _route"),
        ("_http/response.py", "from coda_network.httplib import HTTPResponse", "httplib is not below _http"),
        ("_opener/request.py", "from coda_network import urllib2", "urllib2 is not below _opener"),
        ("urllib2.py", "from coda_network import _download", "_download is not below urllib2"),
        ("connect.py", "def f():\n    from coda_network import _cli", "_cli is not below connect"),
        ("_net/tls.py", "if TYPE_CHECKING:\n    from coda_network import _http", "_http is not below _net"),
        ("_net/tls.py", "importlib.import_module('coda_network.cli')", "cli is not below _net"),
        ("__init__.py", "from coda_network._patch import patch", "when they are first used"),
        ("helpers.py", "import os", "helpers has no place in the table"),
        ("cli.py", "from coda_network.helpers import name", "helpers has no place in the table"),
    ],
)
def test_a_bad_edge_is_found(tmp_path: Path, file: str, line: str, reason: str) -> None:
    source = invented_package(tmp_path, {file: line})
    [complaint] = complaints(source)
    assert reason in complaint


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("__init__.py", "from coda_network._version import __version__"),
        ("__init__.py", "def patch():\n    from coda_network._patch import switch"),
        ("__init__.py", "if TYPE_CHECKING:\n    from coda_network._patch.switch import patch"),
        ("cli.py", "import coda_network\nfrom coda_network import _cli, utilities"),
        ("_patch/switch.py", "from coda_network._opener import request\nfrom . import targets"),
        ("_pool/pool.py", "from coda_network._trace import Trace\nfrom . import key"),
        ("_pool/key.py", "if TYPE_CHECKING:\n    from ssl import SSLContext"),
        ("_auth/basic.py", "import base64\nfrom coda_network._wire.challenge import Challenge"),
        ("_wire/urls.py", "from urllib.parse import unquote\nfrom http import HTTPStatus"),
    ],
)
def test_a_good_edge_is_allowed(tmp_path: Path, file: str, line: str) -> None:
    assert complaints(invented_package(tmp_path, {file: line})) == []


def test_two_files_that_load_each_other_are_found(tmp_path: Path) -> None:
    source = invented_package(
        tmp_path,
        {
            "_http/response.py": "from coda_network._http.connection import HTTPConnection",
            "_http/connection.py": "from coda_network._http.response import HTTPResponse",
        },
    )
    [complaint] = complaints(source)
    assert complaint.startswith("imports in a circle: ")


def invented_package(folder: Path, files: dict[str, str]) -> Path:
    """Write a package in which every row of the table exists and is empty, then the given files."""
    source = folder / ROOT
    empty = ["_net/dial.py", "_pool/key.py", "_patch/switch.py", "_patch/targets.py", "_transport/session.py"]
    for name in ["__init__.py", *empty]:
        path = source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for row in RANK:
        if row.startswith("_") and row not in (
            "__main__",
            "_fork",
            "_lazy",
            "_secrets",
            "_signatures",
            "_stack",
            "_trace",
            "_version",
        ):
            (source / row).mkdir(exist_ok=True)
            (source / row / "__init__.py").touch()
        else:
            (source / f"{row}.py").touch()
    for name, text in files.items():
        (source / name).write_text(text + "\n", encoding="utf-8")
    return source


def test_the_standard_library_is_told_from_the_package() -> None:
    # A name in FORBIDDEN_OUTSIDE that does not exist would forbid nothing.
    assert {name.split(".")[0] for name in NO_SOCKETS} <= sys.stdlib_module_names


def test_the_picture_shows_the_floors_in_their_order() -> None:
    namespace = "{http://www.w3.org/2000/svg}"
    picture = ElementTree.parse(SOURCE.parent / "docs/_static/layers.svg")
    names = [text.text or "" for text in picture.iter(f"{namespace}text") if text.get("class") == "name"]
    shown = [name for line in names for name in line.split()]
    present = {row_of(module_name(path, SOURCE)) for path in SOURCE.rglob("*.py") if path != SOURCE / "__init__.py"}
    assert set(shown) == present - {"_version"}
    assert [RANK[name] for name in shown] == sorted(RANK[name] for name in shown)
