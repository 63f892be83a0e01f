"""Is the package there at all? Passes under every binding but the baseline."""

from __future__ import annotations

import http.client
import unittest
import urllib.request


class Probe(unittest.TestCase):
    """What only the package can do, asked for under the standard library's names."""

    def test_http_client(self) -> None:
        connection = http.client.HTTPConnection("localhost", socket_keepalive=True)
        assert connection.host == "localhost"

    def test_urllib_request(self) -> None:
        handler = urllib.request.HTTPSHandler(socket_keepalive=True)
        assert isinstance(handler, urllib.request.AbstractHTTPHandler)
