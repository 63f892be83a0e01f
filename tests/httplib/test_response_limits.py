"""How many header lines are read: http.client's limit, or that of a connection (``max_response_headers``, Python 3.15).

The attribute works on every Python; the argument of the constructor is there where http.client has it.
"""

from __future__ import annotations

import http.client
import inspect
import sys
from contextlib import closing
from typing import Any

import pytest
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network import httplib

IN_HTTP_CLIENT = "max_response_headers" in inspect.signature(http.client.HTTPConnection).parameters
# Before 3.15 http.client counts the empty line at the end of a head.
LESS = 0 if sys.version_info >= (3, 15) else 1


def fields(number: int) -> bytes:
    return b"".join(b"X-%d: 1\r\n" % index for index in range(number))


def body_of_length(number: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n" + fields(number - 1) + b"\r\nbody"


def body_of_unusual_length(number: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: 4 , 4\r\n" + fields(number - 1) + b"\r\nbody"


def body_behind_interim(number: int) -> bytes:
    return b"HTTP/1.1 103 Early\r\n" + fields(number) + b"\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"


def body_with_trailers(number: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n" + fields(number) + b"\r\n"


RESPONSES = [body_of_length, body_of_unusual_length, body_behind_interim, body_with_trailers]


@pytest.fixture(params=["httplib", "patched"])
def module(request: pytest.FixtureRequest) -> Any:
    if request.param == "httplib":
        yield httplib
    else:
        with coda_network.patched():
            yield http.client


def body_read(connection: http.client.HTTPConnection) -> bytes:
    with closing(connection):
        connection.request("GET", "/")
        return connection.getresponse().read()


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize(("limit", "number", "passes"), [(5, 5 - LESS, True), (5, 6 - LESS, False), (300, 200, True)])
def test_a_connections_own_limit_holds_for_heads_and_trailers(module, response, limit, number, passes):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(response(number))

    with ScriptedPeer([script]) as peer:
        connection = module.HTTPConnection(*peer.address)
        connection.max_response_headers = limit
        if passes:
            assert body_read(connection) == b"body"
        else:
            with pytest.raises(http.client.HTTPException, match=r"got more than 5 (headers|trailers)"):
                body_read(connection)


@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize(("number", "passes"), [(100 - LESS, True), (101 - LESS, False)])
def test_without_one_the_limit_is_http_clients(module, response, number, passes):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(response(number))

    with ScriptedPeer([script]) as peer:
        connection = module.HTTPConnection(*peer.address)
        has_limit = response is not body_with_trailers or hasattr(http.client, "_MAXINTERIMRESPONSES")
        if passes or not has_limit:
            assert body_read(connection) == b"body"
        else:
            with pytest.raises(http.client.HTTPException, match=r"got more than 100 (headers|trailers)"):
                body_read(connection)


@pytest.mark.parametrize(("number", "passes"), [(5 - LESS, True), (6 - LESS, False)])
def test_the_response_to_connect_is_held_to_it(module, number, passes):
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n" + fields(number) + b"\r\n")
        if passes:
            wire.read_head()
            wire.respond(b"body")

    with ScriptedPeer([script]) as peer:
        connection = module.HTTPConnection(*peer.address)
        connection.set_tunnel("site", 80)
        connection.max_response_headers = 5
        if passes:
            assert body_read(connection) == b"body"
        else:
            with pytest.raises(http.client.HTTPException, match="got more than 5 headers"):
                body_read(connection)


@pytest.mark.parametrize("name", ["HTTPConnection", "HTTPSConnection"])
def test_the_constructor_takes_it_where_http_clients_does(module, name):
    make = getattr(module, name)
    assert make("host").max_response_headers is None
    if IN_HTTP_CLIENT:
        assert make("host", max_response_headers=7).max_response_headers == 7
    else:
        with pytest.raises(TypeError, match="max_response_headers"):
            make("host", max_response_headers=7)


def test_a_response_class_of_the_program_is_told_the_limit_only_where_there_is_one(module):
    told = []

    class Told(module.HTTPResponse):
        def begin(self, **options: Any) -> None:
            told.append(options)
            super().begin(**options)

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.respond(b"body")

    with ScriptedPeer([script, script]) as peer:
        for limit in (None, 9):
            connection = module.HTTPConnection(*peer.address)
            connection.response_class = Told
            connection.max_response_headers = limit
            assert body_read(connection) == b"body"
    assert told == [{}, {"_max_headers": 9}]
