"""``http.client``'s own classes, whatever stands under their names meanwhile: these are extended, and patched."""

from __future__ import annotations

import http.client

from coda_network._originals import own_class

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from http.client import HTTPConnection as HTTPConnection
    from http.client import HTTPResponse as HTTPResponse
    from http.client import HTTPSConnection as HTTPSConnection
else:
    HTTPConnection = own_class(http.client, "HTTPConnection")
    HTTPResponse = own_class(http.client, "HTTPResponse")
    if hasattr(http.client, "HTTPSConnection"):
        HTTPSConnection = own_class(http.client, "HTTPSConnection")
