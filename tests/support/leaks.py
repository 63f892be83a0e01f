"""Where an error shows a secret: its texts, those of the errors behind it, and the local variables of our frames."""

from __future__ import annotations

import base64
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import coda_network
from support.accounts import ALICE

PACKAGE = str(Path(coda_network.__file__).parent)
STDLIB = str(Path(traceback.__file__).parent)

BASIC = base64.b64encode(f"{ALICE.user}:{ALICE.password}".encode()).decode()
TOKEN = re.compile(r"(?:NTLM|Negotiate) [A-Za-z0-9+/]{12,}")


def secrets_in(text: str) -> list[str]:
    """Return what a text should not have: alice's password, her Basic header, tokens."""
    found = [secret for secret in (ALICE.password, BASIC) if secret in text]
    return found + [token[:40] for token in TOKEN.findall(text)]


def leaks(error: BaseException) -> list[str]:
    """Return every place in *error*, and in the errors behind it, that shows a secret."""
    found = []
    for each in behind(error):
        name = type(each).__name__
        for place, text in (("str", str(each)), ("repr", repr(each)), ("args", repr(each.args))):
            found += [f"{place} of {name}: {secret}" for secret in secrets_in(text)]
        for frame, variable, shown in variables(each):
            found += [f"{variable} in {frame} under {name}: {secret}" for secret in secrets_in(shown)]
    return found


def behind(error: BaseException) -> Iterator[BaseException]:
    """Give *error*, its causes and contexts, and the errors that it has for a reason."""
    seen: dict[int, BaseException] = {}
    waiting: list[object] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and id(each) not in seen:
            seen[id(each)] = each
            yield each
            waiting += (each.__cause__, each.__context__, getattr(each, "reason", None))


def variables(error: BaseException) -> Iterator[tuple[str, str, str]]:
    """Give frame, name and repr of the local variables of our frames, and of those of the standard library below."""
    with warnings.catch_warnings():
        # Python 3.15 looks at the loaders of the modules in a traceback, and tests may have loaded some anew.
        warnings.filterwarnings("ignore", "Module globals; __loader__", DeprecationWarning)
        shown = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    is_below = False
    for entry in shown.stack:
        is_ours = entry.filename.startswith(PACKAGE)
        is_below = is_below or is_ours
        is_stdlib = entry.filename.startswith(STDLIB) and "site-packages" not in entry.filename
        if is_ours or (is_below and is_stdlib):
            for name, value in (entry.locals or {}).items():
                yield f"{Path(entry.filename).name}:{entry.lineno} {entry.name}()", name, value


def check(way: Callable[[str], None], netloc: str) -> BaseException | None:
    """Return the error of *way*, which shows no secret; None where it succeeds."""
    try:
        way(netloc)
    except Exception as error:
        failed = error
    else:
        return None
    assert leaks(failed) == []
    for each in behind(failed):
        if isinstance(each, HTTPError):
            each.close()
    return failed
