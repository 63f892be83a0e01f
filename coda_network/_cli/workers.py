"""Processes that multiprocessing starts without a fork ("spawn", "forkserver"): patched like the program itself.

Forked processes have the patch from their parent. From Python 3.14 on "forkserver" is the default, and a program that
never asked for it would lose the patch in its workers.

A process object carries the ``_config`` of its parent to the new process, in a pickle. What is put there patches when
it is unpickled, and is handed on from worker to worker.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from coda_network._patch import patch

_NAME = "multiprocessing.process"


class _Patched:
    """Patches the process in which it is unpickled, where that process finds this package."""

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        # The new process has our sys.path. A worker that cannot be unpickled would end, and its pool start it again.
        return (_arrive if PathFinder.find_spec("coda_network") is not None else dict), ()


def _arrive() -> _Patched:
    patch()
    return _Patched()


class _Finder:
    """Finds the module once, and notes the patch when it has been loaded: most programs never import it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != _NAME:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                _note(module)

            loader.exec_module = exec_module
        return spec


def _note(process: Any) -> None:
    process.current_process()._config["coda_network"] = _Patched()


def patch_workers() -> None:
    """Have the workers patched that this process and its workers will start."""
    loaded = sys.modules.get(_NAME)
    if loaded is None:
        sys.meta_path.insert(0, _Finder())
    else:
        _note(loaded)
