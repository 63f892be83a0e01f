"""Opening a tunnel: CONNECT until the proxy lets us through, logging in on the way (RFC 9110 section 9.3.6)."""

from __future__ import annotations

from coda_network._http.drain import drain
from coda_network._trace import Trace

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from coda_network._auth.login import Login

log = Trace("net")


class ConnectionLost(ConnectionError):
    """The proxy closed the connection in the middle of a handshake that is valid on that connection only."""


class TunnelError(OSError):
    """The proxy refused to open a tunnel.

    ``response`` is its response (status, headers, body, ``tunnel`` True); its ``refused_by`` names the proxy where it
    is one of a chain. ``report`` says what became of a login, None where none was tried.
    """

    def __init__(self, response: Any, report: object = None) -> None:
        why = "; ".join(str(report or "").splitlines())
        who = getattr(response, "refused_by", None)
        super().__init__(
            f"Tunnel connection failed: {response.status} {response.reason.strip()}"
            f"{f', by {who}' if who else ''}{f' ({why})' if why else ''}"
        )
        self.response = response
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.response, self.report), vars(self)


def open_tunnel(connect: Callable[[str | None, bool], Any], target: str, login: Login | None) -> Any:
    """Send CONNECT, and again with what the proxy asks for, until the tunnel is open; return the 2xx response.

    :param connect: sends one CONNECT with the given Proxy-Authorization ("" for none; None for the program's own, if
        any) and returns the response to it. It opens the connection to the proxy again where the response before has
        ended it; where the authorization is for that connection only (True behind it) it raises ConnectionLost then,
        and sends nothing
    :param target: ``host:port``, as on the request line
    :param login: who we are to this proxy on this connection, None to take the first response as it is
    :raises TunnelError: the proxy responded otherwise
    :raises OSError: the connection to the proxy failed
    """
    from coda_network._auth.scheme import Outgoing

    outgoing = Outgoing("CONNECT", target, None)
    header = _first_header(login, outgoing) if login else None
    has_begun_anew = False
    while True:
        try:
            response = connect(header, login is not None and login.in_progress)
        except ConnectionLost:
            if login is None or has_begun_anew:
                raise
            # A token is valid on its own connection only: the login begins anew on the next one, once.
            has_begun_anew = True
            header = _first_header(login, outgoing)
            continue
        log.info("CONNECT %s: the proxy responds %d %s", target, response.status, response.reason)
        if 200 <= response.status < 300:
            if login:
                login.on_response(response.headers)
            return response
        header = None
        if login and response.status == 407:
            header = login.on_challenge(response.headers, outgoing, response.will_close)
        if header is None:
            raise TunnelError(response, login.report if login else None)
        drain(response)


def _first_header(login: Login, outgoing: Any) -> str | None:
    """Begin with a login; the program's own header does not go out where its password was refused before."""
    header = login.start(outgoing)
    return "" if header is None and login.preset_header is not None else header
