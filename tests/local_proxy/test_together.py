"""Clients of the local proxy that come at the same moment."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest
from support.listening import TIMEOUT

from coda_network._local_proxy import proxy as module
from coda_network._local_proxy.client import Client
from coda_network._local_proxy.proxy import LocalProxy
from coda_network._local_proxy.settings import Limits, Settings
from coda_network._route.named import named_routes

COUNT = 12


def test_they_begin_when_all_of_them_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    serve = Client.run

    def run(client: Client) -> None:
        seen.append(len(client.proxy._snapshot()))
        serve(client)

    monkeypatch.setattr(Client, "run", run)
    monkeypatch.setattr(module, "TOGETHER_SECONDS", 60.0)
    proxy = LocalProxy(Settings(named_routes([[]]), limits=Limits(drain=5)))
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(proxy.address, TIMEOUT)) for _ in range(COUNT)]
        proxy.start()
        stack.callback(proxy.close)
        for client in clients:
            client.sendall(b"GET /nowhere HTTP/1.0\r\n\r\n")
            assert client.recv(1 << 16)
    assert seen == [COUNT] * COUNT
