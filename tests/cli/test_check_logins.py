"""`coda-network check` tells which logins are asked for, chosen and accepted, or why none is."""

from __future__ import annotations

import base64
import struct
from pathlib import Path

import pytest
from support.accounts import ALICE, BOB
from support.apache import Apache, ApacheProxy
from support.checked import Check
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.squid import Squid

# A challenge of MS-NLMP 2.2.1.2 with nothing in it but a nonce and the flags for Unicode and NTLM.
TYPE_2 = base64.b64encode(
    b"NTLMSSP\0"
    + struct.pack("<IHHIIQQ", 2, 0, 0, 48, 0x00080201, 0x0123456789ABCDEF, 0)
    + struct.pack("<HHI", 0, 0, 48)
).decode()


@pytest.mark.servers
def test_a_login_with_ntlm_is_told_leg_by_leg(check: Check, tls_origin: Origin, squid_ntlm: Squid) -> None:
    seen = check(f"{tls_origin.url}/file?key=hidden", "--proxy", squid_ntlm.url_for(ALICE, qualified=True))
    target, address = tls_origin.netloc, f"127.0.0.1 port {squid_ntlm.port}"
    assert seen.code == 0
    assert seen.lines[:3] == [
        f"{tls_origin.url}/file",
        f"  proxy: {squid_ntlm.url}, named by --proxy; user {ALICE.qualified}, from its URL",
        "  site:  no user name",
    ]
    assert seen.steps("net") == [
        f"connected to {address}",
        f"CONNECT {target}: the proxy responds 407 Proxy Authentication Required",
        f"CONNECT {target}: the proxy responds 407 Proxy Authentication Required",
        f"CONNECT {target}: the proxy responds 200 Connection established",
        f"TLS with {target.partition(':')[0]}: TLSv1.3, its certificate is trusted",
    ]
    told = [line.removeprefix("PROXY 127.0.0.1: ").rpartition(", ") for line in seen.steps("auth")]
    assert [("".join(parts[:2]) or parts[2]) for parts in told] == [
        "wants a login, ",
        "NTLM is chosen, ",
        "we send NTLM type 1 (negotiate), ",
        "it sends NTLM type 2 (challenge), ",
        "we send NTLM type 3 (authenticate), ",
        "NTLM is accepted",
    ]
    assert seen.steps("opener") == ["HEAD /file?...: 200 OK"]
    assert seen.lines[-3:] == ["login at the proxy", "  NTLM: accepted", "It works: 200 OK, the proxy accepted NTLM."]


@pytest.mark.servers
def test_a_login_in_plain_http(check: Check, origin: Origin, squid_basic: Squid) -> None:
    seen = check(origin.url, "--proxy", squid_basic.url_for(BOB))
    assert seen.code == 0
    assert "PROXY 127.0.0.1: we send Basic, user name and password" in seen.steps("auth")
    assert seen.conclusion == "It works: 200 OK, the proxy accepted Basic."


@pytest.mark.servers
def test_the_site_and_the_proxy_both_want_a_login(check: Check, tls_origin: Origin, squid_ntlm: Squid) -> None:
    url = f"https://{BOB.user}:pass@{tls_origin.netloc}/basic/{BOB.user}/pass"
    seen = check(url, "--proxy", squid_ntlm.url_for(ALICE))
    assert seen.code == 0
    assert seen.lines[2] == f"  site:  user {BOB.user}, from its URL"
    assert seen.conclusion == "It works: 200 OK, the proxy accepted NTLM, the site accepted Basic."


@pytest.mark.servers
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_wrong_password(check: Check, origin: Origin, tls_origin: Origin, squid_ntlm: Squid, scheme: str) -> None:
    url = origin.url if scheme == "http" else tls_origin.url
    seen = check(url, "--proxy", f"http://alice:wrong@{squid_ntlm.netloc}")
    assert seen.code == 1
    assert "  NTLM: the user name or password was refused" in seen.lines
    assert seen.conclusion == "The proxy refused the user name or password."


def test_a_wrong_password_at_the_site(check: Check, origin: Origin) -> None:
    seen = check(f"http://alice:wrong@{origin.netloc}/basic/alice/right")
    assert (seen.code, seen.conclusion) == (1, "The site refused the user name or password.")


@pytest.mark.servers
def test_nobody_to_log_in(check: Check, tls_origin: Origin, squid_ntlm: Squid) -> None:
    seen = check(tls_origin.url, "--proxy", squid_ntlm.url)
    assert seen.code == 1
    assert seen.conclusion == (
        "No scheme that the proxy offers can be served: NTLM: no user name given. "
        "A user name goes into the URL of the proxy, into netrc, or --user."
    )


def test_a_scheme_that_nobody_knows(check: Check, basic_proxy: Proxy) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "401 Unauthorized", "WWW-Authenticate: Magic", "Connection: close")

    with ScriptedPeer(script) as peer:
        seen = check(peer.url)
    assert seen.code == 1
    assert seen.conclusion == "No scheme that the site offers can be served: Magic: not supported."


