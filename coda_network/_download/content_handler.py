"""The handler that asks for encoded bodies and decodes them."""

from __future__ import annotations

import urllib.request
from typing import Any

from coda_network._download.content_codings import accepted
from coda_network._download.decoded_response import DecodedResponse

MAX_RATIO = 250.0
"""Ordinary texts become 3 to 20 times smaller, logs up to 100 times; what is made to harm, 1000 times and more."""
MAX_SIZE = 4 << 30


class ContentDecodingHandler(urllib.request.BaseHandler):
    """Sends ``Accept-Encoding`` and decodes the response: gzip and deflate, br and zstd where they are installed.

    A request with an ``Accept-Encoding`` of its own, or a ``Range``, gets its response as it was sent.

    :param max_ratio: how many times larger than what was sent a body may become, beyond its first 16 MiB
    :param max_size: how many bytes it may become; None is no limit
    """

    # Before the redirects and errors are looked at, whose pages are encoded like others.
    handler_order = 900

    def __init__(self, max_ratio: float = MAX_RATIO, max_size: int | None = MAX_SIZE) -> None:
        self._max_ratio = max_ratio
        self._max_size = max_size

    def http_request(self, req: Any) -> Any:
        """Add ``Accept-Encoding``."""
        if not req.has_header("Accept-encoding") and not req.has_header("Range"):
            req.add_unredirected_header("Accept-encoding", accepted())
        return req

    https_request = http_request

    def http_response(self, req: Any, response: Any) -> Any:
        """Return the response with its body decoded.

        :raises ContentCodingError: the coding is not known, or its package is not installed
        """
        coding = response.headers.get_all("Content-Encoding")
        if not coding or req.unredirected_hdrs.get("Accept-encoding") != accepted():
            return response
        if req.get_method() == "HEAD" or 300 <= response.code < 400:
            return response
        codings = [name.strip() for name in ",".join(coding).split(",") if name.strip()]
        try:
            return DecodedResponse(response, codings, self._max_ratio, self._max_size)
        except BaseException:
            response.close()
            raise

    https_response = http_response
