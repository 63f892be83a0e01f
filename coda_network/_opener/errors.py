"""The error of an opener that the standard library does not have; and how its ``HTTPError`` gets into a pickle."""

from __future__ import annotations

import copyreg
import io
from urllib.error import HTTPError, URLError

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


class TunnelRefused(URLError):
    """A proxy refused the tunnel to an https site.

    ``reason`` is the ``TunnelError``; ``code`` and ``headers`` are those of the proxy's response, ``fp`` is a file with
    its body (what of it was at hand, up to 1 MiB); ``auth_report`` says why nobody could log in, None where no
    credentials were known. The connection is closed, as a program may keep an error for long.

    :param response: the proxy's response to CONNECT
    """

    def __init__(self, response: Any) -> None:
        from coda_network._http.drain import keep_body
        from coda_network._http.tunnel_login import TunnelError

        super().__init__(TunnelError(response, getattr(response, "auth_report", None)))
        self.auth_report = getattr(response, "auth_report", None)
        self.code = response.status
        self.headers = response.headers
        self.fp = io.BytesIO(keep_body(response))

    def __reduce__(self) -> tuple[Any, ...]:
        # The body was read to make it: a copy is not made from the response once more.
        return _blank, (type(self), *self.args), vars(self)


def _blank(kind: type[TunnelRefused], *args: Any) -> TunnelRefused:
    return kind.__new__(kind, *args)


# What HTTPError has of its file; it keeps the file's methods, too, once somebody has called them.
_OF_THE_FILE = frozenset({"_closer", "delete", "file", "fp", "name"})


def _reduce_http_error(error: HTTPError) -> tuple[Any, ...]:
    own = vars(error)
    state = {name: value for name, value in own.items() if name not in _OF_THE_FILE and not callable(value)}
    return HTTPError, (error.filename, error.code, error.msg, error.hdrs, own.get("fp")), state


# The standard library's own HTTPError can be put into a pickle and not be taken out again, which hangs or breaks a pool
# of processes. Nothing else changes in that class.
copyreg.pickle(HTTPError, _reduce_http_error)
