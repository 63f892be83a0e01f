"""The tunnel through a proxy: CONNECT and the response to it."""

from __future__ import annotations

import functools
import http.client
import sys
from http.client import RemoteDisconnected

from coda_network._http import in_place
from coda_network._http.cut_userinfo import refuse_cut_userinfo
from coda_network._http.read_response import response_from_head, use_reader
from coda_network._http.reader import reader_for
from coda_network._http.refused_tunnel import RefusedTunnel
from coda_network._http.response import HTTPResponse
from coda_network._http.tunnel_login import ConnectionLost, TunnelError, open_tunnel
from coda_network._net.read_head import read_head
from coda_network._net.redial import redial
from coda_network._originals import http_client, kept
from coda_network._secrets import forget_secrets
from coda_network._wire import heads
from coda_network._wire.validate import InvalidTarget, refuse_further_lines, refuse_in_request_line, refuse_nul

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from coda_network._auth.login import Login

    _Base = http_client.HTTPConnection
else:
    _Base = object

# Whether http.client prints the empty line at the end of the response to CONNECT, too.
_PRINTS_THE_END = (3, 12) <= sys.version_info < (3, 15)

_stdlib_get_hostport = kept(http_client.HTTPConnection, "_get_hostport")
_stdlib_putrequest = kept(http_client.HTTPConnection, "putrequest")
_stdlib_putheader = kept(http_client.HTTPConnection, "putheader")
_stdlib_endheaders = kept(http_client.HTTPConnection, "endheaders")
_stdlib_set_tunnel = kept(http_client.HTTPConnection, "set_tunnel")


