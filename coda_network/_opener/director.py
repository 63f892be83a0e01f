"""``OpenerDirector``: passes a request to the handlers that process and open it, and its response back."""

from __future__ import annotations

import socket
import sys
import urllib.request

from coda_network._opener.request import request_class
from coda_network._secrets import forget_secrets

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    from coda_network._http.response import HTTPResponse
    from coda_network._wire.types import Body

_stdlib_close = urllib.request.OpenerDirector.close


class OpenerDirector(urllib.request.OpenerDirector):
    """urllib.request.OpenerDirector that keeps its connections alive until ``close()``."""

    __module__ = "coda_network.urllib2"  # where programs, and pickle, find it

    # What urllib.request has and typeshed does not know: the handlers of each protocol.
    process_request: dict[str, list[Any]]
    process_response: dict[str, list[Any]]
    handle_open: dict[str, list[Any]]
    _call_chain: Any

    def open(
        self,
        fullurl: str | urllib.request.Request,
        data: Body | None = None,
        timeout: float | None = socket._GLOBAL_DEFAULT_TIMEOUT,  # type: ignore[attr-defined]  # urllib's own default
    ) -> HTTPResponse:
        """Open a URL or a Request; return the response.

        :param data: the body of the request, which makes it a POST
        :param timeout: in seconds, for each call on a socket; None waits without limit
        :raises urllib.error.URLError: there is no response; or, as HTTPError, one that no handler takes for a success
        """
        try:
            if isinstance(fullurl, str):
                request: Any = request_class()(fullurl, data)
            else:
                request = fullurl
                if data is not None:
                    request.data = data
            request.timeout = timeout
            protocol = request.type
            name = protocol + "_request"
            for processor in self.process_request.get(protocol, ()):
                request = getattr(processor, name)(request)
            sys.audit("urllib.Request", request.full_url, request.data, request.headers, request.get_method())
            response: HTTPResponse = self._open(request, data)
            name = protocol + "_response"
            for processor in self.process_response.get(protocol, ()):
                response = getattr(processor, name)(request, response)
            return response
        except BaseException as error:
            del fullurl, data
            forget_secrets(error)
            raise

    def _open(self, req: Any, data: Any = None) -> Any:
        """Return what the first handler returns that opens the request."""
        chains = self.handle_open
        for kind in ("default", req.type, "unknown"):
            result = self._call_chain(chains, kind, kind + "_open", req) if kind in chains else None
            if result:
                break
        return result

    def close(self) -> None:
        """Close the connections that are idle; the opener can be used again."""
        if "coda_network._transport.session" in sys.modules:  # else nothing has been opened
            from coda_network._transport.session import close_session

            close_session(self)
        _stdlib_close(self)
