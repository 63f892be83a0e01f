"""The error of an opener that the standard library does not have."""

from __future__ import annotations

import io
from urllib.error import URLError

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


class TunnelRefused(URLError):
    """A proxy refused the tunnel to an https site.

    ``reason`` is the ``TunnelError``; ``code`` and ``headers`` are those of the proxy's response, ``fp`` is a file with
    its body (the first MiB of it); ``auth_report`` says why nobody could log in, None where no credentials were known.
    The connection is closed, as a program may keep an error for long.

    :param response: the proxy's response to CONNECT
    """

    def __init__(self, response: Any) -> None:
        from coda_network._http.tunnel_login import TunnelError, keep_body

        super().__init__(TunnelError(response, getattr(response, "auth_report", None)))
        self.auth_report = getattr(response, "auth_report", None)
        self.code = response.status
        self.headers = response.headers
        self.fp = io.BytesIO(keep_body(response))