class Tunnelling(_Base):
    """The part of HTTPConnection that opens a tunnel through a proxy (RFC 9110 section 9.3.6)."""

    # What the rest of HTTPConnection has.
    sock: Any
    max_response_headers: int | None
    _buffer: list[bytes]
    _tunnel_host: Any
    _tunnel_port: Any
    _tunnel_headers: dict[str, str]
    _raw_proxy_headers: list[bytes] | None
    _proxy_login: Login | None
    _refused_tunnel: RefusedTunnel | None
    _dial_again: Callable[[], Any]
    _suspended_request: Any
    _resume_request: Any
    _discard_request: Any

    def set_tunnel(self, host: str, port: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        """Go through a tunnel to *host*; the host of the connection is the proxy.

        What would not stay within its place in the CONNECT request is refused when the tunnel is opened, as
        http.client does since Python 3.14; nothing has been dialled then.

        :param headers: to send with CONNECT
        :raises RuntimeError: the connection is already open
        :raises http.client.InvalidURL: urllib3 took the domain of the proxy's user for the proxy
        """
        given = dict(headers or ())
        try:
            refuse_cut_userinfo(self)
            # A copy: Python 3.10 and 3.11 would empty the caller's own when the tunnel is set again without headers.
            _stdlib_set_tunnel(self, host, port, given)
        except BaseException as error:
            del host, headers, given
            forget_secrets(error)
            raise
        if "Host" in self._tunnel_headers and "Host" not in given:
            # http.client's own, which has no brackets around IPv6 addresses on some versions of Python.
            self._tunnel_headers["Host"] = authority(self._tunnel_host, self._tunnel_port)

    def _check_tunnel(self) -> None:
        """Refuse what would not stay within its place in the CONNECT request.

        :raises ValueError: it would not
        """
        host = self._tunnel_host
        refuse_in_request_line(host, "Tunnel host", InvalidTarget)
        # Some characters have white space in their form for IDNA.
        refuse_in_request_line(authority(host, self._tunnel_port), "Tunnel host", InvalidTarget)
        for name, value in (self._tunnel_headers or {}).items():
            text = field_text(value)
            refuse_nul(name, text)
            refuse_further_lines(name, text)

    def get_proxy_response_headers(self) -> http.client.HTTPMessage | None:
        """Return the headers of the proxy's response to CONNECT, None where there was no CONNECT."""
        lines = self._raw_proxy_headers
        return None if lines is None else heads.parse_fields(b"".join(lines))

    def _tunnel_target(self) -> tuple[str, int] | None:
        """Return host and port at the end of the tunnel; None where there is no tunnel."""
        host, port = self._tunnel_host, self._tunnel_port
        return None if not host or port is None else (host, port)

    def _get_hostport(self, host: str, port: int | None) -> tuple[str, int]:
        """Return host and port; Python before 3.13 leaves the brackets of an IPv6 address where a port is given."""
        try:
            name, number = _stdlib_get_hostport(self, host, port)
        except http.client.InvalidURL:
            name = None
        if name is None:
            from coda_network._wire.authority import host_for_people

            # What stands in the place of the port may be a part of a password. Raised here, the error has no context.
            raise http.client.InvalidURL(f"nonnumeric port: what follows {host_for_people(host)!r} is no number")
        return name[1:-1] if name[:1] == "[" and name[-1:] == "]" else name, number

    def _tunnel(self) -> None:
        """Open the tunnel over the socket of this connection, or over that on which it was refused before.

        :raises TunnelError: the proxy refused
        :raises OSError: the connection to the proxy failed
        :raises ValueError: host or headers would not stay within their place in the CONNECT request
        """
        Tunnelling._check_tunnel(self)
        from coda_network._http.header_login import login_for_tunnel

        # A request may be under way already: it waits while CONNECT is sent.
        helpers = in_place.helpers_of(self)
        suspended = helpers._suspended_request(self)
        connect = functools.partial(helpers._send_connect, self, self.sock)
        target = authority(self._tunnel_host, self._tunnel_port)
        try:
            open_tunnel(connect, target, self._proxy_login or login_for_tunnel(self))
        except TunnelError as error:
            helpers._resume_request(self, suspended)
            del suspended
            forget_secrets(error)
            raise
        except BaseException as error:
            self.close()
            helpers._resume_request(self, suspended)
            helpers._discard_request(self)
            del suspended
            forget_secrets(error)
            raise
        helpers._resume_request(self, suspended)

    def _send_connect(self, dialled: Any, authorization: str | None, is_bound: bool = False) -> HTTPResponse:
        """Send one CONNECT and return the proxy's response, opening the connection to the proxy where it is not open.

        :param dialled: the socket that the tunnel is to be in
        :param is_bound: the authorization is valid on the connection of the refusal before only
        :raises ConnectionLost: that connection cannot go on
        """
        refused, self._refused_tunnel = self._refused_tunnel, None
        if self.sock is None and refused is not None and (sock := refused.detach()) is not None:
            self.sock = sock
            try:
                return Tunnelling._exchange_connect(self, authorization)
            except ConnectionError:
                # Some proxies announce that the connection goes on and close it all the same.
                sock.close()
                self.sock = None
        if is_bound:
            raise ConnectionLost("the proxy closed the connection in the middle of the handshake")
        if self.sock is None:
            self.sock = redial(functools.partial(in_place.helpers_of(self)._dial_again, self), dialled)
        return Tunnelling._exchange_connect(self, authorization)

    def _exchange_connect(self, authorization: str | None) -> HTTPResponse:
        """Send CONNECT by the methods that subclasses of ours override; read the response.

        Connections of http.client send it as http.client does, past those methods: what programs put in their place,
        instrumentation say, would take it for a request of the program, and give the proxy the fields for the site.
        Where it is a refusal the socket is kept in a RefusedTunnel, until another CONNECT follows.
        """
        target = authority(self._tunnel_host, self._tunnel_port)
        self._buffer = []  # the list of the suspended request stays as it is
        in_place.helpers_of(self)._discard_request(self)
        keep_alive = self._proxy_login is not None
        fields = connect_fields(self._tunnel_headers or {}, target, authorization, keep_alive)
        if isinstance(self, Tunnelling):
            self.putrequest("CONNECT", target, skip_host=True, skip_accept_encoding=True)
            for name, value in fields:
                self.putheader(name, value)
            self.endheaders()
        else:
            _stdlib_putrequest(self, "CONNECT", target, skip_host=True, skip_accept_encoding=True)
            for name, value in fields:
                _stdlib_putheader(self, name, value)
            _stdlib_endheaders(self)
        response, self._raw_proxy_headers = read_connect_response(self.sock, self.debuglevel, most_headers(self))
        if not 200 <= response.status < 300:
            self._refused_tunnel, self.sock = RefusedTunnel(self.sock, response), None
        return response


def most_headers(connection: Any) -> int | None:
    """Return the limit of a connection's own; None for http.client's, and where the patch has gone meanwhile."""
    return getattr(connection, "max_response_headers", None)


def authority(host: str, port: int) -> str:
    """Return ``host:port`` as CONNECT and Host have it: IDNA for names, brackets around IPv6 addresses.

    :raises UnicodeError: (a ValueError) what no host name can be
    """
    from coda_network._wire.authority import join_authority  # only CONNECT needs it

    return join_authority(host if host.isascii() else host.encode("idna").decode("ascii"), port)


def field_text(value: Any) -> str | bytes | bytearray:
    """Return a value of ``set_tunnel()`` as it is sent: a number, None or any other object as its text."""
    return value if isinstance(value, (str, bytes, bytearray)) else str(value)


def connect_fields(
    given: Mapping[str, Any], target: str, authorization: str | None, keep_alive: bool
) -> list[tuple[str, str | bytes | bytearray]]:
    """Return the headers of one CONNECT.

    :param given: those of ``set_tunnel()``
    :param authorization: for Proxy-Authorization, in place of a given one; "" for none, None for the given one
    :param keep_alive: say so to proxies that speak HTTP/1.0. With a login it is said anyway; otherwise CONNECT says
        what http.client's says, and nothing more.
    """
    names = {name.lower() for name in given}
    fields = [(name, field_text(value)) for name, value in given.items()]
    if "host" not in names:
        fields.append(("Host", target))
    if authorization is not None:
        fields = [(name, value) for name, value in fields if name.lower() != "proxy-authorization"]
        if authorization:
            fields.append(("Proxy-Authorization", authorization))
    with_login = authorization is not None or "proxy-authorization" in names
    if (keep_alive or with_login) and "proxy-connection" not in names:
        fields.append(("Proxy-Connection", "Keep-Alive"))
    return fields


def read_connect_response(sock: Any, debuglevel: int, max_headers: int | None) -> tuple[HTTPResponse, list[bytes]]:
    """Read the proxy's response to CONNECT; return it, and its header lines as they came.

    Nothing behind the head is read. The body of a refusal waits in the socket, that of a 2xx response is the tunnel's.

    :raises http.client.RemoteDisconnected: the connection ended before a response
    """
    lines, file = read_head(sock, max_headers)
    if not lines:
        raise RemoteDisconnected("Remote end closed connection without response")
    if debuglevel > 0:
        for line in lines[1:] if _PRINTS_THE_END else lines[1:-1]:
            print("header:", heads.hide_token(line.decode("iso-8859-1")))
    response = response_from_head(lines, file)
    if response.status >= 300 or response.status < 200:
        reader = reader_for(sock)
        if reader is not None:
            use_reader(response, reader)
    else:
        response.fp = None
        if file is not None:
            file.close()
    return response, lines[1:]
