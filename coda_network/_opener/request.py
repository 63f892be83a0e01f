"""Request: data about one request; what Python 2 code calls on it, and a proxy that may be set twice."""

from __future__ import annotations

import urllib.request
from typing import Any

_stdlib_set_proxy = urllib.request.Request.set_proxy


class Request(urllib.request.Request):
    """urllib.request.Request with the accessors of urllib2.

    :param url: with or without a login in it
    :param data: the body: bytes, a file, or an iterable of bytes
    :param method: sent as it is; without one it is GET, or POST where there is data
    """

    __module__ = "urllib.request"  # it stands in for that class, and is shown and looked up by its name

    def set_proxy(self, host: str, type: str) -> None:
        """Send this request by way of the proxy *host*.

        An https request goes through a tunnel and stays one when it is opened again: the second time its host is a
        proxy already.
        """
        if self.type == "https" and self._tunnel_host:  # type: ignore[attr-defined]  # of the standard library's own
            self.host = host
        else:
            _stdlib_set_proxy(self, host, type)

    def add_data(self, data: Any) -> None:
        """Set the body."""
        self.data = data

    def has_data(self) -> bool:
        """Tell whether there is a body."""
        return self.data is not None

    def get_data(self) -> Any:
        """Return the body."""
        return self.data

    def get_type(self) -> str:
        """Return the scheme of the URL."""
        return self.type

    def get_host(self) -> str:
        """Return the host to connect to: the server's, or the proxy's once one is set."""
        return self.host

    def get_selector(self) -> str:
        """Return what stands on the request line: the path, or the whole URL for a proxy."""
        return self.selector

    def get_origin_req_host(self) -> str:
        """Return the host of the page that this request belongs to (RFC 2965)."""
        return self.origin_req_host

    def is_unverifiable(self) -> bool:
        """Tell whether the user had no part in this request (RFC 2965)."""
        return self.unverifiable
