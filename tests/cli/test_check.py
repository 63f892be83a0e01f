"""`coda-network check` tells which proxy, which logins and which response, and no secret."""

from __future__ import annotations

import base64
import logging
import struct
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from support.accounts import ALICE, BOB
from support.apache import Apache, ApacheProxy
from support.certs import Authority
from support.origin import Origin
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.servers import free_port
from support.squid import Squid

from coda_network.cli import main

# A challenge of MS-NLMP 2.2.1.2 with nothing in it but a nonce and the flags for Unicode and NTLM.
TYPE_2 = base64.b64encode(
    b"NTLMSSP\0"
    + struct.pack("<IHHIIQQ", 2, 0, 0, 48, 0x00080201, 0x0123456789ABCDEF, 0)
    + struct.pack("<HHI", 0, 0, 48)
).decode()


class Outcome:
    """What one run returned and printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code = code
        self.out = out
        self.err = err
        self.lines = out.splitlines()

    @property
    def conclusion(self) -> str:
        return self.lines[-1]

    def steps(self, layer: str) -> list[str]:
        """What one layer said."""
        return [line.split(maxsplit=1)[1] for line in self.lines if line.startswith(f"  {layer} ")]


class Check:
    """Runs the command; nothing of a password may be in what it prints."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Outcome:
        code = main(["check", *arguments])
        printed = self._capsys.readouterr()
        for secret in (ALICE.password, BOB.password, BOB.userinfo.partition(":")[2], "wrong"):
            assert secret not in printed.out + printed.err
        return Outcome(code, printed.out, printed.err)


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, ca: Authority) -> Check:
    monkeypatch.setenv("SSL_CERT_FILE", str(ca.bundle))
    return Check(capsys)


# Logins


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


# Which proxy


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "none, because neither http_proxy nor all_proxy is set"),
        ({"http_proxy": "{proxy}"}, "{proxy}, named by http_proxy; no user name"),
        ({"HTTP_PROXY": "{proxy}"}, "{proxy}, named by HTTP_PROXY; no user name"),
        ({"http_proxy": "{proxy}", "HTTP_PROXY": "http://other"}, "{proxy}, named by http_proxy; no user name"),
        ({"https_proxy": "http://other"}, "none, because neither http_proxy nor all_proxy is set"),
        ({"ALL_PROXY": "{proxy}"}, "{proxy}, named by ALL_PROXY; no user name"),
        ({"ALL_PROXY": "http://other", "http_proxy": "{proxy}"}, "{proxy}, named by http_proxy; no user name"),
        (
            {"http_proxy": "http://other", "no_proxy": "example.org, 127.0.0.0/8"},
            "none, because no_proxy names this host: 127.0.0.0/8",
        ),
        ({"http_proxy": "http://other", "NO_PROXY": "*"}, "none, because NO_PROXY names this host: *"),
        (
            {"http_proxy": "http://other", "no_proxy": "*, 127.0.0.1"},
            "none, because no_proxy names this host: 127.0.0.1",
        ),
    ],
)
def test_the_choice_of_the_proxy_is_explained(
    check: Check,
    origin: Origin,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    expected: str,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(proxy=proxy.url))
    seen = check(origin.url)
    assert seen.code == 0
    assert seen.lines[1] == "  proxy: " + expected.format(proxy=proxy.url)
    assert len(proxy.requests) == expected.count("{proxy}")


def test_the_settings_of_the_system_may_exempt_a_host(
    check: Check, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": "http://127.0.0.1:1"})
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: host == origin.netloc)
    seen = check(origin.url)
    assert seen.code == 0
    assert seen.lines[1] == "  proxy: none, because the system's settings name this host"


