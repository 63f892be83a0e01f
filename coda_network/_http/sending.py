"""The part of a connection that sends head and body: together, block by block, or by ``sendfile()``."""

from __future__ import annotations

from coda_network._http import in_place
from coda_network._http.file_body import blocks, can_go_by_sendfile, is_regular, send_file
from coda_network._originals import http_client, kept
from coda_network._secrets import forget_secrets
from coda_network._wire.fast_request import left_to_send

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from coda_network._http.forward_login import ForwardProxyLogin

    _Base = http_client.HTTPConnection
else:
    _Base = object

_stdlib_send_output = kept(http_client.HTTPConnection, "_send_output")
_stdlib_read_readable = kept(http_client.HTTPConnection, "_read_readable")

_BLOCKSIZE = 8192  # of http.client

ONE_SEGMENT = 16384
"""Bytes of a body that travel in the same system call as the head."""


class Sending(_Base):
    """The part of HTTPConnection that sends what ``endheaders()`` is given."""

    # What the rest of HTTPConnection has.
    sock: Any
    _buffer: list[bytes]
    _http_vsn: int
    _tunnel_host: str | None
    _left_to_send: int | None
    _forward_login: ForwardProxyLogin | None
    _open_for_request: Callable[[], bool]

    def _send_output(self, message_body: Any = None, encode_chunked: bool = False) -> None:
        in_place.adopt(self)
        self._left_to_send = left_to_send(self._buffer)
        together = isinstance(message_body, bytes) and len(message_body) <= ONE_SEGMENT and self.debuglevel <= 0
        if together and not encode_chunked:
            self._buffer += (b"", message_body)
            message = b"\r\n".join(self._buffer)
            del self._buffer[:]
            try:
                self.send(message)
            except BaseException:
                del message, message_body
                raise
            return
        if self._tunnel_host and self.sock is None and not in_place.our_connection._open_for_request(self):
            # A body that can be read only once is left for the attempt that gets through.
            del self._buffer[:]
            return
        try:
            if hasattr(message_body, "fileno") and Sending._send_by_sendfile(self, message_body, encode_chunked):
                return
            _stdlib_send_output(self, message_body, encode_chunked)
        except BaseException as error:
            del message_body
            forget_secrets(error)
            raise

    def _send_by_sendfile(self, body: Any, encode_chunked: bool) -> bool:
        """Send head and body where the body is a file of the system; return False where it needs the long way."""
        cls, own = type(self), vars(self)
        is_watched = not in_place.has_known_sending(cls) or any(name in own for name in in_place.SENDING)
        if is_watched or self.debuglevel > 0 or self._forward_login is not None or not is_regular(body):
            return False
        if self.sock is None and not in_place.our_connection._open_for_request(self):
            return False
        if not can_go_by_sendfile(self.sock) or (encode_chunked and self._http_vsn != 11):
            return False
        head = b"\r\n".join([*self._buffer, b"", b""])
        del self._buffer[:]
        self.send(head)
        count = send_file(self, body, encode_chunked)
        if self._left_to_send is not None:
            self._left_to_send -= count
        return True

    def _read_readable(self, readable: Any) -> Iterator[bytes]:
        """Give the blocks of a file; a large one where nobody has asked for a size, and where it is at hand."""
        if self.blocksize == _BLOCKSIZE and self.debuglevel <= 0 and is_regular(readable):
            return blocks(readable)
        return _stdlib_read_readable(self, readable)  # type: ignore[no-any-return]  # a generator
