"""What an object does in a child that the process forks: its locks are made anew.

A lock that another thread held at the moment of the fork is held in the child for ever, as that thread does not exist
there. Every object of the package that has a lock is named here.
"""

from __future__ import annotations

import os
import sys
import weakref

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_owners: weakref.WeakKeyDictionary[Any, Callable[[Any], None]] = weakref.WeakKeyDictionary()


def renew_in_children(owner: Any, renew: Callable[[Any], None]) -> None:
    """Have *renew* called with *owner* in each child, as long as there is an *owner*.

    :param owner: an object, or a module
    :param renew: makes the locks; refers to no *owner* by itself
    """
    _owners[owner] = renew


def renew_module_lock(module: str) -> None:
    """Have the ``_lock`` of a module, a plain one, made anew in each child."""
    renew_in_children(sys.modules[module], _renew_module_lock)


def _renew_module_lock(module: Any) -> None:
    import threading

    module._lock = threading.Lock()


def _renew_all() -> None:
    for owner, renew in list(_owners.items()):
        renew(owner)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_all)
