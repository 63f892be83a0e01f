"""The handlers of a download's opener: http, https and ftp within a time limit, and 304 as a response."""

from __future__ import annotations

import urllib.request
from typing import Any

from coda_network._http.connection import HTTPConnection
from coda_network._http.https import HTTPSConnection
from coda_network._net.deadline import TimeLimit
from coda_network._net.tls import Cert, shared_context
from coda_network._opener.http_handlers import HTTPHandler, HTTPSHandler

# An opener asks handlers in the order of this number. The caller's come first: most have the default.
_AFTER_OTHERS = urllib.request.BaseHandler.handler_order + 1


class DownloadHTTPHandler(HTTPHandler):
    """Opens http URLs."""

    handler_order = _AFTER_OTHERS

    def http_open(self, req: Any) -> Any:
        """Send a request and return the response."""
        return self.do_open(HTTPConnection, req)


class _SharedContext:
    # No program gets hold of the handlers of a download and their context, so all downloads can share one.
    get = staticmethod(shared_context)


class DownloadHTTPSHandler(HTTPSHandler):
    """Opens https URLs.

    :param cert: the client certificate
    """

    handler_order = _AFTER_OTHERS

    def __init__(self, cert: Cert | None = None) -> None:
        super().__init__(cert=cert)
        self._default_context = _SharedContext

    def https_open(self, req: Any) -> Any:
        """Send a request and return the response."""
        context = self._context or self._default_context.get()
        return self.do_open(HTTPSConnection, req, context=context)


class DownloadFTPHandler(urllib.request.FTPHandler):
    """Opens ftp URLs; the timeout of a request may be a TimeLimit."""

    handler_order = _AFTER_OTHERS

    def connect_ftp(self, user: str, passwd: str, host: str, port: int, dirs: Any, timeout: Any) -> Any:
        """Return a connection to an FTP server, which has gone to the directory of the URL."""
        if not isinstance(timeout, TimeLimit):
            return super().connect_ftp(user, passwd, host, port, dirs, timeout)
        from coda_network._download.ftp import DeadlineFTPWrapper  # most downloads need no ftplib

        return DeadlineFTPWrapper(timeout.deadline, user, passwd, host, port, dirs, timeout, persistent=False)


class NotModifiedHandler(urllib.request.BaseHandler):
    """Returns a 304 as a response: it is what a conditional request may get, not an error."""

    handler_order = _AFTER_OTHERS

    def http_error_304(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Return the response."""
        return fp
