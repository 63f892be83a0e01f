"""The engine behind the handlers of an opener; the first request loads it, with all that it needs."""

from __future__ import annotations

from coda_network._http.connection import HTTPConnection as HTTPConnection
from coda_network._http.https import HTTPSConnection as HTTPSConnection
from coda_network._transport.round_trip import round_trip as round_trip
