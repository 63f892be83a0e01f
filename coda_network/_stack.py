"""What calls of ``patch()`` set for the whole process, each until its ``unpatch()``: the newest comes first."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_GONE = object()


class Stack:
    """Some objects, the newest first; safe for threads without a lock, as each change of the dict is one step."""

    def __init__(self) -> None:
        self._items: dict[object, Any] = {}

    def add(self, item: Any) -> None:
        """Put *item* before the others."""
        self._items[object()] = item

    def remove(self, item: Any) -> None:
        """Take away the newest that is this very object; nothing happens where there is none."""
        for key, found in reversed(list(self._items.items())):
            if found is item and self._items.pop(key, _GONE) is not _GONE:
                return

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._items.values())[::-1])
