"""A connection: requests out, responses in, and the tunnel that it may have to open first."""

from __future__ import annotations

import sys
import weakref
from http.client import CannotSendRequest, NotConnected, ResponseNotReady
from types import MethodType

from coda_network._http import in_place
from coda_network._http.cut_userinfo import refuse_cut_userinfo
from coda_network._http.in_place import has_known_request
from coda_network._http.reader import ConnectionReader
from coda_network._http.refused_tunnel import RefusedTunnel
from coda_network._http.responding import Responding
from coda_network._http.response import HTTPResponse
from coda_network._http.sending import ONE_SEGMENT, Sending
from coda_network._http.tunnel import Tunnelling
from coda_network._http.tunnel_login import TunnelError
from coda_network._net.dial import SocketKeepalive, open_socket
from coda_network._net.timeout import StartedTimeout, Timeout
from coda_network._net.tls import is_tls
from coda_network._originals import http_client, kept
from coda_network._secrets import forget_secrets
from coda_network._signatures import extends
from coda_network._wire.fast_request import Composer, unless_bytes
from coda_network._wire.heads import hide_authorization
from coda_network._wire.validate import InvalidTarget, hide_value, refuse_in_request_line, refuse_nul

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from coda_network._auth.login import Login
    from coda_network._http.forward_login import ForwardProxyLogin
    from coda_network._wire.types import ConnectionBody, FieldValue

_stdlib_init = kept(http_client.HTTPConnection, "__init__")
_stdlib_putrequest = kept(http_client.HTTPConnection, "putrequest")
_stdlib_putheader = kept(http_client.HTTPConnection, "putheader")
_stdlib_send = kept(http_client.HTTPConnection, "send")
_stdlib_close = kept(http_client.HTTPConnection, "close")

_BY_PHASE = (Timeout, StartedTimeout)

_IDLE = "Idle"
_REQUEST_SENT = "Request-sent"


