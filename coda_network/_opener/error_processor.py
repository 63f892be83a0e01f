"""Answers that are no success, handed to the handlers of errors."""

from __future__ import annotations

import urllib.request

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

_stdlib_http_response = urllib.request.HTTPErrorProcessor.http_response


class HTTPErrorProcessor(urllib.request.HTTPErrorProcessor):
    """urllib.request.HTTPErrorProcessor that looks at the headers of an error only, so that others stay unparsed."""

    __module__ = "urllib.request"  # it stands in for that class, and is shown and looked up by its name

    def http_response(self, request: Any, response: Any) -> Any:
        """Return a successful answer as it is; let the handlers decide about any other."""
        return response if 200 <= response.code < 300 else _stdlib_http_response(self, request, response)

    https_response = http_response
