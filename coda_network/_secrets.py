"""Errors that take no secret to the program, nor to whoever shows a traceback with its local variables.

A request passes through many frames with its URL, its header fields and its bytes: most of them have a password among
their local variables, which rich, cgitb and Sentry show. A public function through which such an error leaves the
package lets go of those of the functions that it has called by ``forget_secrets()``, and of its own by ``del``; or
``lets_out_no_secret()`` does both, where a call more is no matter.
"""

from __future__ import annotations

import functools
import re
import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

_PACKAGE = __name__.partition(".")[0]

# What works for us further down. Other modules belong to the program, whose variables are its own.
_HELPERS = sys.stdlib_module_names | {"gssapi", "krb5", "ntlm3", "oauthlib", "python_socks", "spnego", "truststore"}

_MAY_GO_ON = 0x20 | 0x80 | 0x200  # CO_GENERATOR, CO_COROUTINE, CO_ASYNC_GENERATOR


def forget_secrets(error: BaseException) -> None:
    """Clear the local variables in the tracebacks of *error*, and hide userinfo that its message repeats.

    That is done to the frames of this package, and of what works for it. The frame of the caller is still at work and
    keeps its own.

    :param error: with the errors that it stands for, or came out of
    """
    for each in _chain(error):
        if not _clear(each.__traceback__):
            continue  # raised by the program
        if isinstance(each, UnicodeEncodeError):
            _forget_text(each)
        elif isinstance(each, ValueError) or type(each).__name__ == "InvalidURL":
            each.args = tuple(hide_userinfo(part) if isinstance(part, str) else part for part in each.args)


def lets_out_no_secret(function: F) -> F:
    """Return *function* with that done to what it raises, to its own frame too; for functions that take their time."""

    @functools.wraps(function)
    def guarded(*args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except BaseException as error:
            del args, options
            forget_secrets(error)
            raise

    return guarded  # type: ignore[return-value]  # it takes and returns what the function does


def hide_userinfo(message: str) -> str:
    """Return an error message that may quote a URL, with all of the URL hidden that may be userinfo.

    A URL that is written wrongly has its password in any place before the last ``@``.
    """
    before, at, behind = message.rpartition("@")
    if not at:
        return message
    quoted = _begin_of_quote(before)
    return f"{before[: quoted.end()] if quoted else ''}(hidden)@{behind}"


_begin_of_quote = re.compile(r"[^'\"]*['\"]").match


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += (each.__cause__, each.__context__, getattr(each, "reason", None))


def _clear(traceback: TracebackType | None) -> bool:
    """Clear the frames of a traceback; return whether the last one, which has raised, is one of ours or below one."""
    is_below = is_ours_or_helper = False
    while traceback is not None:
        frame, traceback = traceback.tb_frame, traceback.tb_next
        module = str(frame.f_globals.get("__name__")).partition(".")[0]
        is_below = is_below or module == _PACKAGE
        is_ours_or_helper = module == _PACKAGE or (is_below and module in _HELPERS)
        if is_ours_or_helper and not frame.f_code.co_flags & _MAY_GO_ON:
            try:
                frame.clear()
            except RuntimeError:  # at work
                pass
    return is_ours_or_helper


def _forget_text(error: UnicodeEncodeError) -> None:
    """Leave no more of the text in *error*, whose repr shows all of it, than its first wrong character."""
    error.object = error.object[error.start : error.start + 1]
    error.start, error.end = 0, len(error.object)
    error.args = error.encoding, error.object, error.start, error.end, error.reason
