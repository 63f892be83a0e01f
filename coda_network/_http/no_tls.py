"""What stands for ``http.client.HTTPSConnection`` on a Python that was built without the module ssl."""

from __future__ import annotations

import http.client
from typing import Any

from coda_network._net.tls import NO_TLS


class HTTPSConnection(http.client.HTTPConnection):
    """A connection that cannot be made, and says why.

    :raises OSError: always
    """

    default_port = 443  # http.client has no HTTPS_PORT there

    def __init__(self, host: str, port: int | None = None, *, context: Any = None, **options: Any) -> None:
        raise OSError(NO_TLS)
