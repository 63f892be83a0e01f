"""The standard library's own functions and classes: also where somebody's wrapper or stand-in has their place.

A wrapper holds the function that it found, so nobody can put another one beneath it. But the code of a function can be
exchanged: whoever holds the function, and whenever he took it, runs the new code. ``pass_on()`` exchanges it for code
that calls another function, ``take_back()`` puts the function's own code back. ``kept()`` returns a copy that has the
own code always, for those who extend a function and need what it does by itself.

In the place of a class there may be one that records, or a mock, for a while or for good. Ours extend the module's own
class all the same, and the patch changes that one: ``http_client`` and ``urllib_request`` in this folder have them.
"""

from __future__ import annotations

import functools
from types import CodeType, FunctionType, ModuleType

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

# Names that the body of a class gave to a function of another name.
_ALIASES = {
    **dict.fromkeys(("http_error_301", "http_error_303", "http_error_307", "http_error_308"), "http_error_302"),
    "https_request": "http_request",
    "https_response": "http_response",
    "getproxies": "getproxies_environment",
}
_FULL_NAMES = {
    "HTTPHandler.http_request": "AbstractHTTPHandler.do_request_",
    "HTTPSHandler.http_request": "AbstractHTTPHandler.do_request_",
}

CO_GENERATOR = 0x20  # as in ``inspect``, which takes long to import

MOST_LOOKED_AT = 5000
"""Objects behind a wrapper among which its function is looked for: a wrapper may lead to half a program."""

# Functions that pass on: their own code, and what they have in its place.
_passing: dict[FunctionType, tuple[CodeType, CodeType]] = {}
_copies: set[FunctionType] = set()


# -- finding


def is_own(owner: Any, found: object) -> bool:
    """Return whether *found*, from the ``__dict__`` of a class or module, is a function that its module defined."""
    return type(found) is FunctionType and found.__globals__.get("__name__") == _module(owner)


def original(owner: Any, name: str) -> Any:
    """Return what the module defined as the attribute *name* of a class, or of itself.

    Where the function is gone altogether, what stands in its place.
    """
    found = vars(owner).get(name)
    if found is None or is_own(owner, found):
        return getattr(owner, name)
    return beneath(owner, name, found) or _elsewhere(owner, name) or found


def beneath(owner: Any, name: str, wrapper: object) -> FunctionType | None:
    """Return the function over which a wrapper stands; None where it leads to none."""
    for value in _reached(wrapper):
        if type(value) is FunctionType and _is(value, owner, name):
            return value
    return None


def find(owner: Any, name: str, wrapper: object) -> tuple[FunctionType | None, bool]:
    """Return the function that a wrapper has hidden, and whether the wrapper leads to it.

    Of a stand-in that calls nothing the function is still there, with whoever will put it back.
    """
    found = beneath(owner, name, wrapper)
    return (found, True) if found is not None else (_elsewhere(owner, name), False)


def _elsewhere(owner: Any, name: str) -> FunctionType | None:
    import gc

    for value in gc.get_objects():
        if type(value) is FunctionType and _is(value, owner, name):
            return value
    return None


def _module(owner: Any) -> str:
    return owner.__name__ if isinstance(owner, ModuleType) else owner.__module__


def _is(function: FunctionType, owner: Any, name: str) -> bool:
    own_name = _ALIASES.get(name, name)
    full_name = own_name if isinstance(owner, ModuleType) else f"{owner.__qualname__}.{own_name}"
    return (
        function.__qualname__ == _FULL_NAMES.get(full_name, full_name)
        and is_own(owner, function)
        and function not in _copies
    )


def _reached(*first: object) -> Iterator[object]:
    """Yield some objects and what they lead to, the nearest first."""
    seen = set(map(id, first))
    waiting = [*first]
    for value in waiting:
        yield value
        for part in _parts(value):
            if id(part) not in seen and len(waiting) < MOST_LOOKED_AT:
                seen.add(id(part))
                waiting.append(part)


