"""Private attributes of libraries above http.client that the patch replaces, and why; nothing else names them.

========================  =============================  ==============================================================
library                   attribute                      in which versions, and what it does
========================  =============================  ==============================================================
urllib3 2.6 and later     ``HTTPConnection._tunnel``     on Python before 3.11.16 and on 3.12.0 to 3.12.13 a version of
                                                         its own, which hides the one of http.client; elsewhere none
urllib3, all versions     ``HTTPConnection._new_conn``   opens the socket: with its own options, or through SOCKS
urllib3 2                 ``_response_options``          how the response to the request in progress is to be read;
                                                         ``close()`` forgets it
urllib3 2                 ``_has_connected_to_proxy``    whether an error was the proxy's; ``close()`` forgets it
urllib3, all versions     ``response.fp``                urllib3 reads chunks from it by itself
urllib3, all versions     ``HTTPConnection.close``       forgets the tunnel and that a proxy was reached; its pool reads
                                                         from that whether an error was the proxy's
========================  =============================  ==============================================================

Copies of urllib3 inside other packages (``pip._vendor.urllib3``) are treated alike: the end of the module's name
counts.
"""

from __future__ import annotations

from http.client import HTTPException

from coda_network._http.connection import HTTPConnection
from coda_network._http.drain import keep_body
from coda_network._http.in_place import variants
from coda_network._http.tunnel_login import TunnelError

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_MODULE = "urllib3.connection"


def urllib3_attributes(subclass: type[Any]) -> Mapping[str, object]:
    """Return what is to be replaced in ``subclass``, name -> value: nothing if it is not urllib3's."""
    module = subclass.__module__
    if module != _MODULE and not module.endswith(f".{_MODULE}"):
        return {}
    own = vars(subclass)
    if "_new_conn" in own:
        variants[subclass] = _Urllib3
    elif "_tunnel" not in own:
        return {}
    return {"_tunnel": _tunnel}


def _tunnel(self: Any) -> None:
    HTTPConnection._check_tunnel(self)
    try:
        HTTPConnection._tunnel(self)
    except TunnelError as refused:
        keep_body(refused.response)
        # urllib3 takes a closed connection as the sign that the proxy refused, and its users expect a plain OSError,
        # of which the TunnelError is the cause.
        self.close()
        raise OSError(str(refused)) from refused
    except BaseException:
        self._has_connected_to_proxy = True  # the proxy was reached: the failure is no refusal of its
        raise


class _Urllib3(HTTPConnection):
    """What urllib3's connections are helped by: functions that are called with connections of its class.

    Each response gets a reader of its own: urllib3 reads chunks past it, so it never learns where they end.
    """

    def _dial_again(self) -> Any:
        connection: Any = self
        return connection._new_conn()

    def _repeat(self, message: bytes, method: str) -> Any:
        options = vars(self).get("_response_options")
        try:
            return HTTPConnection._repeat(self, message, method)
        finally:
            self._response_options = options

    def _new_response(self) -> Any:
        if self.debuglevel > 0:
            return self.response_class(self.sock, self.debuglevel, method=self._method)
        return self.response_class(self.sock, method=self._method)

    def _begin(self, response: Any) -> None:
        """Read the head; where its lengths contradict each other read no more, and leave it to urllib3 to refuse."""
        try:
            HTTPConnection._begin(self, response)
        except HTTPException:
            fields = response.headers
            if fields is None or "Transfer-Encoding" in fields or not _contradict(fields.get_all("Content-Length", [])):
                raise
            response.length, response.chunked, response.chunk_left, response.will_close = None, False, None, True
            response.close()


def _contradict(lengths: list[str]) -> bool:
    """Return whether urllib3 finds numbers that differ; what is no number it takes for no length at all."""
    try:
        return len({int(length) for line in lengths for length in line.split(",")}) > 1
    except ValueError:
        return False
