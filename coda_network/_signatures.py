"""Functions that pass on what a function of the standard library takes, in whatever version of Python.

Spelled out, the standard library's parameters would be those of one version: a new one would be refused, one that was
taken away would still be offered. Passed on by ``*args`` and ``**options`` they are right, and ``extends()`` lets
``inspect``, ``help()`` and editors show them all the same.
"""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])


def extends(theirs: Callable[..., Any]) -> Callable[[F], F]:
    """Return a decorator that shows the parameters of *theirs* and then those that the function names itself."""

    def mark(function: F) -> F:
        function.__wrapped__ = _Shown(function, theirs)  # type: ignore[attr-defined]  # as functools.wraps() does
        return function

    return mark


class _Shown:
    """What ``inspect`` finds behind ``__wrapped__``: a signature that is made when somebody asks for it.

    ``inspect`` is not imported before. Its own ``__wrapped__`` is for those who ask for the source.
    """

    __slots__ = ("__wrapped__", "_ours")

    def __init__(self, ours: Callable[..., Any], theirs: Callable[..., Any]) -> None:
        self._ours = ours
        self.__wrapped__ = theirs

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._ours(*args, **options)

    @property
    def __signature__(self) -> inspect.Signature:
        import inspect

        theirs = inspect.signature(self.__wrapped__)
        ours = inspect.signature(self._ours, follow_wrapped=False)
        passed_on = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        shown = theirs.parameters | {p.name: p for p in ours.parameters.values() if p.kind not in passed_on}
        return theirs.replace(parameters=sorted(shown.values(), key=lambda parameter: parameter.kind))
