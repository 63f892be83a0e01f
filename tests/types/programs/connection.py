"""A program that drives connections by itself: our HTTPSConnection, a tunnel, keep-alive, a plain socket."""

from __future__ import annotations

import socket
import ssl

from coda_network import create_connection, httplib
from coda_network.connect import create_connect_handle


def fetch(host: str) -> bytes:
    connection = httplib.HTTPSConnection(
        host,
        timeout=5.0,
        context=ssl.create_default_context(),
        cert=("client.pem", "client.key", "secret"),
        socket_keepalive=httplib.SocketKeepalive(30, 5, 3),
    )
    connection.set_tunnel("site", 443, {"X-Department": "7"})
    try:
        connection.request("GET", "/", headers={"Accept": "*/*"})
        response: httplib.HTTPResponse = connection.getresponse()
        refused: bool = response.tunnel
        if response.status != httplib.OK or refused:
            raise httplib.HTTPException(response.reason)
        return response.read()
    except httplib.RemoteDisconnected:
        return b""
    except httplib.IncompleteRead as cut:
        return cut.partial
    finally:
        connection.close()


def tunnel(proxy: str) -> socket.socket:
    try:
        return create_connection(("mail.example", 993), timeout=10, proxy=proxy)
    except httplib.TunnelError as error:
        print(error.response.status)
        raise


def handle() -> socket.socket:
    return create_connect_handle("https://site:8443", timeout_sec=5).connect_sock


def wrong() -> None:
    """Every line is a mistake, and a checker says so."""
    httplib.HTTPConnection(host=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    httplib.HTTPConnection("host", cert="x.pem")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    httplib.HTTPSConnection("host", cert=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    httplib.HTTPSConnection("host", socket_keepalive="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    httplib.HTTPConnection("host").request("GET")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    create_connection("host", proxy="")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    create_connection(("host", "80"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    text: str = httplib.HTTPConnection("host").getresponse().read()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    print(text)
