"""Where handlers hand over a request; all that it takes from there on is loaded with this file."""

from __future__ import annotations

from coda_network._http.connection import HTTPConnection as HTTPConnection
from coda_network._http.https import HTTPSConnection as HTTPSConnection
from coda_network._transport.round_trip import round_trip as round_trip
