"""A request in absolute-form: sent to a site or to the next proxy, and its response sent back."""

from __future__ import annotations

from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import URLError

from coda_network._auth.credentials import Credentials
from coda_network._http.response import HTTPResponse
from coda_network._local_proxy.fields import as_mapping, end_to_end, has_passed, head_bytes, with_via, without
from coda_network._local_proxy.filters import FilterRequest, FilterResponse
from coda_network._local_proxy.pages import Problem, came_back, login_refused, reason_phrase
from coda_network._local_proxy.request_body import BodyCut, ClientBody, body_reader
from coda_network._local_proxy.upstream import (
    ProxyConnection,
    Unreachable,
    UpstreamAuth,
    UpstreamConnection,
    UpstreamSession,
)
from coda_network._route.route import Route
from coda_network._transport.prepared import PreparedRequest
from coda_network._transport.round_trip import send_prepared
from coda_network._wire.authority import join_authority, split_authority, split_userinfo
from coda_network._wire.framing import tokens
from coda_network._wire.request_head import BadRequest, RequestHead, request_framing

if TYPE_CHECKING:
    from coda_network._local_proxy.client import Client

SMALL_BODY = 65536
"""Bytes of a request's body up to which it is read at once: it can be sent again when a proxy wants a login first."""

PIECE = 65536


class Target:
    """The URL of a request in absolute-form, in parts."""

    def __init__(self, target: str) -> None:
        scheme, found, rest = target.partition("://")
        if not found or scheme.lower() != "http":
            raise Problem(
                400,
                "This is a proxy: it takes URLs that begin with http://, and CONNECT for everything else.",
                "Enter it as the proxy of a program, not as a site.",
                "http_request_error",
            )
        end = min((place for mark in "/?#" if (place := rest.find(mark)) >= 0), default=len(rest))
        try:
            self.host, self.port = split_authority(split_userinfo(rest[:end])[2], 80)
        except ValueError:
            raise Problem(400, "The host in the URL cannot be used.", "", "http_request_error") from None
        path = rest[end:].partition("#")[0]
        self.path = path if path.startswith("/") else "/" + path
        self.has_path = bool(path)
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.authority = shown if self.port == 80 else f"{shown}:{self.port}"
        self.url = f"http://{self.authority}{self.path}"


def forward(client: Client, head: RequestHead) -> bool:
    """Serve one request; return whether the client's connection can go on.

    :raises Problem: it is for the local proxy itself to respond
    :raises ConnectionError: the client has gone, or has to be left in the middle of a response
    """
    target = Target(head.target)
    if has_passed(head.fields, client.proxy.pseudonym):
        raise came_back()
    try:
        framing = request_framing(head)
    except BadRequest as error:
        raise Problem(error.status, str(error), "", "http_request_error") from None
    fields = without(end_to_end(head.fields), "host")
    asked = FilterRequest(head.method, target.url, fields)
    client.proxy.filters.ask(asked)
    upgrade = head.fields.get("upgrade") if "upgrade" in tokens(head.fields.get_all("connection") or ()) else None
    if upgrade is not None and head.version == 11 and framing.length == 0:
        from coda_network._local_proxy.tunnel import forward_upgrade

        return forward_upgrade(client, head, target, asked, upgrade)
    if (last := _max_forwards(head)) is not None:
        if last == 0:
            return client.respond(200, [("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT")], b"")
        asked.fields = [*without(asked.fields, "max-forwards"), ("Max-Forwards", str(last - 1))]

    body, source = _body_of(client, head, framing)
    headers = {"Host": target.authority, **as_mapping(with_via(asked.fields, head.version, client.proxy.pseudonym))}
    headers["Connection"] = "keep-alive"
    if "trailers" in tokens(head.fields.get_all("te") or ()):
        headers["Connection"], headers["TE"] = "keep-alive, TE", "trailers"
    if framing.chunked:
        headers["Transfer-Encoding"] = "chunked"
    elif framing.length or head.fields.get("content-length") is not None:
        headers["Content-Length"] = str(framing.length)

    session = client.session_for(headers.get("Authorization"))

    def attempt(route: Route) -> Any:
        return _send(client, session, asked.method, target, dict(headers), body, route)

    try:
        response = client.ask_upstream(target.url, attempt, body if isinstance(body, ClientBody) else None)
        with response:
            goes_on = _send_back(client, head, asked, response, source)
    finally:
        session.pool.done()
    return goes_on and not framing.will_close