class HTTPConnection(Sending, Responding, Tunnelling, http_client.HTTPConnection):
    """http.client.HTTPConnection that keeps what it reads, and hands out a proxy's refusal of a tunnel as a response.

    :param socket_keepalive: probe the peer while nothing is sent; a bool, or a SocketKeepalive with seconds, seconds
        and probes. ``tcp_keepalive`` is its name of 2010.

    The other parameters are http.client's. A CONNECT that the proxy refuses is not raised by ``request()``:
    ``getresponse()`` returns the proxy's response, with ``tunnel`` True, and the next request tries again on the same
    connection. ``connect()`` raises it, as TunnelError (an OSError).
    """

    __module__ = "coda_network.httplib"  # where programs, and pickle, find it

    # What http.client has and typeshed does not know.
    _send_request: Any
    __state: str
    _http_vsn: int
    _http_vsn_str: str
    _method: str | None
    _buffer: list[bytes]
    _create_connection: Any
    _tunnel_host: str | None
    _tunnel_port: int | None
    _tunnel_headers: dict[str, str]
    source_address: tuple[str, int] | None
    sock: Any

    response_class: Any = HTTPResponse
    # Python 3.15 has it: header lines that a response may have; None is http.client's own limit.
    max_response_headers: int | None = None
    socket_keepalive: bool | SocketKeepalive = False

    # Set by _log_in_with(): for CONNECT, and that somebody else looks after challenges.
    _proxy_login: Login | None = None
    _login_handled_elsewhere = False
    # Watches requests in absolute-form, in case the proxy wants a login; None where somebody else does that.
    _forward_login: ForwardProxyLogin | None = None
    _raw_proxy_headers: list[bytes] | None = None

    # Bytes of head and body that are left to send, by the program's own Content-Length; None where nobody counts.
    _left_to_send: int | None = None
    _composer: Composer | None = None
    _reader: ConnectionReader | None = None
    _refused_tunnel: RefusedTunnel | None = None
    _refusal: HTTPResponse | None = None
    _last_response: weakref.ref[Any] | None = None
    # Its functions help the connections of another library in the place of ours.
    _variant: Any = None

    if TYPE_CHECKING:
        # For people and their editors; tests/test_signatures.py compares it with http.client's.
        def __init__(
            self,
            host: str,
            port: int | None = None,
            timeout: float | None = ...,
            source_address: tuple[str, int] | None = None,
            blocksize: int = 8192,
            *,
            max_response_headers: int | None = None,  # Python 3.15 and later
            socket_keepalive: bool | SocketKeepalive = False,
            tcp_keepalive: bool | SocketKeepalive | None = None,
        ) -> None: ...

    else:

        @extends(_stdlib_init)
        def __init__(
            self,
            *args: Any,
            socket_keepalive: bool | SocketKeepalive = False,
            tcp_keepalive: bool | SocketKeepalive | None = None,
            **options: Any,
        ) -> None:
            try:
                _stdlib_init(self, *args, **options)
            except BaseException as error:
                del args, options
                forget_secrets(error)
                raise
            HTTPConnection._init_extensions(self, socket_keepalive if tcp_keepalive is None else tcp_keepalive)

    def _init_extensions(self, socket_keepalive: bool | SocketKeepalive) -> None:
        self.socket_keepalive = socket_keepalive
        # All of it here and nothing in the class: the patch lends http.client's class our methods for a while only.
        self._forward_login = self._refusal = self._reader = self._last_response = None
        self._left_to_send = self._composer = self._refused_tunnel = self._proxy_login = None
        self._login_handled_elsewhere = False
        self._variant = in_place.variant_of(type(self))

    # -- opening

    def connect(self) -> None:
        """Open the connection, through the tunnel if one is set.

        :raises TunnelError: the proxy refused
        :raises OSError: what failed below HTTP
        """
        in_place.adopt(self)
        if isinstance(self.timeout, _BY_PHASE):
            from coda_network._http.time_limits import connecting

            with connecting(self):
                HTTPConnection.connect(self)
            return
        try:
            if self._tunnel_host:
                HTTPConnection._check_tunnel(self)
            if self._refused_tunnel is None or not self._tunnel_host:
                self.sock = in_place.helpers_of(self)._dial(self)
            if self._tunnel_host:
                self._tunnel()
        except BaseException as error:
            forget_secrets(error)
            raise

    def _dial(self) -> Any:
        sys.audit("http.client.connect", self, self.host, self.port)
        sock: Any = open_socket(
            (self.host, self.port),
            self.timeout,
            self.source_address,
            socket_keepalive=self.socket_keepalive,
            create_connection=self._create_connection,
        )
        if self._proxy_login is not None and is_tls(sock):
            # The login at a proxy can be bound to the certificate of its TLS (RFC 5929).
            try:
                certificate = sock.getpeercert(True)
            except BaseException:  # the proxy has gone in the meantime
                sock.close()
                raise
            self._proxy_login.peer = self._proxy_login.peer._replace(tls_certificate=certificate)
        return sock

    def _dial_again(self) -> Any:
        """Open the socket that ``connect()`` opened, which a subclass may have overridden."""
        return in_place.helpers_of(self)._dial(self)

    def close(self) -> None:
        """Close the connection, and the response that is still being read from it."""
        in_place.adopt(self)
        last, self._last_response = self._last_response, None
        refused, self._refused_tunnel = self._refused_tunnel, None
        self._reader = self._refusal = self._forward_login = None
        # Discard a half-written request.
        del self._buffer[:]
        try:
            _stdlib_close(self)
        finally:
            if refused is not None:
                refused.close()
            if last is not None and (response := last()) is not None:
                response.close()

    # -- logins at the proxy

    def _log_in_with(self, proxy_login: Login | None) -> None:
        """Leave responses with a challenge to whoever leases this connection.

        :param proxy_login: for CONNECT; None where the connection has no tunnel
        """
        self._login_handled_elsewhere = True
        self._proxy_login = proxy_login

    # -- the state, which http.client names after its class

    def _suspended_request(self) -> tuple[str, list[bytes], str | None, int | None]:
        """Return the request under way, for ``_resume_request()``: meanwhile CONNECT is sent."""
        return self.__state, self._buffer, self._method, self._left_to_send

    def _resume_request(self, suspended: tuple[str, list[bytes], str | None, int | None]) -> None:
        self.__state, self._buffer, self._method, self._left_to_send = suspended

    def _discard_request(self) -> None:
        self.__state = _IDLE
        del self._buffer[:]

    # -- the request

    def request(
        self,
        method: str,
        url: str,
        body: ConnectionBody | None = None,
        headers: Mapping[str, FieldValue] = {},
        *,
        encode_chunked: bool = False,
    ) -> None:
        """Send a request; the response is then to be fetched by ``getresponse()``.

        :param body: bytes, a str (sent as Latin-1), a file, or an iterable of bytes
        :param headers: to send besides Host, Accept-Encoding and Content-Length or Transfer-Encoding, unless they have
            them
        :param encode_chunked: the program announces chunks in *headers*, and they are made here
        :raises http.client.CannotSendRequest: the response to the request before has not been fetched
        :raises ValueError: something would not stay within its place
        """
        try:
            composer = self._composer
        except AttributeError:
            in_place.adopt(self)
            composer = None
        message = None
        try:
            at_once = url and (body is None or (type(body) is bytes and len(body) <= ONE_SEGMENT))
            if at_once and (url[:1] == "/" or self._login_handled_elsewhere) and HTTPConnection._may_send_at_once(self):
                if composer is None:
                    composer = self._composer = Composer()
                host, place = MethodType(_host_field, self), None
                if not self._login_handled_elsewhere:  # an opener gives Host itself
                    place = self.host, self.port, self.default_port, self._tunnel_host, self._tunnel_port
                message = composer.compose(method, url, host, body, headers, place)  # type: ignore[arg-type]  # bytes, or None
            if message is None:
                self._send_request(method, url, body, headers, encode_chunked)
                return
            HTTPConnection._drop_stale_socket(self)
            self._method = method
            self.__state = _REQUEST_SENT
            self.send(message)
        except BaseException as error:
            del method, url, body, headers, message
            forget_secrets(error)
            raise

    def _may_send_at_once(self) -> bool:
        """Return whether the request may be made at once: nobody has replaced a step of it, or wants to see one."""
        cls = type(self)
        return (
            self.__state == _IDLE
            and not self.debuglevel
            # As has_known_request() says of our own, without the call.
            and (
                (
                    cls.putrequest is _putrequest
                    and cls.putheader is _putheader
                    and cls.endheaders is _endheaders
                    and cls._send_request is _send_request
                    and cls._send_output is _send_output
                )
                or has_known_request(cls)
            )
            and type(self._buffer) is list
            and not self._buffer
            and self._http_vsn_str == "HTTP/1.1"
            and self._forward_login is None
            and (self._composer is not None or _has_no_step_of_its_own(self))
        )

    def putrequest(self, method: str, url: str, skip_host: bool = False, skip_accept_encoding: bool = False) -> None:
        """Begin a request.

        :raises http.client.CannotSendRequest: the response to the request before has not been fetched
        :raises ValueError: method or URL would not stay within the request line
        :raises http.client.InvalidURL: urllib3 took the domain of the proxy's user for the proxy
        """
        state = self.__state
        if state != _IDLE:
            raise CannotSendRequest(f"request already started ({state}); getresponse() or close() comes first")
        in_place.adopt(self)
        HTTPConnection._drop_stale_socket(self)
        url = url or "/"  # None, too: as in http.client
        login = self._forward_login
        if login is not None and login.is_bound and url[:7] != "http://":
            # The proxy would take this request, which names nobody, for that of the user who is logged in.
            HTTPConnection.close(self)
        try:
            if self.sock is None:
                refuse_cut_userinfo(self)
            _stdlib_putrequest(self, method, url, skip_host, skip_accept_encoding)
        except BaseException as error:
            del method, url
            forget_secrets(error)
            raise
        if url[:7] == "http://" and not self._login_handled_elsewhere and not self._tunnel_host:
            if self._forward_login is None:
                from coda_network._http.forward_login import ForwardProxyLogin

                self._forward_login = ForwardProxyLogin()
            self._forward_login.begin(method, url)

    def putheader(self, header: str | bytes, *values: FieldValue) -> None:
        """Add a header; several values become a folded one, as http.client has it.

        :raises ValueError: name or value would not stay within its line
        """
        try:
            refuse_nul(header, *values)
            _stdlib_putheader(self, header, *values)
        except BaseException as error:
            hide_value(error, header)
            del header, values
            forget_secrets(error)
            raise

    def _validate_method(self, method: str) -> None:
        refuse_in_request_line(method, "method", ValueError)

    def _validate_path(self, url: str) -> None:
        refuse_in_request_line(url, "URL", InvalidTarget)

    def _validate_host(self, host: str) -> None:
        refuse_in_request_line(host, "URL", InvalidTarget)

    def send(self, data: Any) -> None:
        """Send *data*: bytes, a file, or an iterable of bytes; opens the connection where ``auto_open`` says so.

        Where the proxy refuses the tunnel nothing is sent: ``getresponse()`` has its response.
        """
        try:
            left = self._left_to_send
        except AttributeError:
            in_place.adopt(self)
            left = None
        try:
            if self.sock is None and not HTTPConnection._open_for_request(self):
                return
            if left is not None:
                pieces = self._read_readable(data) if hasattr(data, "read") else unless_bytes(data)
                if pieces is not None:
                    for piece in pieces:
                        HTTPConnection.send(self, piece)
                    return
                self._left_to_send = left - memoryview(data).nbytes
            if self._forward_login is not None:
                data = self._forward_login.on_send(self, data)
            if type(data) is bytes and self.sock is not None:
                if self.debuglevel > 0:
                    print("send:", repr(hide_authorization(data)))
                sys.audit("http.client.send", self, data)
                self.sock.sendall(data)
            else:
                _stdlib_send(self, data)
        except BaseException as error:
            data = piece = None
            forget_secrets(error)
            raise

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

    # -- the response

    def getresponse(self) -> HTTPResponse:
        """Return the response to the request: an instance of ``response_class``.

        :raises http.client.ResponseNotReady: nothing was sent, or the response before has not been read
        :raises http.client.RemoteDisconnected: the connection ended before a response
        """
        state = self.__state
        if state != _REQUEST_SENT:
            raise ResponseNotReady(state)
        try:
            left = self._left_to_send
        except AttributeError:
            in_place.adopt(self)
            left = None
        if left is not None:
            self._left_to_send = None
        last = self._last_response
        if last is not None and last() is not None and HTTPConnection._awaits_response_end(self):
            raise ResponseNotReady(f"{state}; the response before has not been read to its end")
        if self._refusal is not None:
            response, self._refusal = self._refusal, None
            self.__state = _IDLE
            return response
        reader = self._reader
        if reader is not None and reader.broken and reader.sock is self.sock:
            self.close()
            raise NotConnected("the response before was left half-read after this request had been sent")
        if self.sock is None:
            raise NotConnected("the connection was closed before the response")

        absolute_form = self._forward_login
        if absolute_form is not None and (refusal := absolute_form.take_refusal()) is not None:
            self.__state = _IDLE
            return refusal
        try:
            response = (
                HTTPConnection._quick_response(self) if self._variant is None else None
            ) or HTTPConnection._general_response(self)
        except ConnectionError:
            self.close()
            raise
        self.__state = _IDLE
        if left:
            # More than was announced is read as the next request, less makes the peer wait for the rest.
            response.will_close = True
        if response.will_close:
            # The response reads on alone and closes the socket at its end.
            self._last_response = None
            self.close()
        else:
            self._last_response = weakref.ref(response)
        if absolute_form is None:
            return response
        try:
            final: HTTPResponse = absolute_form.on_response(self, response)
            return final
        except BaseException as error:
            forget_secrets(error)
            raise

    def _repeat(self, message: bytes, method: str) -> Any:
        """Send a complete request, in the middle of or behind the one that was begun; return the response to it.

        The connection is opened again where the response before has ended it.
        """
        waiting = self.__state, self._method, self._forward_login, self._left_to_send
        self._forward_login = self._left_to_send = None
        try:
            if self._reader is not None and self._reader.broken:
                self.close()
            if self.sock is None:
                self.connect()
            self.__state, self._method = _REQUEST_SENT, method
            self.send(message)
            return HTTPConnection.getresponse(self)
        finally:
            self.__state, self._method, self._forward_login, self._left_to_send = waiting

    def _dial_for_another_user(self) -> None:
        """Open another connection to the same peer, in the middle of a request that goes on with it."""
        suspended = HTTPConnection._suspended_request(self)
        # Not by self.close() and connect(): subclasses extend them, and a tunnel is none of this.
        HTTPConnection.close(self)
        if isinstance(self.timeout, _BY_PHASE):
            from coda_network._http.time_limits import connecting

            with connecting(self):
                self.sock = in_place.helpers_of(self)._dial_again(self)
        else:
            self.sock = in_place.helpers_of(self)._dial_again(self)
        HTTPConnection._resume_request(self, suspended)

    def _awaits_response_end(self) -> bool:
        """Return whether somebody is still reading the response before."""
        last = self._last_response() if self._last_response is not None else None
        return last is not None and not last.isclosed()

    def _drop_stale_socket(self) -> None:
        """Part from a socket on which no response would be read next, but the rest of the last or bytes behind it."""
        reader = self._reader
        if isinstance(self.timeout, Timeout) and self.sock is not None:
            from coda_network._http.time_limits import begin_request

            begin_request(self)
        if reader is None or reader.sock is not self.sock:
            return
        # Whoever leases connections has looked for himself whether something came meanwhile.
        # As reader.can_go_on() says, without the call.
        source, is_idle = reader.source, False
        if not reader.broken and not getattr(reader.sock, "_closed", False):
            is_idle = not (source.ahead if source.passed_by else reader.has_surplus())
        is_idle = is_idle and (self._login_handled_elsewhere or not (self.auto_open and reader.is_dropped()))
        if is_idle or HTTPConnection._awaits_response_end(self):
            return
        # Not by self.close(): where a subclass extends it, that would end the request that has begun, too.
        HTTPConnection.close(self)


def _has_no_step_of_its_own(connection: Any) -> bool:
    """Return whether the program has replaced no step of a request in this very connection, as tests do.

    Looked at before the first request: instance attributes are too slow to be looked at before each.
    """
    # Not by ``__dict__``: asking for it makes attributes slower on Python 3.11 and 3.12.
    return all(type(getattr(connection, name)) is MethodType for name in in_place.REQUEST_STEPS)


def _host_field(connection: Any) -> str | None:
    """Return the value of Host; None where it needs the care that http.client takes."""
    if connection._tunnel_host:
        host, port = connection._tunnel_host, connection._tunnel_port
    else:
        host, port = connection.host, connection.port
    if not host.isascii() or ":" in host:
        return None
    return host if port == connection.default_port else f"{host}:{port}"


_steps = tuple(getattr(HTTPConnection, name) for name in in_place.REQUEST_STEPS)
_putrequest, _putheader, _endheaders, _send_request, _send_output = _steps
in_place.known_requests.append(_steps)
in_place.known_sending.append(tuple(getattr(HTTPConnection, name) for name in in_place.SENDING))
in_place.our_connection, in_place.our_response = HTTPConnection, HTTPResponse
