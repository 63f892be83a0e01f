"""Private attributes of libraries above http.client that the patch replaces, and why; nothing else names them.

========================  =============================  ==============================================================
library                   attribute                      in which versions, and what it does
========================  =============================  ==============================================================
urllib3 2.6 and later     ``HTTPConnection._tunnel``     on Python before 3.11.16 and on 3.12.0 to 3.12.13 a version of
                                                         its own, which hides the one of http.client; elsewhere none
urllib3, all versions     ``HTTPConnection._new_conn``   opens the socket: with its own options, or through SOCKS
urllib3 2                 ``_response_options``          how the answer to the request under way is to be read;
                                                         ``close()`` forgets it
urllib3 2                 ``_has_connected_to_proxy``    whether an error was the proxy's; ``close()`` forgets it
urllib3, all versions     ``response.fp``                it reads chunks from there by itself
urllib3, all versions     ``HTTPConnection.close``       forgets the tunnel and that a proxy was reached; its pool reads
                                                         from that whether an error was the proxy's
========================  =============================  ==============================================================

Copies of urllib3 inside other packages (``pip._vendor.urllib3``) are the same to us: what counts is how the name of
the module ends.
"""

from __future__ import annotations

import io
from http.client import HTTPException

from coda_network._http.connection import HTTPConnection
from coda_network._http.response import HTTPResponse
from coda_network._http.tunnel_login import TunnelError

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_MODULE = "urllib3.connection"

LARGEST_PAGE = 65536
"""Bytes of the page with a refusal that are kept."""


def urllib3_attributes(subclass: type[Any]) -> Mapping[str, object]:
    """Return what is to be replaced in *subclass* if it is urllib3's, name -> value; else nothing."""
    module = subclass.__module__
    if module != _MODULE and not module.endswith(f".{_MODULE}"):
        return {}
    own = vars(subclass)
    replaced: dict[str, object] = {}
    if "_tunnel" in own or "_new_conn" in own:
        replaced["_tunnel"] = _tunnel
    if "_new_conn" in own:
        replaced.update(_check_tunnel=_check_tunnel, _dial=_dial, _repeat=_repeat)
        replaced.update(_quick_response=_quick_response, _new_response=_new_response)
    return replaced


def _check_tunnel(self: Any, host: str, port: int | None, headers: Mapping[str, str]) -> None:
    """Pass everything: urllib3 refuses when the tunnel is opened."""


def _tunnel(self: Any) -> None:
    HTTPConnection._check_tunnel(self, self._tunnel_host, self._tunnel_port, self._tunnel_headers)
    try:
        HTTPConnection._tunnel(self)
    except TunnelError as refused:
        _keep_page(refused.response)
        # urllib3 tells a proxy that refused from a server that broke off by the connection being closed, and its users
        # know the error as it always was. What it is for is its cause.
        self.close()
        raise OSError(str(refused)) from refused
    except BaseException:
        self._has_connected_to_proxy = True  # so it was: what failed is no refusal
        raise


def _keep_page(response: Any) -> None:
    """Let the proxy's page be read from the error when the connection is closed, without a socket in the error."""
    try:
        page = response.read(LARGEST_PAGE)
    except (OSError, HTTPException):
        page = b""
    if response.fp is not None:
        response._close_conn()
    response.fp, response.length, response.chunked = io.BytesIO(page), len(page), False


def _dial(self: Any) -> Any:
    return self._new_conn()


def _repeat(self: Any, message: bytes, method: str) -> Any:
    options = vars(self).get("_response_options")
    try:
        return HTTPConnection._repeat(self, message, method)
    finally:
        self._response_options = options


def _quick_response(self: Any) -> None:
    """Leave every answer to `_new_response`."""


def _new_response(self: Any) -> Any:
    """Return an answer that reads on its own: urllib3 reads chunks past it, so it cannot tell where they end."""
    answer_class = _Answer if self.response_class is HTTPConnection.response_class else self.response_class
    if self.debuglevel > 0:
        return answer_class(self.sock, self.debuglevel, method=self._method)
    return answer_class(self.sock, method=self._method)


class _Answer(HTTPResponse):
    """An answer whose contradicting lengths urllib3 refuses itself, with an error that its users know."""

    __module__ = "http.client"
    __qualname__ = "HTTPResponse"

    def begin(self) -> None:
        """Read the head; where its lengths contradict each other nothing else of the answer is read."""
        try:
            HTTPResponse.begin(self)
        except HTTPException:
            fields = self.headers
            if fields is None or "Transfer-Encoding" in fields or not _contradict(fields.get_all("Content-Length", [])):
                raise
            self.length, self.chunked, self.chunk_left, self.will_close = None, False, None, True
            self.close()


def _contradict(lengths: list[str]) -> bool:
    return len({length.strip() for line in lengths for length in line.split(",")}) > 1