def test_a_challenge_that_cannot_be_read(check: Check) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "401 Unauthorized", "Connection: close")

    with ScriptedPeer(script) as peer:
        seen = check(peer.url)
    assert "ORIGIN 127.0.0.1: wants a login, offers no scheme that can be read" in seen.steps("auth")
    assert "missing or malformed" in seen.conclusion


def test_a_proxy_that_closes_in_the_middle_of_a_login(check: Check, tls_origin: Origin) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"", "407 Proxy Authentication Required", "Proxy-Authenticate: NTLM")
        wire.read_head()
        wire.respond(
            b"", "407 Proxy Authentication Required", f"Proxy-Authenticate: NTLM {TYPE_2}", "Connection: close"
        )

    with ScriptedPeer(script) as peer:
        seen = check(tls_origin.url, "--proxy", peer.url.replace("//", f"//{ALICE.userinfo}@"))
    assert seen.code == 1
    assert seen.conclusion == (
        "The login at the proxy was not finished: NTLM: the peer closed the connection in the middle of the handshake."
    )


def test_a_407_from_a_site_is_not_told_as_a_refused_login(check: Check, tls_origin: Origin, basic_proxy: Proxy) -> None:
    seen = check(f"{tls_origin.url}/status/407", "--proxy", basic_proxy.url_with_login)
    assert seen.code == 1
    assert seen.conclusion == "The site responded 407 Proxy Authentication Required."


@pytest.mark.servers
def test_netrc_says_who_logs_in(
    check: Check, tls_origin: Origin, squid_basic: Squid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {ALICE.user} password {ALICE.password}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    seen = check(tls_origin.url, "--proxy", squid_basic.url)
    assert seen.code == 0
    assert seen.lines[1].endswith(f"; user {ALICE.user}, from netrc")


def test_a_user_name_without_a_password_may_be_a_secret(check: Check, origin: Origin) -> None:
    seen = check(f"http://t0ken@{origin.netloc}/")
    assert "t0ken" not in seen.out
    assert seen.lines[2] == "  site:  a user without a password, from its URL"


# One scheme alone


@pytest.mark.servers
@pytest.mark.parametrize(("scheme", "accepted"), [("NTLM", "NTLM"), ("basic", "Basic"), (None, "Negotiate")])
def test_one_scheme_may_be_asked_for(
    check: Check, tls_origin: Origin, apache_proxy: ApacheProxy, scheme: str | None, accepted: str
) -> None:
    proxy = apache_proxy.url("several").replace("://", f"://{ALICE.userinfo}@")
    seen = check(tls_origin.url, "--proxy", proxy, *(["--scheme", scheme] if scheme else []))
    assert seen.code == 0
    assert seen.conclusion == f"It works: 200 OK, the proxy accepted {accepted}."
    if scheme:
        assert "  Negotiate: left out by --scheme" in seen.lines


@pytest.mark.servers
def test_a_scheme_that_is_not_offered(check: Check, tls_origin: Origin, squid_ntlm: Squid) -> None:
    seen = check(tls_origin.url, "--proxy", squid_ntlm.url_for(ALICE), "--scheme", "digest")
    assert seen.code == 1
    assert seen.conclusion == "No scheme that the proxy offers can be served: NTLM: left out by --scheme."


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.servers
@pytest.mark.kerberos
def test_a_ticket_logs_in_at_the_proxy(check: Check, tls_origin: Origin, squid_negotiate: Squid) -> None:
    seen = check(tls_origin.url, "--proxy", squid_negotiate.url, "--scheme", "negotiate")
    assert any("we send Negotiate, SPNEGO with Kerberos, " in line for line in seen.steps("auth"))
    assert seen.conclusion == "It works: 200 OK, the proxy accepted Negotiate."


@pytest.mark.usefixtures("alice_ticket")
@pytest.mark.servers
@pytest.mark.kerberos
@pytest.mark.parametrize(("scheme", "code"), [(None, 1), ("negotiate", 0)])
def test_a_site_has_the_ticket_only_where_it_is_asked_for_by_name(
    check: Check, apache: Apache, scheme: str | None, code: int
) -> None:
    seen = check(f"{apache.url}/kerberos/echo", *(["--scheme", scheme] if scheme else []))
    assert seen.code == code
    assert ("  Negotiate: not enabled" in seen.lines) is (scheme is None)


@pytest.mark.servers
def test_a_password_serves_negotiate(check: Check, tls_origin: Origin, squid_negotiate_ntlm: Squid) -> None:
    seen = check(tls_origin.url, "--proxy", squid_negotiate_ntlm.url_for(ALICE), "--scheme", "negotiate")
    assert any("SPNEGO with NTLM type 3 (authenticate)" in line for line in seen.steps("auth"))
    assert seen.conclusion == "It works: 200 OK, the proxy accepted Negotiate."
