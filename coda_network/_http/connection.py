"""A connection: requests out, answers in, and the tunnel that it may have to open first."""

from __future__ import annotations

import http.client
import re
import socket
import sys
import weakref
from collections.abc import Mapping
from http.client import CannotSendRequest, NotConnected, RemoteDisconnected, ResponseNotReady
from typing import TYPE_CHECKING, Any

from coda_network._http.channel import Channel, channel_for
from coda_network._http.parking import Parked
from coda_network._http.response import HTTPResponse, answer_from_head, answer_on_channel, take_channel
from coda_network._net.dial import SocketKeepalive, open_socket
from coda_network._net.tunnelling import TunnelError, open_tunnel, read_head
from coda_network._wire import heads

if TYPE_CHECKING:
    from coda_network._auth.login import Login

_stdlib_init = http.client.HTTPConnection.__init__
_stdlib_set_tunnel = http.client.HTTPConnection.set_tunnel
_stdlib_putrequest = http.client.HTTPConnection.putrequest
_stdlib_putheader = http.client.HTTPConnection.putheader
_stdlib_send_output = http.client.HTTPConnection._send_output  # type: ignore[attr-defined]  # private, see _patch
_stdlib_send = http.client.HTTPConnection.send
_stdlib_close = http.client.HTTPConnection.close

_IDLE = "Idle"
_REQUEST_SENT = "Request-sent"

ONE_SEGMENT = 16384
"""Bytes of a body that travel in the same system call as the head."""

_illegal_in_request_line = re.compile(r"[\x00-\x20\x7f]").search


class InvalidTarget(http.client.InvalidURL, ValueError):
    """A URL or a host name that would not stay within its place in the request."""


