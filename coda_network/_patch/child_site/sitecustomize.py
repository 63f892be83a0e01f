"""Runs at the start of each Python that a program under ``run`` or ``patch(children=True)`` starts.

It installs the lazy patch, and makes way for the program's own ``sitecustomize``. It may run in any Python, in an
environment that lacks this package, and before anything else is set up: it needs nothing but what Python has loaded.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


class _ParentFinder:
    """Finds the package, and what its logins need, where the parent has them: behind all that the child has itself.

    :param folders: top-level name -> the folder that has it
    """

    def __init__(self, folders: dict[str, str]) -> None:
        self.folders = folders

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if path is not None or name not in self.folders:
            return None  # a submodule is found by the path of its package
        from importlib.machinery import PathFinder

        return PathFinder.find_spec(name, [self.folders[name]])


def _patch_this_process() -> None:
    tag, *entries = os.environ.get("CODA_NETWORK_CHILDREN", "").split(os.pathsep)
    if os.environ.get("CODA_NETWORK") == "0" or not entries or tag != sys.implementation.cache_tag:
        return
    folders = dict(entry.split("=", 1) for entry in entries)
    sys.meta_path.append(_ParentFinder(folders))
    from coda_network import _lazy

    _lazy.install()


try:
    _patch_this_process()
except Exception:  # without the patch rather than not at all
    pass

_folder = os.path.dirname(os.path.abspath(__file__))
sys.path[:] = [entry for entry in sys.path if entry != _folder]
sys.modules.pop(__name__, None)
# The program's own. Where there is none, Python's site expects just this ImportError.
__import__("sitecustomize")
