"""Processes that multiprocessing starts without a fork ("spawn", "forkserver"): patched like the program itself.

Forked processes have the patch from their parent. From Python 3.14 on "forkserver" is the default, and a program that
never asked for it would lose the patch in its workers.

A process object carries the ``_config`` of its parent to the new process, in a pickle. What is put there patches when
it is unpickled, and is handed on from worker to worker.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from typing import Any

from coda_network._lazy import after_import, settle_inherited
from coda_network._patch import patch

_NAME = "multiprocessing.process"


class _Patched:
    """Patches the process in which it is unpickled, where that process finds this package."""

    def __reduce__(self) -> tuple[Any, tuple[()]]:
        # The new process has our sys.path. A worker that cannot be unpickled would end, and its pool start it again.
        return (_arrive if PathFinder.find_spec("coda_network") is not None else dict), ()


def _arrive() -> _Patched:
    patch()
    settle_inherited()
    return _Patched()


def _note(process: Any) -> None:
    process.current_process()._config["coda_network"] = _Patched()


def patch_workers() -> None:
    """Have the workers patched that this process and its workers will start."""
    loaded = sys.modules.get(_NAME)
    if loaded is None:
        after_import((_NAME,), _note)  # most programs never import it
    else:
        _note(loaded)