class HTTPConnection(http.client.HTTPConnection):
    """http.client.HTTPConnection that keeps what it reads, and tells what a proxy answered.

    :param socket_keepalive: probe the peer while nothing is sent; a bool, or a SocketKeepalive with seconds, seconds
        and probes. ``tcp_keepalive`` is its name of 2010.

    The other parameters are http.client's. A CONNECT that the proxy refuses is not raised by ``request()``:
    ``getresponse()`` returns the proxy's answer, with ``tunnel`` True, and the next request tries again on the same
    connection. ``connect()`` raises it, as TunnelError (an OSError).
    """

    __module__ = "http.client"  # it stands in for that class, and is shown and looked up by its name

    # What http.client sets and typeshed does not know.
    _method: str | None
    _buffer: list[bytes]
    _create_connection: Any
    _tunnel_host: str | None
    _tunnel_port: int | None
    _tunnel_headers: dict[str, str]
    source_address: tuple[str, int] | None
    sock: Any

    response_class = HTTPResponse
    socket_keepalive: bool | SocketKeepalive = False

    # Who we are to the proxy; whoever leases the connection sets it.
    _proxy_login: Login | None = None
    _proxy_keep_alive = False
    _raw_proxy_headers: list[bytes] | None = None

    _channel: Channel | None = None
    _parked: Parked | None = None
    _refusal: HTTPResponse | None = None
    _last_response: weakref.ref[Any] | None = None

    def __init__(
        self,
        host: str,
        port: int | None = None,
        timeout: Any = socket._GLOBAL_DEFAULT_TIMEOUT,  # type: ignore[attr-defined]  # http.client's own default
        source_address: tuple[str, int] | None = None,
        blocksize: int = 8192,
        *,
        socket_keepalive: bool | SocketKeepalive = False,
        tcp_keepalive: bool | SocketKeepalive | None = None,
    ) -> None:
        _stdlib_init(self, host, port, timeout, source_address, blocksize)
        self.socket_keepalive = socket_keepalive if tcp_keepalive is None else tcp_keepalive

    # -- opening

    def connect(self) -> None:
        """Open the connection, through the tunnel if one is set.

        :raises TunnelError: the proxy refused
        :raises OSError: what failed below HTTP
        """
        parked, self._parked = self._parked, None
        sock = parked.take() if parked is not None else None
        self.sock = self._dial() if sock is None else sock
        if self._tunnel_host:
            self._tunnel()

    def _dial(self) -> Any:
        sys.audit("http.client.connect", self, self.host, self.port)
        return open_socket(
            (self.host, self.port),
            self.timeout,
            self.source_address,
            socket_keepalive=self.socket_keepalive,
            create_connection=self._create_connection,
        )

    def close(self) -> None:
        """Close the connection, and the answer that is still being read from it."""
        last, self._last_response = self._last_response, None
        parked, self._parked = self._parked, None
        self._channel = self._refusal = None
        try:
            _stdlib_close(self)
        finally:
            if parked is not None:
                parked.close()
            if last is not None and (response := last()) is not None:
                response.close()

    # -- the tunnel (RFC 9110 9.3.6)

    def set_tunnel(self, host: str, port: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Go through a tunnel to *host*; the host of the connection is the proxy.

        :param headers: to send with CONNECT
        :raises ValueError: what would not stay within its place in the CONNECT request
        :raises RuntimeError: the connection is already open
        """
        _refuse(host, "tunnel host", InvalidTarget)
        for name, value in (headers or {}).items():
            _check_field(name, value)
        _stdlib_set_tunnel(self, host, port, headers)

    def get_proxy_response_headers(self) -> http.client.HTTPMessage | None:
        """Return the headers of the proxy's answer to CONNECT, None where there was no CONNECT."""
        lines = self._raw_proxy_headers
        return None if lines is None else heads.parse_fields(b"".join(lines))

    def _tunnel(self) -> None:
        # A request may be under way already: it waits while the same methods send CONNECT.
        waiting = self.__state, self._buffer, self._method
        try:
            open_tunnel(self._send_connect, self._tunnel_target(), self._proxy_login)
        except TunnelError as refused:
            self._parked, self.sock = Parked.holding(self.sock, refused.response), None
            raise
        except BaseException:
            self.close()
            raise
        finally:
            self.__state, self._buffer, self._method = waiting

    def _tunnel_target(self) -> str:
        assert self._tunnel_host is not None
        host = self._tunnel_host.strip("[]")
        name = host if host.isascii() else host.encode("idna").decode("ascii")
        return f"[{name}]:{self._tunnel_port}" if ":" in name else f"{name}:{self._tunnel_port}"

    def _send_connect(self, authorization: str | None) -> HTTPResponse:
        """Send one CONNECT by the methods that subclasses override; return the proxy's answer."""
        if self.sock is None:
            self.sock = self._dial()
        target = self._tunnel_target()
        fields = dict(self._tunnel_headers)
        names = {name.lower() for name in fields}
        if "host" not in names:
            fields["Host"] = target
        if authorization is not None:
            fields = {name: value for name, value in fields.items() if name.lower() != "proxy-authorization"}
            fields["Proxy-Authorization"] = authorization
        if "proxy-connection" not in names and (
            self._proxy_keep_alive or authorization is not None or "proxy-authorization" in names
        ):
            # For HTTP/1.0 proxies. Otherwise CONNECT says what http.client's says, and nothing more.
            fields["Proxy-Connection"] = "Keep-Alive"

        self.__state, self._buffer = _IDLE, []
        self.putrequest("CONNECT", target, skip_host=True, skip_accept_encoding=True)
        for name, value in fields.items():
            self.putheader(name, value)
        self.endheaders()
        return self._read_connect_answer()

    def _read_connect_answer(self) -> HTTPResponse:
        for _ in range(heads.MAX_INTERIM):
            lines, file = read_head(self.sock)
            if not lines:
                raise RemoteDisconnected("Remote end closed connection without response")
            if self.debuglevel > 0:
                for line in lines[1:]:
                    print("header:", line.decode("iso-8859-1"))
            response = answer_from_head(lines, file)
            if response.status >= 200:
                break
        else:
            raise http.client.HTTPException(f"more than {heads.MAX_INTERIM} interim answers to CONNECT")
        self._raw_proxy_headers = lines[1:]
        if response.status >= 300:
            if file is None:
                take_channel(response, Channel(self.sock))
            if response.will_close:
                # The answer reads on alone; another CONNECT needs another connection.
                self.sock.close()
                self.sock = None
        return response

    # -- the request

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        """Begin a request.

        :raises http.client.CannotSendRequest: the one before has not been answered
        :raises ValueError: method or URL would not stay within the request line
        """
        state = self.__state
        if state != _IDLE:
            raise CannotSendRequest(f"request already started ({state}); getresponse() or close() comes first")
        if self._channel is not None and self._channel.broken:
            # The answer before was left half-read: what follows on this connection is the rest of it.
            self.close()
        _stdlib_putrequest(self, method, url, skip_host, skip_accept_encoding)

    def putheader(self, header: str | bytes, *values: Any) -> None:
        """Add a header; several values become a folded one, as http.client has it.

        :raises ValueError: name or value would not stay within its line
        """
        for part in (header, *values):
            if "\0" in part if isinstance(part, str) else isinstance(part, bytes) and b"\0" in part:
                raise ValueError(f"NUL in the name or the value of header {header!r}")
        _stdlib_putheader(self, header, *values)

    def _validate_method(self, method: str) -> None:
        _refuse(method, "method", ValueError)

    def _validate_path(self, url: str) -> None:
        _refuse(url, "URL", InvalidTarget)

    def _validate_host(self, host: str) -> None:
        _refuse(host, "URL", InvalidTarget)

    def send(self, data: Any) -> None:
        """Send *data*: bytes, a file, or an iterable of bytes; opens the connection where ``auto_open`` says so.

        Where the proxy refuses the tunnel nothing is sent: ``getresponse()`` has its answer.
        """
        if self.sock is None and not self._open_for_request():
            return
        _stdlib_send(self, data)

    def _open_for_request(self) -> bool:
        """Open the connection if it may be opened; return False where the proxy refused the tunnel."""
        if self._refusal is None and self.auto_open:
            try:
                self.connect()
            except TunnelError as refused:
                if self.__state != _REQUEST_SENT:
                    raise
                self._refusal = refused.response
        return self._refusal is None

    def _send_output(self, message_body: Any = None, encode_chunked: bool = False) -> None:
        if isinstance(message_body, bytes) and len(message_body) <= ONE_SEGMENT and not encode_chunked:
            self._buffer += (b"", message_body)
            message = b"\r\n".join(self._buffer)
            del self._buffer[:]
            self.send(message)
            return
        if self._tunnel_host and self.sock is None and not self._open_for_request():
            # A body that can be read only once is left for the attempt that gets through.
            del self._buffer[:]
            return
        _stdlib_send_output(self, message_body, encode_chunked)

    # -- the answer

    def getresponse(self) -> Any:
        """Return the answer to the request: an instance of ``response_class``.

        :raises http.client.ResponseNotReady: nothing was sent, or the answer before has not been read
        :raises http.client.RemoteDisconnected: the connection ended before an answer
        """
        state = self.__state
        last = self._last_response() if self._last_response is not None else None
        if state != _REQUEST_SENT or (last is not None and not last.isclosed()):
            raise ResponseNotReady(state)
        if self._refusal is not None:
            response, self._refusal = self._refusal, None
            self.__state = _IDLE
            self._last_response = weakref.ref(response)
            return response
        if self.sock is None:
            raise NotConnected("the connection was closed before the answer")

        response = self._new_response()
        try:
            try:
                response.begin()
            except ConnectionError:
                self.close()
                raise
            self.__state = _IDLE
            self._last_response = None
            if response.will_close:
                # The answer reads on alone and closes the socket at its end.
                self.close()
            else:
                self._last_response = weakref.ref(response)
            return response
        except BaseException:
            response.close()
            raise

    def _new_response(self) -> Any:
        if self.response_class is HTTPResponse:
            channel = self._channel
            if channel is None or channel.sock is not self.sock or channel.reader.closed:
                channel = self._channel = channel_for(self.sock)
            if channel is not None:
                return answer_on_channel(channel, self.debuglevel, self._method)
        if self.debuglevel > 0:
            return self.response_class(self.sock, self.debuglevel, method=self._method)
        return self.response_class(self.sock, method=self._method)


def _refuse(text: str, what: str, error: type[ValueError]) -> None:
    """Refuse what would end its place in the request line and begin another (CVE-2019-9740, CVE-2019-18348)."""
    if found := _illegal_in_request_line(text):
        raise error(f"{what} can't contain control characters. {text!r} (found at least {found.group()!r})")


def _check_field(name: str, value: Any) -> None:
    if ":" in name or any(character in f"{name}{value}" for character in "\0\r\n"):
        raise ValueError(f"header name or value with characters that end it: {name!r}")
