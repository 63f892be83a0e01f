"""Our behaviour under the standard library's names: `patch()`, `unpatch()`, `patched()`, `is_patched()`.

What is replaced is listed in `targets`, how it is replaced and put back is in `switch`. Both load with the
first `patch()`, and with them `http.client` and `urllib.request`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coda_network._patch.switch import Switch

__all__ = ["is_patched", "patch", "patched", "unpatch"]

_lock = threading.Lock()
_switch: Switch | None = None


def patch() -> None:
    """Give `http.client` and `urllib.request` the abilities of `coda_network`, in place.

    It does not matter what was imported before: classes keep their identity, and subclasses of them that
    exist already (those of urllib3, say) have the new abilities too. Calls are counted: each needs its own
    `unpatch()`.
    """
    _the_switch().install()


def unpatch() -> None:
    """Take back one `patch()`; the last one restores every attribute that was replaced.

    An attribute that somebody else replaced after `patch()` stays theirs. Without a `patch()` before,
    nothing happens.
    """
    if _switch is not None:
        _switch.remove()


@contextmanager
def patched() -> Iterator[None]:
    """Be patched inside a block (`with patched():`) or during each call of a function (`@patched()`).

    The whole process is patched meanwhile, not this thread alone.
    """
    patch()
    try:
        yield
    finally:
        unpatch()


def is_patched() -> bool:
    """Tell whether more calls of `patch()` than of `unpatch()` were made."""
    return _switch is not None and _switch.installed


def _the_switch() -> Switch:
    global _switch
    with _lock:  # two of them would not know of each other's count
        if _switch is None:
            from coda_network._patch import targets
            from coda_network._patch.switch import Switch

            _switch = Switch(targets.build(), targets.subclass_rules())
        return _switch
