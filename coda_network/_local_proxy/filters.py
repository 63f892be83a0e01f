"""Functions of the user's that see each request, and each response's head, and may change or refuse them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from coda_network._local_proxy.pages import Problem, reason_phrase


class _Message:
    """The fields of a message: a list that may be changed, and look-ups that do not mind upper and lower case."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self.fields = fields

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of the first field with this name."""
        return next((value for key, value in self.fields if key.lower() == name.lower()), default)

    def get_all(self, name: str) -> list[str]:
        """Return the values of all fields with this name."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def set(self, name: str, value: str) -> None:
        """Set a field, in place of those with this name."""
        if any(mark in name + value for mark in "\r\n\0"):
            raise ValueError("a header field has one line")
        self.remove(name)
        self.fields.append((name, value))

    def remove(self, name: str) -> None:
        """Remove the fields with this name."""
        self.fields = [field for field in self.fields if field[0].lower() != name.lower()]

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.fields)


class FilterRequest(_Message):
    """What a filter sees of a request: ``method``, ``url`` (``host:port`` for CONNECT) and its fields.

    The fields may be changed, method and URL may not.
    """

    def __init__(self, method: str, url: str, fields: list[tuple[str, str]]) -> None:
        super().__init__(fields)
        self._method = method
        self._url = url

    @property
    def method(self) -> str:
        """Return the method."""
        return self._method

    @property
    def url(self) -> str:
        """Return the URL; ``host:port`` for CONNECT."""
        return self._url


class FilterResponse(_Message):
    """What a filter sees of a response: ``status``, ``reason`` and its fields; all may be changed."""

    def __init__(self, status: int, reason: str, fields: list[tuple[str, str]]) -> None:
        super().__init__(fields)
        self.status = status
        self.reason = reason


Filter = Callable[..., Any]


class Filters:
    """The filters of one proxy, in their order.

    :param filters: each is called with a request before it is sent, and with the request and its response when the head
        of that is there; it returns None to let it pass, or a status, or ``(status, text)``, to refuse it
    :param on_failure: called with the filter and the exception that it raised
    """

    def __init__(self, filters: Iterable[Filter], on_failure: Callable[[Filter, Exception], object]) -> None:
        self._filters = tuple(filters)
        self._on_failure = on_failure

    def ask(self, request: FilterRequest, response: FilterResponse | None = None) -> None:
        """Let each filter see, and change, a request or its response.

        :raises Problem: one of them refuses it, or fails
        """
        for each in self._filters:
            try:
                verdict = each(request) if response is None else each(request, response)
                if verdict is None:
                    continue
                status, text = verdict if isinstance(verdict, tuple) else (verdict, "")
                problem = Problem(
                    int(status), str(text) or f"A filter of this proxy says {reason_phrase(int(status))}."
                )
            except Exception as error:
                self._on_failure(each, error)
                problem = Problem(500, "A filter of this proxy has failed; its log says more.")
            raise problem


def load_filter(text: str) -> Filter:
    """Return the function that ``module:function`` names.

    :raises ValueError: there is none, or the module cannot be imported
    """
    module_name, colon, name = text.partition(":")
    if not colon or not module_name or not name:
        raise ValueError(f"a filter is named as module:function, not {text!r}")
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        place = " (modules are looked for in the current folder, too)" if "" in sys.path else ""
        raise ValueError(f"the filter {text!r} cannot be loaded: {error}{place}") from error
    if not callable(found):
        raise ValueError(f"the filter {text!r} is no function")
    return found  # type: ignore[no-any-return]  # it is callable, and more is not known
