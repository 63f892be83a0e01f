"""``HTTPErrorProcessor``: hands responses with an error status to the handlers of errors."""

from __future__ import annotations

from coda_network._originals import kept, urllib_request

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

_stdlib_http_response = kept(urllib_request.HTTPErrorProcessor, "http_response")


class HTTPErrorProcessor(urllib_request.HTTPErrorProcessor):
    """urllib.request.HTTPErrorProcessor that leaves the header section of a success unparsed."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    def http_response(self, request: Any, response: Any) -> Any:
        """Return a response with a 2xx status as it is; let the handlers decide about any other."""
        return response if 200 <= response.code < 300 else _stdlib_http_response(self, request, response)

    https_response = http_response
