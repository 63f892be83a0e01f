"""Attributes of other people's modules and classes, replaced and put back.

Classes are never exchanged, only their attributes are. A subclass made long before (urllib3's connection, also the
copy of it inside pip) keeps its base class and inherits what is put there. What a subclass defines itself hides what it
would inherit; for that there are rules, which look at each subclass and name what is to be replaced in it.

What was found is put back exactly: an attribute that the owner did not have itself is deleted again, not set to the
value it inherits. An attribute that somebody else replaced after us stays as they left it. Patches are taken off in the
reverse order, like those of ``unittest.mock``: a patcher that puts our value back later leaves it there until the next
``install()`` and ``remove()``, which remember the original.
"""

from __future__ import annotations

import threading
from collections import namedtuple
from types import ModuleType

from coda_network._fork import renew_in_children
from coda_network._originals import subclasses
from coda_network._patch.change import ABSENT, AttributeChange, FunctionChange

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import FunctionType
    from typing import Any, Protocol

    # A module or class, its name ("package.module", "package.module:Class"), or a function that returns it.
    Owner = ModuleType | type[Any] | str | Callable[[], Any]

    class Change(Protocol):
        """Something that is made and undone."""

        def make(self) -> None: ...
        def undo(self) -> None: ...


__all__ = ["Action", "FunctionTarget", "SubclassRule", "Switch", "Target"]


class Target(namedtuple("Target", ("owner", "name", "value"))):
    """One attribute to replace.

    :param owner: the module or class, looked up at the first ``install()``, so that its module is not imported early
    :param name: of the attribute
    :param value: what to put there, as it goes into the ``__dict__``: a plain function, ``staticmethod``, ``property``
    """

    __slots__ = ()

    owner: Owner
    name: str
    value: object


class FunctionTarget(Target):
    """A function of a class or module, for which others may have wrappers: see ``change``."""

    __slots__ = ()


class Action(namedtuple("Action", ("make", "undo"))):
    """What is to be done between two replacements, and between their undoing: two functions without parameters."""

    __slots__ = ()

    make: Callable[[], None]
    undo: Callable[[], None]


class SubclassRule(namedtuple("SubclassRule", ("base", "attributes"))):
    """What to replace in the subclasses of a class, those that exist and those that are made while patched.

    A later subclass is seen through ``__init_subclass__``, so not where a class between hides that method without
    calling ``super()``. Where two rules name one attribute of one class, the first that ran counts.

    :param base: the class whose subclasses, at any depth, are looked at; it is not looked at itself
    :param attributes: called with a complete subclass; returns the attributes to replace in it, name -> value, often
        none. It must not import anything: it also runs inside ``class`` statements of modules that are being imported
    """

    __slots__ = ()

    base: Owner
    attributes: Callable[[type[Any]], Mapping[str, object]]


class Switch:
    """All replacements of one patch, put in and taken out together.

    Calls are counted: after two ``install()`` the second ``remove()`` restores. All methods may be called from any
    thread; while one installs or removes, others can see some attributes replaced and others not yet.

    :param targets: the attributes to replace and the actions in between, in this order; they are undone in the reverse
        order
    :param subclass_rules: see SubclassRule. The subclasses they changed are kept alive until ``remove()``
    """

    def __init__(self, targets: Iterable[Target | Action], subclass_rules: Iterable[SubclassRule] = ()) -> None:
        self._targets = tuple(targets)
        self._rules = tuple(subclass_rules)
        self._renew_lock()
        renew_in_children(self, Switch._renew_lock)
        self._depth = 0
        # Those of the targets, made once, so that they remember what was found first.
        self._changes: list[Change] | None = None
        # All that ``remove()`` has to undo, the last first.
        self._made: list[Change] = []
        self._seen: set[tuple[type[Any], str]] = set()

    def _renew_lock(self) -> None:
        self._lock = threading.RLock()

    @property
    def installed(self) -> bool:
        """Whether ``install()`` was called more often than ``remove()``."""
        return self._depth > 0

    def install(self) -> None:
        """Replace the attributes; from the second call on, only count. An error leaves everything as it was."""
        with self._lock:
            if self._depth == 0:
                try:
                    self._put_in()
                except BaseException:
                    self._take_out()
                    raise
            self._depth += 1

    def remove(self) -> None:
        """Take back one ``install()``; the last one puts everything back. Without an ``install()`` nothing happens."""
        with self._lock:
            if self._depth == 1:
                self._take_out()
            self._depth = max(0, self._depth - 1)

    def _put_in(self) -> None:
        # Import before replacing: once the hook is there, another thread's class statement waits for our lock, perhaps
        # inside an import that we would wait for.
        if self._changes is None:
            copies: dict[object, FunctionType] = {}
            self._changes = [_change(target, copies) for target in self._targets]
        bases: dict[type[Any], list[SubclassRule]] = {}
        for rule in self._rules:
            bases.setdefault(_resolve(rule.base), []).append(rule)
        for one in self._changes:
            self._make(one)
        for base, rules in bases.items():
            # The hook goes first: a class that is made while the existing ones are listed is not missed.
            self._make(self._hook(base, rules))
            for subclass in subclasses(base):
                self._follow(subclass, rules)

    def _take_out(self) -> None:
        while self._made:
            self._made.pop().undo()
        self._seen.clear()

    def _make(self, one: Change) -> None:
        self._made.append(one)
        one.make()

    def _follow(self, subclass: type[Any], rules: Iterable[SubclassRule]) -> None:
        for rule in rules:
            for name, value in rule.attributes(subclass).items():
                # A class can come twice: by two bases, or by the hook in one thread and the list in another.
                if (subclass, name) not in self._seen:
                    self._seen.add((subclass, name))
                    self._make(AttributeChange(subclass, name, value))

    def _hook(self, base: type[Any], rules: list[SubclassRule]) -> AttributeChange:
        """Return an ``__init_subclass__`` for ``base`` that calls the one it replaces, then follows the rules."""

        def __init_subclass__(cls: type[Any], /, **arguments: Any) -> None:
            if hook.found is ABSENT:
                super(base, cls).__init_subclass__(**arguments)
            else:
                found: Any = hook.found
                found.__get__(None, cls)(**arguments)
            with self._lock:
                # After remove() it can still be called, by somebody who took it for the original.
                if hook in self._made:
                    self._follow(cls, rules)

        hook = AttributeChange(base, "__init_subclass__", classmethod(__init_subclass__))
        return hook


def _change(target: Target | Action, copies: dict[object, FunctionType]) -> Change:
    if isinstance(target, Action):
        return target
    owner = _resolve(target.owner)
    if isinstance(target, FunctionTarget):
        function: Any = target.value
        return FunctionChange(owner, target.name, function, copies)
    return AttributeChange(owner, target.name, target.value)


def _resolve(owner: Owner) -> Any:
    if isinstance(owner, (ModuleType, type)):
        return owner
    if not isinstance(owner, str):
        return owner()
    from pkgutil import resolve_name

    return resolve_name(owner)
