"""A pytest plugin for urllib3's suite, whose own server is a branch of Hypercorn that is on no package index.

The suite's applications look for two things in a request's scope that released versions do not put there:
the stream of the connection (`_transport`; its CONNECT proxy relays over it) and what TLS agreed upon (`tls`:
the ALPN protocol and the client's name). Without them its proxies do not respond: no tunnel would be tested.
Only the server is touched here, never a client.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.trio.tcp_server import TCPServer

_stream: ContextVar[Any] = ContextVar("_stream")
_run = TCPServer.run
_call = ASGIWrapper.__call__


async def _run_and_remember(server: TCPServer) -> None:
    # The tasks of this connection, the application's among them, inherit the variable.
    _stream.set(server.stream)
    await _run(server)


async def _call_with_extensions(wrapper: ASGIWrapper, scope: Any, *arguments: Any) -> None:
    if scope["type"] == "http":
        stream = _stream.get()
        scope["extensions"]["_transport"] = stream
        if isinstance(stream, trio.SSLStream):
            scope["extensions"]["tls"] = _tls(stream)
    await _call(wrapper, scope, *arguments)


def _tls(stream: trio.SSLStream[Any]) -> dict[str, str | None]:
    found = {"alpn_protocol": stream.selected_alpn_protocol()}
    certificate = stream.getpeercert(binary_form=False)
    if certificate:
        names = (relative[0] for relative in certificate["subject"])
        found["client_cert_name"] = ", ".join(f"{key}={value}" for key, value in names)
    return found


TCPServer.run = _run_and_remember
ASGIWrapper.__call__ = _call_with_extensions
