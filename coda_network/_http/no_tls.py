"""What stands for ``http.client.HTTPSConnection`` on a Python that was built without the module ssl."""

from __future__ import annotations

from typing import Any

from coda_network._net.tls import NO_TLS
from coda_network._originals.http_client import HTTPConnection


class HTTPSConnection(HTTPConnection):
    """A connection that cannot be made, and says why.

    :raises OSError: always
    """

    default_port = 443  # http.client has no HTTPS_PORT there

    def __init__(self, host: str, port: int | None = None, *, context: Any = None, **options: Any) -> None:
        raise OSError(NO_TLS)