def test_the_settings_of_the_system_may_name_a_proxy(
    check: Check, origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": proxy.url})
    seen = check(origin.url)
    assert seen.lines[1] == f"  proxy: {proxy.url}, named by the system's settings; no user name"
    assert len(proxy.requests) == 1


def test_the_proxy_of_the_command_line_comes_before_the_environment(
    check: Check, origin: Origin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert check(origin.url, "--proxy", proxy.netloc).code == 0
    assert len(proxy.requests) == 1


@pytest.mark.servers
def test_a_proxy_that_is_reached_by_tls(check: Check, origin: Origin, tls_origin: Origin, squid: Squid) -> None:
    for url in (origin.url, tls_origin.url):
        seen = check(url, "--proxy", squid.tls_url)
        assert (seen.code, seen.lines[1]) == (0, f"  proxy: {squid.tls_url}, named by --proxy; no user name")


def test_a_proxy_that_speaks_no_tls_is_told_from_one_that_does(check: Check, tls_origin: Origin, proxy: Proxy) -> None:
    seen = check(tls_origin.url, "--proxy", f"https://{proxy.netloc}")
    assert seen.code == 1
    assert "ended the connection when TLS began" in seen.conclusion

    def respond(wire: Wire) -> None:
        wire.read_exactly(1)
        wire.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with ScriptedPeer(respond) as peer:
        seen = check(tls_origin.url, "--proxy", f"https://{peer.netloc}")
    assert seen.code == 1
    assert "speaks plain text, not TLS" in seen.conclusion


def test_a_chain_is_explained_hop_by_hop(check: Check, tls_origin: Origin, proxy: Proxy) -> None:
    second = f"http://{ALICE.userinfo}@{proxy.netloc}"
    seen = check(tls_origin.url, "--proxy", proxy.url, "--proxy", second)
    assert seen.code == 0
    assert seen.lines[1:4] == [
        f"  proxy: {proxy.url} -> {proxy.url}, named by --proxy",
        f"    hop 1: {proxy.url}; no user name",
        f"    hop 2: {proxy.url}; user {ALICE.user}, from its URL",
    ]
    assert [request.method for request in proxy.requests] == ["CONNECT", "CONNECT"]


def test_the_candidates_of_a_pac_file_are_explained(check: Check, origin: Origin, proxy: Proxy, tmp_path: Path) -> None:
    dead = f"127.0.0.1:{free_port()}"
    result = f"PROXY {dead}; PROXY {proxy.netloc}; DIRECT"
    file = tmp_path / "proxy.pac"
    file.write_text(f"function FindProxyForURL(url, host) {{\n  return '{result}';\n}}\n", encoding="utf-8")
    seen = check(origin.url, "--pac", str(file))
    why = f"the PAC file {file}, line 2, returns"
    assert seen.code == 0
    assert seen.lines[1:4] == [
        f'  proxy: http://{dead}, {why} "PROXY {dead}"; no user name',
        f'  else:  http://{proxy.netloc}, {why} "PROXY {proxy.netloc}"; no user name',
        f'  else:  none, because {why} "DIRECT"',
    ]
    assert f"the route http://{dead} failed: ConnectionRefusedError" in seen.steps("opener")
    assert f"the route http://{proxy.netloc} is taken" in seen.steps("opener")
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    ("pac", "code", "message"),
    [
        ("<html>login</html>", 1, "is a page of HTML, not a PAC file"),
        ("/nowhere/proxy.pac", 1, "the PAC file /nowhere/proxy.pac cannot be had"),
        ("function FindProxyForURL(url, host) { return 'PROXI a:1'; }", 1, "an entry is DIRECT, or one of"),
    ],
)
def test_a_pac_file_that_cannot_be_used_is_told(
    check: Check, origin: Origin, pac: str, code: int, message: str
) -> None:
    seen = check(origin.url, "--pac", pac)
    assert (seen.code, message in seen.err, seen.out) == (code, True, "")
    assert origin.requests == []


def test_a_socks_proxy_that_is_not_there_is_told(check: Check, origin: Origin) -> None:
    address = f"127.0.0.1:{free_port()}"
    seen = check(origin.url, "--proxy", f"socks5://{address}")
    assert seen.code == 1
    assert seen.conclusion == f"There is no connection to the proxy {address}: Connection refused."


# Answers


@pytest.mark.parametrize(("status", "code"), [(200, 0), (204, 0), (404, 1), (500, 1)])
def test_the_exit_code_tells_whether_it_works(check: Check, origin: Origin, status: int, code: int) -> None:
    assert check(f"{origin.url}/status/{status}").code == code
    assert [request.method for request in origin.requests] == ["HEAD"]


@pytest.mark.parametrize("status", ["405 Method Not Allowed", "501 Not Implemented"])
def test_a_server_without_head_is_asked_with_get_and_its_body_left_unread(check: Check, status: str) -> None:
    def refuse(wire: Wire) -> None:
        assert wire.read_head().startswith(b"HEAD ")
        wire.send(b"HTTP/1.1 " + status.encode() + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def serve(wire: Wire) -> None:
        assert wire.read_head().startswith(b"GET ")
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegin")
        wire.read_to_end()

    with ScriptedPeer([refuse, serve]) as peer:
        seen = check(peer.url)
    assert seen.code == 0
    assert seen.steps("opener") == [f"HEAD /: {status}", "GET /: 200 OK"]


def test_redirects_are_followed(check: Check, origin: Origin, tls_origin: Origin) -> None:
    seen = check(f"{origin.url}/redirect/302?to={tls_origin.url}/there")
    assert seen.code == 0
    assert seen.steps("opener")[0] == "HEAD /redirect/302?...: 302 Found"
    assert tls_origin.requests[-1].path == "/there"


def test_a_refused_tunnel(check: Check, tls_origin: Origin) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.respond(b"not to that port", "403 Forbidden", "Connection: close")

    with ScriptedPeer(script) as peer:
        seen = check(tls_origin.url, "--proxy", peer.url)
    assert (seen.code, seen.conclusion) == (1, "The proxy refused the tunnel: 403 Forbidden.")


def test_an_error_that_may_be_the_proxys(check: Check, proxy: Proxy) -> None:
    seen = check(f"http://127.0.0.1:{free_port()}/", "--proxy", proxy.url)
    assert seen.code == 1
    assert seen.conclusion.startswith("The site or the proxy responded 50")


def test_a_proxy_that_is_not_there(check: Check, origin: Origin) -> None:
    port = free_port()
    seen = check(origin.url, "--proxy", f"127.0.0.1:{port}")
    assert seen.code == 1
    assert seen.conclusion == f"There is no connection to the proxy 127.0.0.1:{port}: Connection refused."


def test_a_certificate_that_is_not_trusted(
    check: Check, tls_origin: Origin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nobody = tmp_path / "nobody.pem"
    nobody.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(nobody))
    seen = check(tls_origin.url)
    assert seen.code == 1
    assert seen.conclusion.startswith("The certificate is not trusted: ")


def test_what_is_no_http_server(check: Check) -> None:
    def script(wire: Wire) -> None:
        wire.read_head()
        wire.send(b"SSH-2.0-none\r\n\r\n")

    with ScriptedPeer(script) as peer:
        seen = check(peer.url)
    assert seen.code == 1
    assert seen.conclusion.startswith("There is no response: ")


# The command itself


@pytest.mark.parametrize(
    "arguments",
    [
        ["ftp://127.0.0.1/"],
        ["127.0.0.1"],
        ["http://user:wrong@host:port/"],
        ["http://[::1/"],
    ],
)
def test_a_url_that_makes_no_sense_is_not_repeated(check: Check, arguments: list[str]) -> None:
    seen = check(*arguments)
    assert (seen.code, seen.out) == (2, "")
    assert seen.err == "coda-network check: a URL cannot be used; it should look like https://host/path\n"


@pytest.mark.parametrize(
    ("proxy", "message"),
    [
        ("gopher://user:wrong@127.0.0.1", "the scheme of a proxy must be one of http, https"),
        ("http://user:wrong@host:wrong", "the port in a network address is not a number"),
    ],
)
def test_a_proxy_that_makes_no_sense_is_told_and_not_repeated(check: Check, proxy: str, message: str) -> None:
    seen = check("http://127.0.0.1/", "--proxy", proxy)
    assert (seen.code, seen.out, message in seen.err) == (2, "", True)


def test_logging_is_left_as_it_was(check: Check, origin: Origin) -> None:
    log = logging.getLogger("coda_network")
    before = log.level, list(log.handlers)
    check(origin.url)
    assert (log.level, log.handlers) == before


def test_the_installed_command(origin: Origin) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "coda_network", "check", origin.url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("It works: 200 OK.\n")
