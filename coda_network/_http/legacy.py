"""The interface of Python 1.5's httplib, which handbooks still show."""

from __future__ import annotations

import http.client

from coda_network._http.connection import HTTPConnection
from coda_network._http.response import HTTPResponse

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


class HTTP:
    """One request and its reply: ``putrequest``, ``putheader``, ``endheaders``, ``getreply``, ``getfile``.

    :param host: of the server, or empty and ``connect()`` later
    :param port: None is 80
    """

    _connection_class: type[HTTPConnection] = HTTPConnection
    _http_vsn = 10
    _http_vsn_str = "HTTP/1.0"
    debuglevel = 0

    def __init__(self, host: str = "", port: int | None = None, **options: Any) -> None:
        self.headers: http.client.HTTPMessage | None = None
        self.file: HTTPResponse | None = None
        self._options = options
        self._conn = self._setup(host, port)

    def _setup(self, host: str, port: int | None) -> HTTPConnection:
        connection = self._connection_class(host, port, **self._options)
        connection._http_vsn = self._http_vsn
        connection._http_vsn_str = self._http_vsn_str
        connection.set_debuglevel(self.debuglevel)
        return connection

    def set_debuglevel(self, level: int) -> None:
        """Print what is sent and received where *level* is above 0."""
        self._conn.set_debuglevel(level)

    def connect(self, host: str | None = None, port: int | None = None) -> None:
        """Open the connection, to *host* where one is given.

        :raises OSError: what failed
        """
        if host is not None:
            self._conn.close()
            self._conn = self._setup(host, port)
        self._conn.connect()

    def send(self, data: Any) -> None:
        """Send *data* after ``endheaders()``."""
        self._conn.send(data)

    def putrequest(self, method: str, selector: str = "/") -> None:
        """Begin the request; HTTP/1.0 has no Host and no Accept-Encoding that are not asked for."""
        self._conn.putrequest(method, selector)

    def putheader(self, header: str, *values: Any) -> None:
        """Add a header."""
        self._conn.putheader(header, *values)

    def endheaders(self) -> None:
        """Send the head."""
        self._conn.endheaders()

    def getreply(self) -> tuple[int, str, http.client.HTTPMessage | None]:
        """Return status, reason and headers; -1, the line and None where what came is no reply.

        As HTTP/1.0 has it the connection ends with this reply: handbooks close neither it nor the file.
        """
        try:
            response = self._conn.getresponse()
        except http.client.BadStatusLine as error:
            self.close()
            return -1, str(error), None
        sock, self._conn.sock = self._conn.sock, None
        if sock is not None:
            sock.close()  # the file reads on
        self.headers = response.headers
        self.file = response
        return response.status, response.reason, response.headers

    def getfile(self) -> HTTPResponse | None:
        """Return the body as a file; None before ``getreply()``."""
        return self.file

    def close(self) -> None:
        """Close the connection; a body that is being read stays readable where the server ends with it."""
        self._conn.close()
        self.file = None
