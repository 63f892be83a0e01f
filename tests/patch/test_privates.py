"""What the patch replaces inside urllib3 and its copies: the tunnel, and how a socket is opened again."""

from __future__ import annotations

import base64
import gc
import http.client
from collections.abc import Callable, Iterator
from typing import Any

import pip._vendor.urllib3.connection
import pytest
import urllib3
import urllib3.connection
from support.certs import Authority
from support.peer import ScriptedPeer, Wire

import coda_network
from coda_network._patch.privates import urllib3_attributes

COPIES = [urllib3.connection, pip._vendor.urllib3.connection]


BASIC = {"proxy-authorization": "Basic " + base64.b64encode(b"alice:wonder1and").decode()}
DIGEST = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'


@pytest.fixture
def patched() -> Iterator[None]:
    with coda_network.patched():
        yield


def urllib3_like(module: str, **body: Any) -> type[http.client.HTTPConnection]:
    """A subclass as a copy of urllib3 in *module* would make it."""
    return type("HTTPConnection", (http.client.HTTPConnection,), {"__module__": module, **body})


def theirs(self: Any) -> None:
    """Stand in for a method that urllib3 has of its own."""


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: copy.__name__)
def test_the_tunnel_is_ours_while_patched_and_theirs_afterwards(copy: Any) -> None:
    classes = [copy.HTTPConnection, copy.HTTPSConnection]
    before = [dict(vars(owner)) for owner in classes]
    with coda_network.patched():
        assert copy.HTTPConnection._tunnel.__module__ == "coda_network._patch.privates"
        assert copy.HTTPSConnection._tunnel is copy.HTTPConnection._tunnel
    assert [dict(vars(owner)) for owner in classes] == before


@pytest.mark.parametrize(
    ("module", "body", "replaced"),
    [
        ("urllib3.connection", {"_tunnel": theirs, "_new_conn": theirs}, {"_tunnel"}),
        ("urllib3.connection", {"_new_conn": theirs}, {"_tunnel"}),
        ("urllib3.connection", {"_tunnel": theirs}, {"_tunnel"}),
        ("urllib3.connection", {}, set()),
        ("botocore.vendored.requests.packages.urllib3.connection", {"_tunnel": theirs}, {"_tunnel"}),
        ("noturllib3.connection", {"_tunnel": theirs}, set()),
        ("urllib3.connection.more", {"_tunnel": theirs}, set()),
        ("program", {"_tunnel": theirs, "_new_conn": theirs}, set()),
    ],
)
def test_only_urllib3_and_its_copies_are_touched(module: str, body: dict[str, Any], replaced: set[str]) -> None:
    assert set(urllib3_attributes(urllib3_like(module, **body))) == replaced


@pytest.mark.usefixtures("patched")
def test_a_copy_imported_while_patched_has_our_tunnel() -> None:
    later = urllib3_like("some_package._vendor.urllib3.connection", _tunnel=theirs)
    assert later._tunnel is not theirs
    coda_network.unpatch()
    assert later._tunnel is theirs
    coda_network.patch()


@pytest.mark.usefixtures("patched")
def test_connect_of_http_client_dials_by_itself_as_it_does_unpatched() -> None:
    def refuse(*arguments: Any) -> None:
        raise OSError("nobody is there")

    # wsgi-intercept calls it so, with a connection that is urllib3's as well.
    connection = urllib3.connection.HTTPConnection("host.invalid")
    vars(connection)["_create_connection"] = refuse
    with pytest.raises(OSError, match="nobody is there"):
        http.client.HTTPConnection.connect(connection)


def digest_then_tls(ca: Authority, *, close: bool) -> Any:
    """Scripts of a proxy that wants Digest and is the server behind it too; it may close after its challenge."""

    def challenge(wire: Wire) -> None:
        head = wire.read_head()
        assert head.startswith(b"CONNECT localhost:443 HTTP/1.1\r\n")
        assert b"roxy-authorization: Basic " in head.replace(b"Authorization", b"authorization")
        wire.respond(b"page", "407 No", DIGEST, *(["Connection: close"] if close else []))

    def tunnel(wire: Wire) -> None:
        assert b"Proxy-Authorization: Digest " in wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
        wire.start_tls(ca.server_context())
        for head in wire.read_heads():
            assert b"roxy-" not in head
            wire.respond(b"welcome", "200 OK")

    def both(wire: Wire) -> None:
        challenge(wire)
        tunnel(wire)

    return [challenge, tunnel] if close else both


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("close", [False, True], ids=["same connection", "dialled again"])
def test_tls_begins_over_the_connection_of_the_tunnel(ca: Authority, close: bool) -> None:
    with ScriptedPeer(digest_then_tls(ca, close=close)) as peer:
        with urllib3.ProxyManager(peer.url, proxy_headers=BASIC, ca_certs=str(ca.bundle), retries=False) as pool:
            for _ in range(2):
                response = pool.request("GET", "https://localhost/")
                assert (response.status, response.data) == (200, b"welcome")
        assert peer.connections == (2 if close else 1)


