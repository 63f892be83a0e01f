"""The lazy patch in a child process, perhaps of an environment that lacks this package.

It is loaded by ``sitecustomize``, from the folder of the two and not as a part of the package.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


class ParentFinder:
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


def patch_this_process() -> None:
    """Install the lazy patch, with the parent's package where the child has none."""
    entries = os.environ["CODA_NETWORK_CHILDREN"].split(os.pathsep)[1:]
    sys.meta_path.append(ParentFinder(dict(entry.split("=", 1) for entry in entries)))
    from coda_network import _lazy

    _lazy.install()
