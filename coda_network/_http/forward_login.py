"""Logging in at a proxy that reads the requests itself: those in absolute-form (RFC 9112 section 3.2.2).

Programs that drive http.client on their own (urllib3, requests, pip) send such a request with a ready Basic header, or
without any, and know nothing of a proxy that asks for more. Here the request is remembered as it goes out, and sent
again with what the proxy asks for, on the same connection. The opener has an exchange of its own and needs none of
this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from coda_network._auth.login import CUT_SHORT_TWICE, LARGE_BODY, Login
from coda_network._auth.scheme import Outgoing, PeerUnproven
from coda_network._http import in_place
from coda_network._http.drain import drain
from coda_network._http.header_login import login_from_header, may_have_to_log_in, note_accepted_header

if TYPE_CHECKING:
    from coda_network._http.response import HTTPResponse

_OF_THE_PROBE = (b"host", b"user-agent", b"proxy-connection", b"connection")


class ForwardProxyLogin:
    """The requests in absolute-form of one connection, and its login at the proxy that reads them."""

    def __init__(self) -> None:
        self._login: Login | None = None
        self._given: str | None = None
        self._accepted = False  # the proxy has responded with something else than 407 on this connection
        self._begin("", "")
        self._watching = False

    @property
    def is_bound(self) -> bool:
        """Return whether the proxy takes every request on this connection for the same user's."""
        return self._login is not None and self._login.binds_connection

    def begin(self, method: str, target: str) -> None:
        """Note that a request begins; its head is sent next."""
        self._begin(method, target)

    def _begin(self, method: str, target: str) -> None:
        self._watching = True
        self._method = method
        self._outgoing = Outgoing(method, target)
        self._head: _Head | None = None
        self._body: bytes | None = b""
        self._has_begun_anew = False
        self._value: str | None = None  # the Proxy-Authorization that went out
        self._refusal: HTTPResponse | None = None

    def on_send(self, connection: Any, data: Any) -> Any:
        """Take note of what is about to be sent on the open *connection*; return what is to be sent in its place."""
        if not self._watching:
            return data
        if self._refusal is not None:
            return b""
        if self._head is None:
            return self._on_send_head(connection, data)
        self._remember(data)
        return data

    def _on_send_head(self, connection: Any, data: Any) -> Any:
        head, end, start_of_body = bytes(data).partition(b"\r\n\r\n") if _is_bytes(data) else (b"", b"", b"")
        if not end:
            self._watching = False  # somebody writes it in pieces of his own
            return data
        self._head = _Head(head)
        given = self._head.value(b"proxy-authorization")
        if self._login is None or given != self._given:
            if self.is_bound:
                # It is logged in as somebody else, and the proxy would take this request for his.
                in_place.our_connection._dial_for_another_user(connection)
                connection._forward_login = self
                self._accepted = False
            self._given = given
            self._login = login_from_header(connection, given)
        if self._login is None:
            self._watching = False
            return data
        value = self._login.start(self._outgoing)
        if self._head.body_length() > LARGE_BODY and self._expects_a_challenge(self._login):
            self._body = None
            value = self._log_in_first(connection, self._login, value)
            if self._refusal is not None:
                return b""
        else:
            self._remember(start_of_body)
        self._value = value
        return self._head.with_authorization(value) + start_of_body

    def _remember(self, data: Any) -> None:
        if self._body is None:
            return
        if not _is_bytes(data) or len(self._body) + len(data) > LARGE_BODY:
            self._body = None
        else:
            self._body += data

    def _expects_a_challenge(self, login: Login) -> bool:
        """Return whether the proxy may want a login, as far as one can know, and the body would be sent in vain."""
        return login.is_untried or (not self._accepted and may_have_to_log_in(login))

    def _log_in_first(self, connection: Any, login: Login, value: str | None) -> str | None:
        """Let HEAD go through the login; return the header value for the request itself.

        A proxy may want a login for each request, also by a scheme that binds its connection. So one more HEAD tries
        whether the login holds; where it does not, the request itself, with its body, is the last leg of the next one.
        """
        assert self._head is not None
        trying = login.is_untried
        while True:
            response = in_place.helpers_of(connection)._repeat(connection, self._head.probe(value), "HEAD")
            response.read()  # it is over: it had no body
            if response.status != 407:
                self._note_acceptance(login, value)
                login.on_response(response.headers)
                value = login.start(self._outgoing)
                if trying or not login.is_untried:
                    return value
                trying = True
                continue
            value = self._next_authorization(login, response)
            if value is None:
                # What came is the response to the request, of which nothing was sent.
                del response.headers["Content-Length"]
                response.headers["Content-Length"] = "0"
                self._refusal = response
                return None
            if not login.awaits_challenge and (trying or not login.binds_connection):
                return value

    def on_response(self, connection: Any, response: Any) -> Any:
        """Return the response to hand to the program: *response*, or the one that came after a login."""
        if not self._watching:
            return response
        self._watching = False
        login = self._login
        if login is None or self._head is None:
            return response
        value = self._value
        while response.status == 407:
            value = None if self._body is None else self._next_authorization(login, response)
            if value is None:
                return response
            if not drain(response):
                connection.close()
                if login.in_progress:
                    if self._has_begun_anew:
                        login.withdraw(CUT_SHORT_TWICE)
                        return response
                    value = self._begin_anew(login)
            # So short a body may go with every leg of a handshake.
            try:
                response = self._send_again(connection, value)
            except ConnectionError:
                # The proxy closed behind its challenge without saying so; what it refused was not carried out.
                if self._has_begun_anew:
                    raise
                connection.close()
                value = self._begin_anew(login) if login.in_progress else value
                self._has_begun_anew = True
                response = self._send_again(connection, value)
        self._note_acceptance(login, value)
        try:
            login.on_response(response.headers)
        except PeerUnproven:
            response.close()
            connection.close()
            raise
        return response

    def _send_again(self, connection: Any, value: str | None) -> Any:
        assert self._head is not None  # it was sent before
        assert self._login is not None
        # The legs of a handshake keep the connection; what the program wishes counts for the last one.
        head = self._head.that_keeps_the_connection() if self._login.awaits_challenge else self._head
        return in_place.helpers_of(connection)._repeat(
            connection, head.with_authorization(value) + (self._body or b""), self._method
        )

    def _begin_anew(self, login: Login) -> str | None:
        """Begin the login again: a token is valid on the connection of its challenge only."""
        self._has_begun_anew = True
        return login.start(self._outgoing)

    def _note_acceptance(self, login: Login, value: str | None) -> None:
        self._accepted = True
        if value == login.preset_header:
            note_accepted_header(login)

    def take_refusal(self) -> HTTPResponse | None:
        """Return the response to a request that was not sent, as the login before it failed; else None."""
        refusal, self._refusal = self._refusal, None
        if refusal is not None:
            self._watching = False
        return refusal

    def _next_authorization(self, login: Login, response: Any) -> str | None:
        response.auth_report = login.report
        return login.on_challenge(response.headers, self._outgoing, response.will_close)