def _max_forwards(head: RequestHead) -> int | None:
    """Return the value of Max-Forwards where the method heeds it (RFC 9110 section 7.6.2)."""
    if head.method not in ("OPTIONS", "TRACE"):
        return None
    text = (head.fields.get("max-forwards") or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _body_of(client: Client, head: RequestHead, framing: Any) -> tuple[bytes | ClientBody | None, HTTPResponse | None]:
    """Return the body to send, and what it is read from; both None where there is none."""
    if framing.length == 0:
        return None, None
    client.wait_at_most(client.proxy.settings.limits.transfer)
    source = body_reader(client.reader, framing)
    waits = head.version == 11 and "100-continue" in tokens(head.fields.get_all("expect") or ())
    body = ClientBody(source, client.tell_to_continue if waits else _do_nothing)
    if waits or framing.length is None or framing.length > SMALL_BODY:
        return body, source
    try:
        return b"".join(body), source
    except BodyCut:
        raise Problem(408, "The body of the request did not come.", "", "http_request_error") from None


def _do_nothing() -> None:
    pass


def _send(
    client: Client,
    session: UpstreamSession,
    method: str,
    target: Target,
    headers: dict[str, str],
    body: bytes | ClientBody | None,
    route: Route,
) -> Any:
    """Send the request over one route and return the response, logged in at the proxies."""
    proxy = route.hops[-1] if route.reads_requests else None
    via = route.hops if proxy is None else route.hops[:-1]
    limits = client.proxy.settings.limits
    options: dict[str, Any] = {"connect_seconds": limits.connect}
    if via:
        options.update(via=via, pseudonym=client.proxy.pseudonym)
    if proxy is not None:
        if proxy.scheme == "https":
            options["tls"] = True
        place, credentials = proxy.authority, None
        if proxy.username is not None:
            credentials = Credentials(proxy.username, proxy.password or "")
        aim = target.url if target.has_path or method != "OPTIONS" else f"http://{target.authority}"
        prepared = PreparedRequest(place, None, method, aim, headers, None, None, credentials, True)
    else:
        place = join_authority(target.host, target.port)
        aim = target.path if target.has_path or method != "OPTIONS" else "*"
        prepared = PreparedRequest(place, None, method, aim, headers)
    make = UpstreamConnection if proxy is None else ProxyConnection
    auth = UpstreamAuth(target.url, prepared, session)
    response = None
    try:
        response = send_prepared(session, make, options, prepared, body, auth, limits.transfer)
    except URLError as error:
        if isinstance(error.reason, Unreachable):
            raise error.reason from error
        raise
    finally:
        auth.end_turn(response is not None)
    if response.status == 407:
        with response:
            client.proxy.log_refusal(proxy.authority if proxy is not None else place, response)
        raise login_refused(proxy.authority if proxy is not None else place)
    return response


def private_session(authorization: str | None) -> bool:
    """Return whether a client logs in at a site by a scheme that makes a connection its own."""
    return authorization is not None and authorization.partition(" ")[0].lower() in ("ntlm", "negotiate")


def _send_back(
    client: Client, head: RequestHead, asked: FilterRequest, response: Any, source: HTTPResponse | None
) -> bool:
    """Send a response to the client; return whether the connection goes on."""
    answer = FilterResponse(response.status, response.reason.strip(), without(end_to_end(response.headers)))
    client.proxy.filters.ask(asked, answer)
    fields = with_via(answer.fields, response.version, client.proxy.pseudonym)
    if any(private_session(value) for name, value in fields if name.lower() == "www-authenticate"):
        # RFC 4559 section 6: a connection of ours to the site serves this client alone from now on.
        fields.append(("Proxy-Support", "Session-Based-Authentication"))
    bodiless = asked.method == "HEAD" or response.status in (204, 304)
    length = None if bodiless else response.length
    if bodiless:
        framing = "none"
    elif length is not None:
        framing = "length"
        fields = [*without(fields, "content-length"), ("Content-Length", str(length))]
    else:
        fields = without(fields, "content-length")
        framing = "chunked" if head.version == 11 else "close"
        if framing == "chunked":
            fields.append(("Transfer-Encoding", "chunked"))
    # Where the rest of a request is that was not read to its end, nobody knows.
    goes_on = framing != "close" and client.wants_more(head) and (source is None or source.isclosed())
    fields.append(("Connection", "keep-alive" if goes_on else "close"))
    reason = answer.reason or reason_phrase(answer.status)
    message = head_bytes(f"HTTP/1.1 {answer.status} {reason}", fields)
    client.begin_response(answer.status)
    if length is not None and response._reader is not None and length <= len(response._reader.buffered()):
        client.send(message + response.read())
        return goes_on
    client.send(message)
    if bodiless:
        return goes_on
    while piece := _next_piece(client, response, framing == "close"):
        client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if framing == "chunked" else piece)
    if framing == "length" and response.length:
        raise ConnectionError("the upstream's body was cut short")
    if framing == "chunked":
        client.send(b"0\r\n" + (response._trailers or b"\r\n"))
    return goes_on


def _next_piece(client: Client, response: Any, ends_by_close: bool) -> bytes:
    try:
        piece: bytes = response.read1(PIECE)
    except (OSError, HTTPException) as error:
        client.proxy.log.warning("an upstream failed in the middle of a body: %s", type(error).__name__)
        if ends_by_close:
            client.break_off()
        raise ConnectionError("the upstream's body was cut short") from error
    return piece
