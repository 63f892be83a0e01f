"""The handlers of a download's opener: http and https under the download's deadline, and 304 as a response."""

from __future__ import annotations

import urllib.request
from typing import Any

from coda_network._http.deadline_connection import DeadlineHTTPConnection, DeadlineHTTPSConnection
from coda_network._net.deadline import Deadline
from coda_network._net.tls import Cert, shared_context
from coda_network._opener.http_handlers import HTTPHandler, HTTPSHandler

# An opener asks handlers in the order of this number. The caller's come first: most have the default.
_AFTER_OTHERS = urllib.request.BaseHandler.handler_order + 1


class DownloadHTTPHandler(HTTPHandler):
    """Opens http URLs.

    :param deadline: for the connection, the request and the body; None is no limit
    """

    handler_order = _AFTER_OTHERS

    def __init__(self, deadline: Deadline | None = None) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: Any) -> Any:
        """Send a request and return the response."""
        if self._deadline is None:
            return super().http_open(req)
        return self.do_open(DeadlineHTTPConnection, req, deadline=self._deadline)


class _SharedContext:
    # No program gets hold of the handlers of a download and their context, so all downloads can share one.
    get = staticmethod(shared_context)


class DownloadHTTPSHandler(HTTPSHandler):
    """Opens https URLs.

    :param deadline: for the connection, TLS, the request and the body; None is no limit
    :param cert: the client certificate
    """

    handler_order = _AFTER_OTHERS

    def __init__(self, deadline: Deadline | None = None, cert: Cert | None = None) -> None:
        super().__init__(cert=cert)
        self._default_context = _SharedContext
        self._deadline = deadline

    def https_open(self, req: Any) -> Any:
        """Send a request and return the response."""
        if self._deadline is None:
            return super().https_open(req)
        context = self._context or self._default_context.get()
        return self.do_open(DeadlineHTTPSConnection, req, context=context, deadline=self._deadline)


class DownloadFTPHandler(urllib.request.FTPHandler):
    """Opens ftp URLs.

    :param deadline: for everything from the connection to the last byte; None is no limit
    """

    handler_order = _AFTER_OTHERS

    def __init__(self, deadline: Deadline | None = None) -> None:
        self._deadline = deadline

    def connect_ftp(self, user: str, passwd: str, host: str, port: int, dirs: Any, timeout: Any) -> Any:
        """Return a connection to an FTP server, which has gone to the directory of the URL."""
        if self._deadline is None:
            return super().connect_ftp(user, passwd, host, port, dirs, timeout)
        from coda_network._download.ftp import DeadlineFTPWrapper  # most downloads need no ftplib

        return DeadlineFTPWrapper(self._deadline, user, passwd, host, port, dirs, timeout, persistent=False)


class NotModifiedHandler(urllib.request.BaseHandler):
    """Returns a 304 as a response: it is what a conditional request may get, not an error."""

    handler_order = _AFTER_OTHERS

    def http_error_304(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """Return the response."""
        return fp
