"""One attribute of somebody else's class or module, replaced and put back; and what a function needs besides.

A function is more than an attribute: others hold it, have wrapped it, or will wrap what we put there. So:

- The function that was there passes on to ours while the patch is on. Whoever holds it, and whenever he took it, has
  our behaviour: a wrapper that was put over it before the patch, say, or the original of a mock.
- The attribute is replaced where it still is that function, because a direct call is faster than one that is passed on.
  Where it is somebody else's, it stays.
- What is put there is a copy of ours. After the patch it passes on to the function that was there: whoever has wrapped
  it meanwhile, or puts it back later, has the behaviour of the standard library.
"""

from __future__ import annotations

import warnings
from types import FunctionType

from coda_network._originals import copy_of, find, is_own, pass_on, take_back

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

ABSENT: Final = object()


class AttributeChange:
    """One attribute of one owner: what is put there and what was found there."""

    def __init__(self, owner: Any, name: str, value: object) -> None:
        self.owner = owner
        self.name = name
        self.value = value
        self.found = value

    def make(self) -> None:
        """Put our value there."""
        present = vars(self.owner).get(self.name, ABSENT)
        # Another patcher may have put our value back: then the original is the one that was found the time before.
        if present is not self.value:
            self.found = present
            setattr(self.owner, self.name, self.value)

    def undo(self) -> None:
        """Put back what was found, unless somebody has replaced our value."""
        if vars(self.owner).get(self.name, ABSENT) is not self.value:
            return
        if self.found is ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.found)


class FunctionChange(AttributeChange):
    """The same for a function of a class or module, by the rules above.

    :param function: ours
    :param copies: of our functions, made so far: a function that has several names stays one
    """

    def __init__(self, owner: Any, name: str, function: FunctionType, copies: dict[object, FunctionType]) -> None:
        # Two names for one function of ours may have been names for two.
        key = function, vars(owner).get(name)
        placed = copies.get(key)
        if placed is None:
            placed = copies[key] = copy_of(function)
        super().__init__(owner, name, placed)
        self.function = function
        self.placed = placed
        self.replaced: FunctionType | None = None

    def make(self) -> None:
        """Let what the owner has under this name do what our function does."""
        present = vars(self.owner).get(self.name, ABSENT)
        take_back(self.placed)
        if present is self.placed:
            pass  # put back by somebody, late; what it had replaced is known
        elif present is ABSENT:
            AttributeChange.make(self)
        elif is_own(self.owner, present):
            self.replaced = present
            AttributeChange.make(self)
        elif callable(present):
            self._leave(present)
        else:
            AttributeChange.make(self)
        if self.replaced is not None:
            pass_on(self.replaced, self.function)

    def _leave(self, wrapper: object) -> None:
        """Leave somebody's wrapper where it is, over the function that it has found."""
        found, is_beneath = find(self.owner, self.name, wrapper)
        self.replaced = found or self.replaced
        if not is_beneath:
            where = f"{getattr(self.owner, '__module__', None) or ''}.{self.owner.__name__}.{self.name}".lstrip(".")
            warnings.warn(not_reached(where, wrapper), RuntimeWarning, stacklevel=8)

    def undo(self) -> None:
        """Let it do again what it did before."""
        if self.replaced is not None:
            take_back(self.replaced)
        AttributeChange.undo(self)
        pass_on(self.placed, self.replaced if self.replaced is not None else _inherited(self.owner, self.name))


def _inherited(owner: Any, name: str) -> Callable[..., Any]:
    """Return a function that calls what a class inherits under a name."""

    def inherited(self: Any, *arguments: Any, **options: Any) -> Any:
        return getattr(super(owner, self), name)(*arguments, **options)

    return inherited


def not_reached(where: str, found: object) -> str:
    """Return the text of a warning: of what stands in somebody's place and calls nothing of what it has replaced."""
    name = getattr(found, "__qualname__", None)
    described = f"{found.__module__}.{name}" if isinstance(name, str) else type(found).__name__
    return f"{where} was replaced by {described}, which stays: coda_network is not reached through it"