@pytest.mark.usefixtures("patched")
def test_a_proxy_over_tls_that_closes_cannot_be_dialled_again(ca: Authority) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"page", "407 No", DIGEST, "Connection: close")

    def nothing(wire: Wire) -> None:
        assert wire.read_to_end() == b""

    with ScriptedPeer([tls(ca, script), nothing]) as peer:
        url = f"https://localhost:{peer.port}"
        with urllib3.ProxyManager(url, proxy_headers=BASIC, ca_certs=str(ca.bundle), retries=False) as pool:
            with pytest.raises(urllib3.exceptions.HTTPError, match="closed its TLS connection"):
                pool.request("GET", "https://localhost/")


def tls(ca: Authority, script: Callable[[Wire], None]) -> Callable[[Wire], None]:
    def begin(wire: Wire) -> None:
        wire.start_tls(ca.server_context())
        script(wire)

    return begin


def refusal_of(peer: ScriptedPeer, ca: Authority) -> BaseException:
    with urllib3.ProxyManager(peer.url, proxy_headers=BASIC, ca_certs=str(ca.bundle), retries=False) as pool:
        with pytest.raises(urllib3.exceptions.ProxyError, match="Tunnel connection failed: 407 No") as error:
            pool.request("GET", "https://localhost/")
    return error.value


def test_a_refused_tunnel_is_the_same_error_as_without_the_patch(ca: Authority) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"the page", "407 No", 'Proxy-Authenticate: Basic realm="r"')
        assert wire.read_to_end() == b""

    with ScriptedPeer(script) as peer:
        plain = refusal_of(peer, ca)
    with ScriptedPeer(script) as peer, coda_network.patched():
        ours = refusal_of(peer, ca)
    assert type(ours) is type(plain)
    assert ours.args[0] == plain.args[0]
    assert type(ours.__cause__) is type(plain.__cause__) is OSError
    cause: Any = ours.__cause__.__cause__
    # What the error without the patch does not have: the response, and why the login failed.
    assert cause.response.read() == b"the page"
    assert "Basic" in str(cause.report)
    assert "wonder1and" not in f"{ours!r} {cause!r} {cause.report}"


@pytest.mark.usefixtures("patched")
@pytest.mark.parametrize("length", [None, 8, 10_000_000])
def test_the_page_of_a_refusal_holds_no_socket(ca: Authority, length: int | None) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        announced = "" if length is None else f"Content-Length: {length}\r\n"
        wire.send(f"HTTP/1.1 407 No\r\n{announced}\r\n".encode() + b"the page" + b"x" * 100_000)

    with ScriptedPeer(script) as peer:
        error = refusal_of(peer, ca)
        cause: Any = error.__cause__.__cause__
        assert cause.response.read().startswith(b"the page")
        del error, cause
        gc.collect()  # a socket left open would warn


@pytest.mark.usefixtures("patched")
def test_a_request_in_absolute_form_keeps_what_urllib3_noted_for_its_response() -> None:
    def challenge(wire: Wire) -> None:
        wire.read_request()
        wire.send(f"HTTP/1.1 407 No\r\n{DIGEST}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())

    def welcome(wire: Wire) -> None:
        assert b"Proxy-Authorization: Digest " in wire.read_request()[0]
        wire.respond(b"welcome", "200 OK")

    for body in (b"short", b"x" * 100_000):  # the second is preceded by HEAD, whose response closes the connection
        with ScriptedPeer([challenge, welcome]) as peer:
            with urllib3.ProxyManager(peer.url, proxy_headers=BASIC, retries=False) as pool:
                response = pool.request("POST", "http://example.test/", body=body)
                assert (response.status, response.data) == (200, b"welcome")


@pytest.mark.usefixtures("patched")
def test_connections_are_kept_behind_chunks_that_urllib3_reads_by_itself() -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")

    with ScriptedPeer(script) as peer:
        with urllib3.PoolManager(retries=False) as pool:
            for _ in range(3):
                response = pool.request("GET", peer.url, preload_content=False)
                assert b"".join(response.stream(2)) == b"onetwo"
                response.release_conn()
        assert peer.connections == 1


def test_an_ambiguous_length_is_the_error_that_it_is_without_the_patch() -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nbody")

    def error() -> tuple[type, tuple[object, ...]]:
        with ScriptedPeer(script) as peer, urllib3.PoolManager(retries=False) as pool:
            with pytest.raises(urllib3.exceptions.HTTPError) as raised:
                pool.request("GET", peer.url)
            return raised.type, raised.value.args

    plain = error()
    with coda_network.patched():
        assert error() == plain


@pytest.mark.parametrize(("host", "headers"), [("site test", {}), ("site.test", {"Name": "a\r\nb"}), ("a\n", {})])
def test_a_bad_tunnel_is_refused_when_it_is_opened(host: str, headers: dict[str, str]) -> None:
    connection: Any = urllib3.connection.HTTPConnection("127.0.0.1", 9)
    with coda_network.patched():
        connection.set_tunnel(host, 80, headers)
        connection.sock = None
        with pytest.raises(ValueError, match=r"Tunnel host can't contain control characters|Invalid header"):
            connection._tunnel()
        connection.close()
