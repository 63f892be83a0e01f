"""SOCKS5 for clients that want it: RFC 1928, with the user name and password of RFC 1929."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from coda_network._http.tunnel_login import TunnelError
from coda_network._local_proxy.access import is_secret
from coda_network._local_proxy.filters import FilterRequest
from coda_network._local_proxy.pages import Problem
from coda_network._local_proxy.tunnel import open_tunnel, pass_on
from coda_network._wire.authority import join_authority, split_authority

if TYPE_CHECKING:
    from coda_network._local_proxy.client import Client

NO_LOGIN, PASSWORD, NONE_OF_THESE = 0, 2, 255
CONNECT = 1
IPV4, NAME, IPV6 = 1, 3, 4

SUCCEEDED, FAILED, NOT_ALLOWED, UNREACHABLE, COMMAND_UNKNOWN, ADDRESS_UNKNOWN = 0, 1, 2, 4, 7, 8

_BOUND = b"\x00\x01" + bytes(6)
"""The end of a response: the address that we are connected from is nobody's business."""


def serve_socks(client: Client) -> None:
    """Serve a client that speaks SOCKS5, whose first byte has not been read yet.

    :raises OSError: the client has gone, or speaks something else
    """
    client.is_idle = False
    methods = _exactly(client, _exactly(client, 2)[1])
    wanted = NO_LOGIN if client.proxy.settings.secret is None else PASSWORD
    if PASSWORD not in methods and client.is_own_users:
        wanted = NO_LOGIN
    client.send(bytes((5, wanted if wanted in methods else NONE_OF_THESE)))
    if wanted not in methods or (wanted == PASSWORD and not _knows_secret(client)):
        return
    _, command, _, kind = _exactly(client, 4)
    if command != CONNECT:
        _respond(client, COMMAND_UNKNOWN)
        return
    if kind == NAME:
        host = _exactly(client, _exactly(client, 1)[0]).decode("latin-1")
    elif kind in (IPV4, IPV6):
        family, size = (socket.AF_INET, 4) if kind == IPV4 else (socket.AF_INET6, 16)
        host = socket.inet_ntop(family, _exactly(client, size))
    else:
        _respond(client, ADDRESS_UNKNOWN)
        return
    port = int.from_bytes(_exactly(client, 2), "big")
    _connect(client, host, port)


def _knows_secret(client: Client) -> bool:
    version, size = _exactly(client, 2)
    _exactly(client, size)  # any user name will do
    password = _exactly(client, _exactly(client, 1)[0]).decode("utf-8", "replace")
    knows = version == 1 and is_secret(client.proxy.settings, password)
    client.send(bytes((1, 0 if knows else 1)))
    return knows


def _connect(client: Client, host: str, port: int) -> None:
    client.wait_at_most(client.proxy.settings.limits.transfer)
    authority = join_authority(host, port)
    status = 200
    try:
        split_authority(authority, 0)  # a host that no host can be is refused
        client.proxy.filters.ask(FilterRequest("CONNECT", authority, []))
        upstream = open_tunnel(client, (host, port), f"1.1 {client.proxy.pseudonym}")
    except ValueError:
        _respond(client, ADDRESS_UNKNOWN)
        status = 400
    except TunnelError as refused:
        _respond(client, NOT_ALLOWED)
        status = refused.response.status
    except Problem as problem:
        _respond(client, NOT_ALLOWED if problem.status == 403 else UNREACHABLE if problem.status == 502 else FAILED)
        status = problem.status
    else:
        with upstream:
            _respond(client, SUCCEEDED)
            pass_on(client, upstream)
    client.proxy.log_tunnel(client.host, authority, status, client.sent)


def _respond(client: Client, code: int) -> None:
    client.send(bytes((5, code)) + _BOUND)


def _exactly(client: Client, size: int) -> bytes:
    data = client.reader.file.read(size)
    if len(data) < size:
        raise ConnectionError("the client closed the connection in the middle of a SOCKS message")
    return data
