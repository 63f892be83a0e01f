"""The names, signatures and exceptions of http.client are all there, and what is new beside them."""

from __future__ import annotations

import http.client
import inspect
import ssl
import subprocess
import sys

import pytest

from coda_network import httplib

CLASSES = ["HTTPConnection", "HTTPSConnection", "HTTPResponse"]
EXCEPTIONS = [
    name
    for name, value in vars(http.client).items()
    if isinstance(value, type) and issubclass(value, http.client.HTTPException)
]


def test_every_name_of_http_client_is_there():
    missing = [name for name in vars(http.client) if not name.startswith("__") and not hasattr(httplib, name)]
    assert missing == []
    assert set(httplib.__all__) == set(http.client.__all__)


def test_names_other_than_the_three_classes_are_the_very_same_objects():
    names = {name for name in vars(http.client) if not name.startswith("__")} - set(CLASSES)
    assert [name for name in names if getattr(httplib, name) is not getattr(http.client, name)] == []


@pytest.mark.parametrize("name", EXCEPTIONS)
def test_exceptions_are_identical(name):
    assert getattr(httplib, name) is getattr(http.client, name)


@pytest.mark.parametrize("name", CLASSES)
def test_the_classes_extend_those_of_http_client_and_go_by_their_name(name):
    ours, theirs = getattr(httplib, name), getattr(http.client, name)
    assert ours is not theirs
    assert issubclass(ours, theirs)
    assert (ours.__module__, ours.__qualname__) == ("coda_network.httplib", name)
    assert ours.__doc__


def test_importing_everything_gives_the_names_of_http_client_and_our_classes():
    namespace: dict[str, object] = {}
    exec("from coda_network.httplib import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(http.client.__all__)
    assert namespace["HTTPConnection"] is httplib.HTTPConnection


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("HTTPConnection", {"socket_keepalive", "tcp_keepalive"}),
        ("HTTPSConnection", {"cert", "socket_keepalive", "tcp_keepalive"}),
        ("HTTPResponse", {"tunnel"}),
    ],
)
def test_constructors_take_what_http_client_takes_and_ours(name, new):
    ours = inspect.signature(getattr(httplib, name)).parameters
    theirs = inspect.signature(getattr(http.client, name)).parameters
    kept = {parameter.name: (parameter.kind, parameter.default) for parameter in theirs.values()}
    assert {name: (p.kind, p.default) for name, p in ours.items() if name not in new} == kept
    assert list(ours)[: len(theirs)] == list(theirs)
    assert set(ours) - set(theirs) == new


@pytest.mark.parametrize("class_name", CLASSES)
def test_methods_take_what_those_of_http_client_take(class_name):
    ours, theirs = getattr(httplib, class_name), getattr(http.client, class_name)
    for name, method in inspect.getmembers(theirs, inspect.isfunction):
        if name.startswith("_"):
            continue
        parameters = inspect.signature(getattr(ours, name)).parameters
        for parameter in inspect.signature(method).parameters.values():
            assert parameters[parameter.name].kind is parameter.kind, (name, parameter)
            assert parameters[parameter.name].default == parameter.default, (name, parameter)


def test_positional_arguments_of_a_connection_mean_what_they_mean_in_http_client():
    connection = httplib.HTTPConnection("host", 81, 3, ("127.0.0.1", 0), 100)
    assert (connection.host, connection.port, connection.timeout) == ("host", 81, 3)
    assert (connection.source_address, connection.blocksize) == (("127.0.0.1", 0), 100)


@pytest.mark.parametrize(
    ("given", "host", "port"),
    [
        (("host",), "host", 80),
        (("host:81",), "host", 81),
        (("host:",), "host", 80),
        (("host", 82), "host", 82),
        (("[::1]",), "::1", 80),
        (("[::1]:81",), "::1", 81),
        (("[::1]", 82), "::1", 82),
        (("::1", 82), "::1", 82),
    ],
)
def test_host_and_port(given, host, port):
    connection = httplib.HTTPConnection(*given)
    assert (connection.host, connection.port) == (host, port)


def test_the_default_port_of_https():
    assert httplib.HTTPSConnection("host").port == 443
    assert httplib.HTTPSConnection("host", context=ssl.create_default_context()).port == 443


@pytest.mark.parametrize("host", ["ho st", "ho\nst", "ho\r\nst", "ho\0st", "host:port", "host\t", "ho\x7fst"])
def test_a_host_that_would_not_stay_in_its_place_is_refused(host):
    with pytest.raises(http.client.InvalidURL):
        httplib.HTTPConnection(host)


@pytest.mark.parametrize("argument", ["socket_keepalive", "tcp_keepalive"])
@pytest.mark.parametrize("value", [True, httplib.SocketKeepalive(30, 5, 3)])
@pytest.mark.parametrize("class_name", ["HTTPConnection", "HTTPSConnection"])
def test_the_keepalive_setting_has_two_names(class_name, argument, value):
    connection_class = getattr(httplib, class_name)
    assert connection_class("host", **{argument: value}).socket_keepalive == value
    assert connection_class("host").socket_keepalive is False


def test_a_response_knows_whether_it_is_a_proxys_to_connect():
    class Stand:
        def makefile(self, mode: str) -> object:
            import io

            return io.BytesIO(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")

    assert httplib.HTTPResponse(Stand()).tunnel is False
    assert httplib.HTTPResponse(Stand(), tunnel=True).tunnel is True
    assert httplib.HTTPResponse(Stand(), 0, "GET", "http://host/", True).url == "http://host/"


def test_importing_the_module_imports_neither_ntlm_nor_kerberos_nor_cryptography():
    code = (
        "import sys, coda_network.httplib as httplib; httplib.HTTPConnection('host')\n"
        "print(sorted({'spnego', 'cryptography', 'gssapi', 'ntlm3'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
