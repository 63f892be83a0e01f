"""Where handlers hand over a request; all that it takes from there on is loaded with this file."""

from __future__ import annotations

from coda_network._http.connection import HTTPConnection
from coda_network._http.https import HTTPSConnection
from coda_network._opener.connections import connections_of
from coda_network._opener.transaction import Transaction

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Any

CONNECTION_CLASSES = {"HTTPConnection": HTTPConnection, "HTTPSConnection": HTTPSConnection}
"""What takes the place of the class of that name in http.client."""


def carry_out(opener: Any, make: Any, request: Any, options: dict[str, Any], debuglevel: int) -> Any:
    """Return the answer to *request*, on an idle connection of *opener* where there is one.

    :param make: makes a connection, with *options*
    """
    handlers = getattr(opener, "handlers", None) or ()
    response = Transaction(request, make, options, connections_of(opener), handlers).run(debuglevel)
    response.url = request.get_full_url()
    response.msg = response.reason
    return response
