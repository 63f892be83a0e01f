"""Tunnels: CONNECT, and HTTP connections that change to another protocol."""

from __future__ import annotations

import socket
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from coda_network._http.connection import HTTPConnection
from coda_network._http.tunnel_login import TunnelError
from coda_network._local_proxy.fields import as_mapping, end_to_end, has_passed, head_bytes, with_via, without
from coda_network._local_proxy.filters import FilterRequest
from coda_network._local_proxy.pages import Problem, came_back, login_refused, reason_phrase
from coda_network._local_proxy.upstream import Unreachable, upstream_problem
from coda_network._route.hops import connect_through
from coda_network._route.route import Route
from coda_network._wire.authority import join_authority, split_authority
from coda_network._wire.request_head import RequestHead

if TYPE_CHECKING:
    from coda_network._local_proxy.client import Client
    from coda_network._local_proxy.forward import Target

Address = tuple[str, int]


def connect(client: Client, head: RequestHead) -> bool:
    """Serve CONNECT (RFC 9110 section 9.3.6); return whether the client's connection goes on."""
    try:
        host, port = split_authority(head.target, 0)
        if not port or "@" in head.target:
            raise ValueError
    except ValueError:
        raise Problem(400, "CONNECT takes host:port.", "", "http_request_error") from None
    if has_passed(head.fields, client.proxy.pseudonym):
        raise came_back()
    asked = FilterRequest("CONNECT", join_authority(host, port), end_to_end(head.fields))
    client.proxy.filters.ask(asked)
    received = with_via(asked.fields, head.version, client.proxy.pseudonym)
    try:
        upstream = open_tunnel(client, (host, port), received[-1][1])
    except TunnelError as refused:
        return _pass_refusal(client, head, refused)
    with upstream:
        client.begin_response(200)
        client.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        pass_on(client, upstream)
    return False


def open_tunnel(client: Client, address: Address, via: str) -> socket.socket:
    """Return a socket to an address, by the first way that works.

    :param via: the value of the field of this name, for the proxies that are asked
    :raises TunnelError: a proxy refused, for another reason than its login
    :raises Problem: no way works
    """
    limits = client.proxy.settings.limits
    authority = join_authority(*address)
    # The scheme decides which variable of the environment counts; a tunnel is for https, mostly.
    url = f"https://{authority}/"

    def attempt(route: Route) -> socket.socket:
        try:
            return connect_through(route.hops, address, limits.connect, headers={"Via": via})
        except TunnelError as refused:
            if refused.response.status != 407:
                raise
            upstream = route.hops[-1].authority
            client.proxy.log_refusal(upstream, refused.response, refused.report)
            raise login_refused(upstream) from None
        except (OSError, HTTPException) as error:
            # Nothing was sent to the far end: another way may be tried.
            raise Unreachable(*error.args) from error

    return client.ask_upstream(url, attempt, None)


def pass_on(client: Client, upstream: socket.socket, surplus: bytes = b"") -> None:
    """Pass bytes on in both directions until both have ended.

    :param surplus: what has been read from the upstream already
    """
    limits = client.proxy.settings.limits
    client.upstream = upstream
    client.proxy.metrics.tunnels += 1
    ahead = client.reader.take(len(client.reader.buffered()))
    upstream.settimeout(limits.transfer)
    if ahead:
        upstream.sendall(ahead)
    if surplus:
        client.send(surplus)
    try:
        passed = client.proxy.tunnels.relay(client.sock, upstream, limits.tunnel_idle)
        client.count(passed.b_to_a)
    finally:
        client.upstream = None


def _pass_refusal(client: Client, head: RequestHead, refused: TunnelError) -> bool:
    """Send a proxy's own refusal to the client."""
    response = refused.response
    body = response.read()
    fields = without(end_to_end(response.headers), "content-length")
    return client.respond(response.status, fields, body, client.wants_more(head))


def forward_upgrade(client: Client, head: RequestHead, target: Target, asked: FilterRequest, protocol: str) -> bool:
    """Serve a request that asks for another protocol (RFC 9110 section 7.8), in a tunnel to its site.

    Proxies know no other protocol, so they are asked for a tunnel, as RFC 6455 section 4.1 wants it of clients.
    """
    fields = with_via(asked.fields, head.version, client.proxy.pseudonym)
    headers = {"Host": target.authority, **as_mapping(fields), "Connection": "Upgrade", "Upgrade": protocol}
    try:
        upstream = open_tunnel(client, (target.host, target.port), dict(fields)["Via"])
    except TunnelError as refused:
        return _pass_refusal(client, head, refused)
    connection = _OnSocket(target.host, target.port, timeout=client.proxy.settings.limits.transfer)
    connection.sock = upstream
    upstream.settimeout(connection.timeout)
    client.upstream = upstream
    try:
        connection.putrequest(head.method, target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        try:
            connection.endheaders()
            response: Any = connection.getresponse()
        except (OSError, HTTPException) as error:
            raise upstream_problem(error, target.authority) from error
        fields = with_via(end_to_end(response.headers), response.version, client.proxy.pseudonym)
        reason = response.reason.strip() or reason_phrase(response.status)
        client.begin_response(response.status)
        if response.status != 101:
            body = response.read()
            return client.respond(response.status, without(fields, "content-length"), body, client.wants_more(head))
        fields += [("Connection", "Upgrade"), ("Upgrade", response.headers.get("upgrade", protocol))]
        client.send(head_bytes(f"HTTP/1.1 101 {reason}", fields))
        reader = response._reader
        surplus = reader.take(len(reader.buffered())) if reader is not None else b""
        pass_on(client, upstream, surplus)
        response.close()
        return False
    finally:
        client.upstream = None
        connection.close()


class _OnSocket(HTTPConnection):
    """A connection over a socket that is open."""

    auto_open = 0
