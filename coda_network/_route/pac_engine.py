"""One PAC file in a JavaScript engine (the package quickjs-ng), held to limits of time and memory."""

from __future__ import annotations

import json
import threading
from typing import Any

from coda_network._net.deadline import Deadline
from coda_network._route.pac_functions import SOURCE
from coda_network._route.pac_names import Names

SECONDS = 1.0
"""The most processor time of one call of a PAC file."""

MEMORY = 32 << 20
"""The most bytes that a PAC file may use."""

_TOO_LARGE = f"it was stopped when it used more than {MEMORY >> 20} MiB"

NAME_SECONDS = 5.0
"""The most time for all the names that one decision looks up."""

MOST_NAMES = 50
"""The most names that one decision looks up."""


class PACError(OSError):
    """A PAC file cannot be had, is none, or failed; the message says which file, and why."""


class Engine:
    """A PAC file, ready to be asked, from any thread.

    :param text: of the file
    :param place: where it is from, for messages
    :param names: looks names up
    :raises PACError: it is no PAC file, or the engine is not installed
    """

    def __init__(self, text: str, place: str, names: Names) -> None:
        self._text = text
        self._place = place
        self._names = names
        # QuickJS ties a runtime to the thread that made it.
        self._local = threading.local()
        self._context()  # a file that is none is found when it is loaded

    def find(self, url: str, host: str) -> str:
        """Return what ``FindProxyForURL`` returns, empty for null.

        :raises PACError: it failed, was stopped, or returned something else
        """
        context = self._context()
        answers: dict[str, Any] = {}
        deadline = Deadline(NAME_SECONDS)
        while True:
            outcome = self._call(context, url, host, answers)
            question = outcome["question"]
            if question is None:
                break
            if len(answers) >= MOST_NAMES:
                raise self._error(f"it looks up more than {MOST_NAMES} names for one URL")
            answers[question] = self._names.answer(question, deadline)
        if "out of memory" in outcome.get("error", ""):
            del self._local.context
            raise self._error(_TOO_LARGE)
        if "error" in outcome:
            raise self._error(f"FindProxyForURL failed: {_with_line(outcome)}")
        if outcome["type"] not in ("string", "null"):
            raise self._error(f"FindProxyForURL returned {outcome['type']}, not a text")
        return str(outcome["found"])

    def _call(self, context: Any, url: str, host: str, answers: dict[str, Any]) -> dict[str, Any]:
        import quickjs

        try:
            found: dict[str, Any] = json.loads(context.get("__call")(url, host, json.dumps(answers)))
            return found
        except quickjs.JSException as error:
            # The file has no way to catch these; the context may be out of memory from here on.
            del self._local.context
            raise self._error(_why_stopped(error)) from None

    def _context(self) -> Any:
        found = getattr(self._local, "context", None)
        if found is None:
            found = self._local.context = self._new_context()
        return found

    def _new_context(self) -> Any:
        try:
            import quickjs
        except ImportError:
            raise self._error("it needs the package quickjs-ng: pip install 'coda_network[pac]'") from None
        context = quickjs.Context()
        context.set_memory_limit(MEMORY)
        context.set_time_limit(SECONDS)
        context.eval(SOURCE)
        try:
            context.eval(self._text)
            is_pac = context.eval("typeof FindProxyForURL === 'function' || typeof FindProxyForURLEx === 'function'")
        except quickjs.JSException as error:
            raise self._error(_why_stopped(error)) from None
        if not is_pac:
            raise self._error("it defines no function FindProxyForURL")
        return context

    def _error(self, why: str) -> PACError:
        return PACError(f"the PAC file {self._place} cannot be used: {why}")


def _why_stopped(error: Exception) -> str:
    text = str(error).strip()
    if "interrupted" in text:
        return f"it was stopped after {SECONDS:g} s"
    if text in ("null", "") or "out of memory" in text:
        return _TOO_LARGE
    return " ".join(text.split())


def _with_line(outcome: dict[str, Any]) -> str:
    """Return the error of a PAC file and the place in it."""
    first = str(outcome.get("stack", "")).strip().partition("\n")[0].strip()
    return f"{outcome['error']} ({first})" if first else str(outcome["error"])
