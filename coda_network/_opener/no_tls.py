"""What openers have for https on a Python that was built without the module ssl: an error that says so."""

from __future__ import annotations

from typing import Any, NoReturn
from urllib.error import URLError

from coda_network._net.tls import NO_TLS
from coda_network._originals import urllib_request


class HTTPSHandler(urllib_request.AbstractHTTPHandler):
    """Stands for ``urllib.request.HTTPSHandler``, which is not there; ours extends it."""

    def __init__(self, debuglevel: Any = None, context: Any = None, check_hostname: Any = None) -> None:
        super().__init__(debuglevel)


def unknown_open(self: Any, req: Any) -> NoReturn:
    """Refuse the URL, in place of ``urllib.request.UnknownHandler.unknown_open()``.

    :raises URLError: always
    """
    raise URLError(NO_TLS if req.type == "https" else f"unknown url type: {req.type}")
