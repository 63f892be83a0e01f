"""The patch at the last moment: right after the program's first import of the standard library's HTTP client.

It comes into processes that never asked for it: by the file that ``coda-network install`` writes, and in child
processes. So it imports nothing before, and whatever goes wrong is no reason to stop a program.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["after_import", "find_spec", "install"]

VARIABLE = "CODA_NETWORK"
INHERITED = "CODA_NETWORK_INHERITED"
"""Set by a parent process: ``module:text``, whose ``settle_inherited()`` is called with the text."""

MODULES = ("http.client", "urllib.request")
# Parts of the package that load no others: they are no sign of anything.
OWN = ("coda_network._lazy", "coda_network._version")


class _Finder:
    """Finds one of some modules, once, and has something done when it has been loaded."""

    def __init__(self, names: tuple[str, ...], action: Callable[[Any], object]) -> None:
        self.names = names
        self.action = action

    def wants(self, name: str) -> bool:
        return name in self.names

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if not self.wants(name):
            return None
        try:
            sys.meta_path.remove(self)
        except ValueError:  # another thread was quicker
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            spec = None if find is None else find(name, path, target)
            if spec is not None:
                self._watch(spec.loader)
                return spec
        self.arm()  # it was not there: the next one counts
        return None

    def arm(self) -> None:
        sys.meta_path.insert(0, self)

    def _watch(self, loader: Any) -> None:
        try:
            execute = loader.exec_module

            def exec_module(module: Any) -> None:
                del loader.exec_module
                execute(module)
                self.action(module)

            loader.exec_module = exec_module
        except (AttributeError, TypeError):  # a loader that is none of Python's own
            return


class _ClientFinder(_Finder):
    """Patches after the first import of the client.

    Where it is the package itself that imports the client, half of the package is loaded then. So the finder waits for
    the end of the import of the package that was begun first.
    """

    def __init__(self) -> None:
        super().__init__(MODULES, self._patch_or_wait)

    def wants(self, name: str) -> bool:
        return name in MODULES or (name.startswith("coda_network.") and name not in OWN)

    def _patch_or_wait(self, module: Any) -> None:
        if any(name in sys.modules for name in MODULES):
            _patch(module)
        else:
            self.arm()


def after_import(names: tuple[str, ...], action: Callable[[Any], object]) -> None:
    """Call *action* once, right after the first import of one of some modules that are not loaded yet.

    :param names: of the modules
    :param action: called with the module
    """
    _Finder(names, action).arm()


def install() -> None:
    """Have ``patch()`` called when the program first imports the HTTP client, unless ``CODA_NETWORK=0``."""
    import os  # Python has it loaded by now

    if os.environ.get(VARIABLE) == "0" or any(isinstance(finder, _ClientFinder) for finder in sys.meta_path):
        return
    loaded = sys.modules.get("coda_network._patch")
    if loaded is not None and loaded.is_patched():
        return
    for name in MODULES:
        if name in sys.modules:
            _patch(sys.modules[name])
            return
    _ClientFinder().arm()


def find_spec(name: str, path: Any, target: Any) -> Any:
    """Do ``install()`` for somebody who was asked for a module as a finder: answer in place of him."""
    install()
    for finder in sys.meta_path:
        if isinstance(finder, _ClientFinder):
            return finder.find_spec(name, path, target)
    return None


def settle_inherited() -> None:
    """Let the login and the routes hold that a parent process has handed down."""
    import os

    module, _, text = os.environ.get(INHERITED, "").partition(":")
    if module:
        from importlib import import_module

        import_module(module).settle_inherited(text)


def _patch(module: Any) -> None:
    package, _, name = module.__name__.rpartition(".")
    # The import statement does this when it ends, and what patch() imports asks for it before.
    setattr(sys.modules[package], name, module)
    try:
        from coda_network._patch import patch

        patch()
        settle_inherited()
    except Exception as error:
        if sys.stderr is not None:
            sys.stderr.write(f"coda_network: not patched: {type(error).__name__}: {error}\n")