def _parts(value: object) -> Iterable[object]:
    """Return what an object refers to, so far as it is its own: of modules and classes nothing.

    Of the globals of a function it is what its code names: many wrappers keep there what they have found.
    """
    if type(value) is FunctionType:
        own = [*(value.__closure__ or ()), value.__defaults__, value.__kwdefaults__, value.__dict__]
        return [*own, *(value.__globals__.get(name) for name in value.__code__.co_names)]
    if isinstance(value, (ModuleType, type, str, bytes, int)) or (isinstance(value, dict) and "__builtins__" in value):
        return ()
    import gc

    return gc.get_referents(value)


# -- classes


def own_class(module: ModuleType, name: str) -> Any:
    """Return the class that a module defined under a name; where there is none any more, what stands in its place."""
    found = vars(module)[name]
    if _is_class(found, module, name):
        return found
    return next((one for one in subclasses(object) if _is_class(one, module, name)), found)


def stands_over(stand_in: Any, own: type) -> bool:
    """Return whether what stands in the place of a class extends that class, or holds it and so can call it."""
    bases: Iterable[Any] = stand_in.__mro__ if issubclass(type(stand_in), type) else ()
    parts = [part for base in bases for part in (base, *vars(base).values())]
    return any(value is own for value in _reached(stand_in, *parts))


def subclasses(base: type[Any]) -> Iterator[type[Any]]:
    """Yield all subclasses that exist, at any depth, each once."""
    # By identity: a metaclass can have an ``__eq__`` of its own (that of typing's unions warns on 3.14), and a
    # ``__subclasses__``. The classes themselves are kept, as an identity may come again behind one that is gone.
    seen: dict[int, type[Any]] = {}
    waiting = [base]
    while waiting:
        for subclass in type.__subclasses__(waiting.pop()):
            if id(subclass) not in seen:
                seen[id(subclass)] = subclass
                waiting.append(subclass)
                yield subclass


def _is_class(found: Any, module: ModuleType, name: str) -> bool:
    # Asked of the type: a mock says that it is of any class.
    return issubclass(type(found), type) and (found.__module__, found.__qualname__) == (module.__name__, name)


# -- copying


def kept(owner: Any, name: str) -> Any:
    """Return what the module defined as ``owner.name`` in a copy that never passes on; what is no function as it is."""
    found = original(owner, name)
    return copy_of(found) if type(found) is FunctionType and is_own(owner, found) else found


def copy_of(function: FunctionType) -> FunctionType:
    """Return a function that does what *function* does by itself."""
    code = _passing[function][0] if function in _passing else function.__code__
    copy = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, function.__closure__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__dict__.update(function.__dict__)
    copy.__qualname__, copy.__module__, copy.__doc__ = function.__qualname__, function.__module__, function.__doc__
    copy.__annotations__ = function.__annotations__
    _copies.add(copy)
    return copy


# -- passing on


def pass_on(function: FunctionType, target: Callable[..., Any]) -> None:
    """Let a function call *target* in place of its own code, with the arguments that it gets."""
    own = _passing[function][0] if function in _passing else function.__code__
    code = _passing_code(own.co_freevars, bool(own.co_flags & CO_GENERATOR))
    constants = tuple(target if value == _TARGET else value for value in code.co_consts)
    # The name is what profilers and tracebacks show.
    code = code.replace(co_consts=constants, co_name=own.co_name)
    _passing[function] = own, code
    function.__code__ = code


def take_back(function: FunctionType) -> None:
    """Let a function run its own code again; the code that somebody else has given it meanwhile stays."""
    own, code = _passing.pop(function, (None, None))
    if own is not None and function.__code__ is code:
        function.__code__ = own


_TARGET = "the target"


@functools.cache
def _passing_code(free_names: tuple[str, ...], is_generator: bool) -> CodeType:
    """Return code that passes on to the constant ``_TARGET``; it must have the free names of the code it replaces.

    The code of a generator has to give way to a generator's: Python 3.15 warns of anything else.
    """
    call = "target(*arguments, **options)"
    lines = [
        f"def around({', '.join(free_names)}):",
        "    def passing(*arguments, **options):",
        *(f"        {name}" for name in free_names),
        f"        target = {_TARGET!r}",
        f"        return {f'(yield from {call})' if is_generator else call}",
        "    return passing",
    ]
    names: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<passed on by coda_network>", "exec"), names)
    code: CodeType = names["around"](*free_names).__code__
    return code
