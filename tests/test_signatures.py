"""What programs may pass is what the running Python's own modules take, and a short list of ours beside it.

The standard library's signatures change from version to version. Where ours do not follow, this says by how much.
"""

from __future__ import annotations

import ast
import http.client
import inspect
import sys
import urllib.error
import urllib.request
import urllib.response
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import coda_network
from coda_network import httplib, urllib2

# What ours take beyond the standard library's, by the name of what is called.
KEEPALIVE = {"socket_keepalive", "tcp_keepalive"}
ADDED = {
    "HTTPConnection": KEEPALIVE,
    "HTTPSConnection": KEEPALIVE | {"cert"},
    "HTTPResponse": {"tunnel"},
    "HTTPHandler": {"socket_keepalive"},
    "HTTPSHandler": {"socket_keepalive", "cert"},
    "build_opener": {"cache"},
    "ProxyHandler": {"choose", "context", "cert"},
}
# What the patch leaves as it is: it has arguments of its own.
UNPATCHED = {"build_opener does not take cache"}
# Python 3.12 made None the default, for "what the connection class says"; here it is that on every Python.
NEWER_DEFAULTS = {
    ("HTTPHandler", "debuglevel"): None,
    ("HTTPSHandler", "debuglevel"): None,
}

MODULES = [
    (httplib, http.client),
    (urllib2, urllib.request),
    (urllib2, urllib.error),
    (urllib2, urllib.response),
]


def public_callables(module: ModuleType) -> Iterator[str]:
    """Name the functions and classes of *module* that have no underscore and are its own."""
    for name, value in vars(module).items():
        if not name.startswith("_") and callable(value) and getattr(value, "__module__", None) == module.__name__:
            yield name


CASES = [(ours, theirs, name) for ours, theirs in MODULES for name in public_callables(theirs)]
IDS = [f"{theirs.__name__}.{name}" for _, theirs, name in CASES]


Parameters = dict[str, inspect.Parameter]


def taken_by(name: str, value: Any) -> dict[str, Parameters]:
    """Return what *value* takes and, where it is a class, each of its public methods; nothing of what C hides."""
    found = {}
    try:
        found[name] = dict(inspect.signature(value).parameters)
    except ValueError:
        pass
    if isinstance(value, type):
        for method, function in inspect.getmembers(value, inspect.isfunction):
            if not method.startswith("_") or method == "_tunnel":
                found[f"{name}.{method}"] = dict(inspect.signature(function).parameters)
    return found


def difference(name: str, ours: Parameters, theirs: Parameters) -> list[str]:
    """Say in words what *ours* takes otherwise than *theirs*; nothing where only the listed parameters are added."""
    added = ADDED.get(name, set())
    public = {parameter for parameter in ours if not parameter.startswith("_")}
    said = [f"{name} lacks {parameter}" for parameter in theirs.keys() - ours.keys()]
    said += [f"{name} takes {parameter} more" for parameter in public - theirs.keys() - added]
    said += [f"{name} does not take {parameter}" for parameter in added - ours.keys()]
    for parameter, wanted in theirs.items():
        if (found := ours.get(parameter)) is None:
            continue
        default = NEWER_DEFAULTS.get((name, parameter), wanted.default)
        if found.kind is not wanted.kind:
            said.append(f"{name}: {parameter} is {found.kind.description}, not {wanted.kind.description}")
        if found.default is not default and found.default != default:
            said.append(f"{name}: {parameter} is {found.default!r} by default, not {default!r}")
    positional = [parameter for parameter, of_it in theirs.items() if of_it.kind <= of_it.POSITIONAL_OR_KEYWORD]
    if list(ours)[: len(positional)] != positional:
        said.append(f"{name} takes {list(ours)}, in place of {positional}")
    return said


def differences(ours: dict[str, Parameters], theirs: dict[str, Parameters]) -> list[str]:
    """Compare all that `taken_by()` found."""
    return [line for name in theirs for line in difference(name, ours.get(name, {}), theirs[name])]


