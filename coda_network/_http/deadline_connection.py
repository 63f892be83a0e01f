"""HTTPConnection with one deadline for connect, CONNECT, request and response."""

from __future__ import annotations

import functools
from typing import Any

from coda_network._http.connection import HTTPConnection
from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import connect_within


class DeadlineHTTPConnection(HTTPConnection):
    """An HTTPConnection under a deadline: connecting, CONNECT with its logins, requests and responses.

    :param deadline: the other parameters are those of HTTPConnection
    """

    def __init__(self, host: str, port: int | None = None, *args: Any, deadline: Deadline, **options: Any) -> None:
        super().__init__(host, port, *args, **options)
        self._deadline = deadline
        self._create_connection = functools.partial(connect_within, deadline)
