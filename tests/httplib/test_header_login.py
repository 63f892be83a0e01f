"""CONNECT of a connection that nobody gave a login: from the program's Basic header, from defaults, or none."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.peer import ScriptedPeer, Wire

from coda_network import httplib
from coda_network._auth.credentials import Credentials
from coda_network._http import header_login
from coda_network._http.header_login import login_from_header, may_have_to_log_in, note_accepted_header

DIGEST = 'Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth"'
BASIC_CHALLENGE = 'Proxy-Authenticate: Basic realm="r"'


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode("latin-1")).decode()


def proxy(wire: Wire, *challenges: str) -> None:
    """Refuse with these challenges until Digest comes, then be the server behind the tunnel."""
    for head in wire.read_heads():
        assert head.startswith(b"CONNECT site.test:80 HTTP/1.1\r\n")
        if b"Proxy-Authorization: Digest " in head:
            wire.send(b"HTTP/1.1 200 OK\r\n\r\n")
            assert b"roxy-" not in wire.read_head()
            wire.respond(b"welcome", "200 OK")
            return
        wire.respond(b"page", "407 No", *challenges)


@pytest.fixture
def connections() -> Iterator[list[httplib.HTTPConnection]]:
    made: list[httplib.HTTPConnection] = []
    yield made
    for connection in made:
        connection.close()


def status(connections: list[httplib.HTTPConnection], peer: ScriptedPeer, header: str | None) -> int:
    connection = httplib.HTTPConnection(*peer.address, timeout=10)
    connections.append(connection)
    connection.set_tunnel("site.test", 80, {} if header is None else {"Proxy-Authorization": header})
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    return response.status


@pytest.mark.parametrize(
    ("header", "challenges", "expected", "connects"),
    [
        pytest.param(basic("alice:x"), (DIGEST,), 200, 2, id="another scheme is asked for"),
        pytest.param(basic("alice:x"), (BASIC_CHALLENGE,), 407, 1, id="the password was refused"),
        pytest.param(basic("alice:x"), (DIGEST, BASIC_CHALLENGE), 407, 1, id="refused: no second try with Digest"),
        pytest.param(basic("D\\alice:x"), (DIGEST, BASIC_CHALLENGE), 200, 2, id="a name that Basic cannot judge"),
        pytest.param(basic("alice:ö"), (DIGEST, BASIC_CHALLENGE), 200, 2, id="letters of an unknown encoding"),
        pytest.param("NTLM TlRMTVNTUAABAAAA", (DIGEST,), 407, 1, id="the program logs in by itself"),
        pytest.param("Basic !", (DIGEST,), 407, 1, id="no Basic header at all"),
        pytest.param(None, (DIGEST,), 407, 1, id="nobody"),
    ],
)
def test_the_header_of_the_program(
    connections: list[httplib.HTTPConnection],
    header: str | None,
    challenges: tuple[str, ...],
    expected: int,
    connects: int,
) -> None:
    with ScriptedPeer(lambda wire: proxy(wire, *challenges)) as peer:
        assert status(connections, peer, header) == expected
        sent = [head for head in peer.heads if head.startswith(b"CONNECT")]
    assert len(sent) == connects
    assert header is None or f"Proxy-Authorization: {header}\r\n".encode() in sent[0]


def test_netrc_serves_who_gives_nothing(
    connections: list[httplib.HTTPConnection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "netrc"
    place.write_text("machine 127.0.0.1 login alice password wonder1and\n")
    monkeypatch.setenv("NETRC", str(place))
    with ScriptedPeer(lambda wire: proxy(wire, DIGEST)) as peer:
        assert status(connections, peer, None) == 200


def test_connections_share_what_a_proxy_has_accepted(connections: list[httplib.HTTPConnection]) -> None:
    with ScriptedPeer(lambda wire: proxy(wire, DIGEST)) as peer:
        for _ in range(3):
            assert status(connections, peer, basic("alice:x")) == 200
        sent = [head for head in peer.heads if head.startswith(b"CONNECT")]
    # Only the first had to be asked.
    assert ["Digest" if b"Digest" in head else "Basic" for head in sent] == ["Basic", "Digest", "Digest", "Digest"]


def test_another_user_does_not_go_out_with_that(connections: list[httplib.HTTPConnection]) -> None:
    with ScriptedPeer(lambda wire: proxy(wire, DIGEST)) as peer:
        for user in ("alice", "bob"):
            assert status(connections, peer, basic(f"{user}:x")) == 200
        sent = [head for head in peer.heads if head.startswith(b"CONNECT")]
    assert [b'username="alice"' in head for head in sent] == [False, True, False, False]
    assert b'username="bob"' in sent[3]


def test_the_credentials_of_a_header_are_the_users() -> None:
    login = login_from_header(httplib.HTTPConnection("proxy.test", 3128), basic("alice:x"))
    assert login is not None
    assert callable(login.credentials)
    assert login.credentials("realm") == Credentials("alice", "x")
    assert (login.peer.host, login.peer.port) == ("proxy.test", 3128)


def test_a_limited_number_of_accepted_headers_is_remembered_and_none_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered: dict[bytes, None] = {}
    monkeypatch.setattr(header_login, "_accepted_headers", remembered)
    monkeypatch.setattr(header_login, "MOST_ACCEPTED", 3)
    logins = [login_from_header(httplib.HTTPConnection("proxy.test", 1), basic(f"alice:{n}")) for n in range(5)]
    for login in logins:
        assert login is not None
        assert may_have_to_log_in(login)
        note_accepted_header(login)
        assert not may_have_to_log_in(login)
    assert [login and may_have_to_log_in(login) for login in logins] == [True, True, False, False, False]
    assert {len(digest) for digest in remembered} == {16}