@pytest.mark.parametrize(("ours", "theirs", "name"), CASES, ids=IDS)
def test_whatever_is_called_takes_what_the_running_python_takes(ours: ModuleType, theirs: ModuleType, name: str):
    assert differences(taken_by(name, getattr(ours, name)), taken_by(name, getattr(theirs, name))) == []


@pytest.mark.parametrize("module", [theirs for _, theirs in MODULES])
def test_under_the_patch_the_same_is_taken_and_ours(module: ModuleType):
    def all_of_it() -> dict[str, Parameters]:
        names = list(public_callables(module))
        return {key: taken for name in names for key, taken in taken_by(name, getattr(module, name)).items()}

    before = all_of_it()
    with coda_network.patched():
        patched = all_of_it()
    assert set(differences(patched, before)) <= UNPATCHED
    assert all_of_it() == before


def test_a_parameter_that_differs_is_found():
    def theirs(one, *, two=2): ...

    def ours(one, *, two=3, three=None): ...

    said = differences(taken_by("f", ours), taken_by("f", theirs))
    assert said == ["f takes three more", "f: two is 3 by default, not 2"]
    assert differences(taken_by("f", theirs), taken_by("f", ours))[0] == "f lacks three"


@pytest.mark.parametrize(("ours", "theirs"), [(httplib, http.client), (urllib2, urllib.request)])
def test_import_star_gives_the_names_of_the_running_python(ours: ModuleType, theirs: ModuleType):
    assert sorted(ours.__all__) == sorted(theirs.__all__)
    assert [name for name in ours.__all__ if not hasattr(ours, name)] == []


@pytest.mark.parametrize(("ours", "theirs"), MODULES)
def test_every_public_name_of_the_running_python_is_there(ours: ModuleType, theirs: ModuleType):
    assert [name for name in vars(theirs) if not name.startswith("__") and not hasattr(ours, name)] == []


@pytest.mark.parametrize("name", ["URLopener", "FancyURLopener"])
def test_what_the_running_python_took_away_is_taken_away(name: str):
    assert hasattr(urllib2, name) is hasattr(urllib.request, name)


def test_a_parameter_that_no_python_knows_is_refused_as_by_the_standard_library():
    for make in (httplib.HTTPConnection, httplib.HTTPSConnection):
        with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
            make("host", nonsense=1)
    for handler in (urllib2.HTTPHandler, urllib2.HTTPSHandler):
        with pytest.raises(TypeError, match="unexpected keyword argument 'nonsense'"):
            handler(nonsense=1)


def test_help_shows_the_parameters_and_the_source_can_be_asked_for():
    import pydoc

    text = pydoc.plain(pydoc.render_doc(httplib.HTTPSConnection))
    assert "socket_keepalive" in text
    assert "source_address" in text
    assert inspect.getsource(httplib.HTTPSConnection.__init__).lstrip().startswith("def __init__")


@pytest.mark.parametrize("file", ["connection.py", "https.py"])
def test_what_editors_are_told_of_a_connection_is_what_the_running_python_takes(file: str):
    source = Path(httplib.__file__).with_name("_http") / file
    tree = ast.parse(source.read_text(encoding="utf-8"))
    [body] = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    [guarded] = [node for node in body.body if isinstance(node, ast.If) and isinstance(node.test, ast.Name)]
    [said] = [node for node in _of_this_version(guarded.body) if isinstance(node, ast.FunctionDef)]
    told = [argument.arg for argument in (*said.args.args, *said.args.kwonlyargs)][1:]
    known = list(inspect.signature(getattr(httplib, body.name)).parameters)
    assert [name for name in told if name != "max_response_headers" or name in known] == known


def _of_this_version(statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Follow ``if sys.version_info >= ...`` as a type checker does."""
    for statement in statements:
        if isinstance(statement, ast.If):
            holds = eval(compile(ast.Expression(statement.test), "version", "eval"), {"sys": sys})
            yield from _of_this_version(statement.body if holds else statement.orelse)
        else:
            yield statement
