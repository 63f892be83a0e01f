"""The part of a connection that makes the response and lets it read its head: the short way, and the general one."""

from __future__ import annotations

from coda_network._http import in_place
from coda_network._http.read_response import next_response, response_on_reader
from coda_network._http.reader import ConnectionReader, reader_for
from coda_network._http.response import HTTPResponse
from coda_network._http.tunnel import most_headers
from coda_network._originals import http_client

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    _Base = http_client.HTTPConnection
else:
    _Base = object


class Responding(_Base):
    """The part of HTTPConnection that makes responses and reads their heads."""

    # What the rest of HTTPConnection has.
    sock: Any
    response_class: Any
    _method: str | None
    _reader: ConnectionReader | None

    def _quick_response(self) -> HTTPResponse | None:
        """Return a response whose head is ordinary; None where it is not, or cannot be read by our reader."""
        cls: Any = self.response_class
        if cls is not HTTPResponse and (cls is not http_client.HTTPResponse or in_place.steps_of_http_client is None):
            return None
        reader = self._reader
        if reader is None or reader.sock is not self.sock or reader.file.closed:
            reader = self._reader = reader_for(self.sock)
        if reader is None or self.debuglevel or getattr(self, "max_response_headers", None) is not None:
            return None
        if cls is not HTTPResponse and not in_place.has_known_response(cls):
            return None
        try:
            return next_response(reader, self._method, cls)
        except BaseException:
            reader.end_response(False)
            self._reader = None
            raise

    def _reader_ahead(self) -> ConnectionReader | None:
        """Return the reader that will read the response; None for a stand-in of a socket."""
        reader = self._reader
        if reader is None or reader.sock is not self.sock or reader.file.closed:
            reader = self._reader = reader_for(self.sock)
        return reader

    def _general_response(self) -> Any:
        helpers = in_place.helpers_of(self)
        response = helpers._new_response(self)
        if not in_place.is_on() and not isinstance(self, in_place.our_connection):
            in_place.stay_ours(response)  # the patch was taken back since the request began
        try:
            helpers._begin(self, response)
        except BaseException:
            response.close()
            # As in http.client the next response may be asked for, after a timeout say: by a reader of its own.
            self._reader = None
            raise
        return response

    def _begin(self, response: Any) -> None:
        most = most_headers(self)
        if most is None:
            response.begin()
        else:
            response.begin(_max_headers=most)

    def _new_response(self) -> Any:
        cls, reader = self.response_class, self._reader
        # Where the reader can be ours, _quick_response() has looked it up.
        if reader is not None and reader.sock is self.sock and in_place.has_our_init(cls):
            return response_on_reader(reader, self.debuglevel, self._method, cls)
        if self.debuglevel > 0:
            return cls(self.sock, self.debuglevel, method=self._method)
        return cls(self.sock, method=self._method)