class _Head:
    """The head of a request as it was about to be sent."""

    def __init__(self, head: bytes) -> None:
        self._request_line, *self._lines = head.split(b"\r\n")

    def value(self, name: bytes) -> str | None:
        """Return the first value of a field, None where it is not there."""
        for line in self._lines:
            if _name(line) == name:
                return line.partition(b":")[2].strip().decode("latin-1")
        return None

    def body_length(self) -> float:
        """Return how long the body will be; infinity where that is not said."""
        if self.value(b"transfer-encoding") is not None:
            return float("inf")
        length = self.value(b"content-length") or "0"
        return int(length) if length.isdecimal() else float("inf")

    def with_authorization(self, value: str | None) -> bytes:
        """Return the head with this Proxy-Authorization, or without any."""
        lines = [line for line in self._lines if _name(line) != b"proxy-authorization"]
        if value is not None:
            lines.append(b"Proxy-Authorization: " + value.encode("latin-1"))
        return b"\r\n".join([self._request_line, *lines, b"", b""])

    def that_keeps_the_connection(self) -> _Head:
        """Return the head without a wish to close the connection."""
        head = _Head(self._request_line)
        head._lines = [line for line in self._lines if _name(line) not in (b"connection", b"proxy-connection")]
        head._lines += [b"Connection: keep-alive", b"Proxy-Connection: Keep-Alive"]
        return head

    def probe(self, value: str | None) -> bytes:
        """Return a request for the same thing that changes nothing and has no body."""
        _, _, rest = self._request_line.partition(b" ")
        probe = _Head(b"HEAD " + rest)
        probe._lines = [line for line in self._lines if _name(line) in _OF_THE_PROBE]
        return probe.that_keeps_the_connection().with_authorization(value)


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


def _is_bytes(data: Any) -> bool:
    return isinstance(data, (bytes, bytearray, memoryview))
