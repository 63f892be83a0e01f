"""The programs in examples/ do what they say, against servers on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.accounts import ALICE, KERBEROS_REALM
from support.apache import Apache
from support.certs import Authority
from support.nginx import Nginx
from support.origin import Origin, patterned
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy
from support.squid import Squid

PROJECT = Path(__file__).resolve().parent.parent
EXAMPLES = PROJECT / "examples"


def run(name: str, *arguments: str, **environment: str) -> tuple[int, list[str], str]:
    """Run an example as a user does; return its exit code, the lines that it printed, and its standard error."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", str(EXAMPLES / name), *arguments],
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.mark.servers
def test_a_patched_program_logs_in_to_a_proxy_and_keeps_its_connection(
    squid_ntlm: Squid, tls_origin: Origin, ca: Authority
) -> None:
    urls = [f"{tls_origin.url}/bytes/{size}" for size in (1, 70_000, 3)]
    code, lines, errors = run(
        "behind_a_proxy.py",
        *urls,
        https_proxy=squid_ntlm.url_for(ALICE, qualified=True),
        SSL_CERT_FILE=str(ca.bundle),
    )
    assert (code, errors) == (0, "")
    assert lines == [
        f"200 {size} {hashlib.sha256(patterned(size)).hexdigest()} {url}"
        for size, url in zip((1, 70_000, 3), urls, strict=True)
    ]
    assert tls_origin.connections == 1


def test_old_code_sends_its_form_and_logs_in(origin: Origin) -> None:
    code, [line], errors = run("old_urllib2.py", f"{origin.url}/basic/alice/secret", "alice", "secret")
    assert (code, errors) == (0, "")
    status, _, page = line.partition(" ")
    assert status == "200"
    assert json.loads(page)["body_sha256"] == hashlib.sha256(b"name=value").hexdigest()
    assert [seen.method for seen in origin.requests] == ["POST", "POST"]


def test_old_code_is_told_of_a_wrong_password(origin: Origin) -> None:
    code, lines, errors = run("old_urllib2.py", f"{origin.url}/basic/alice/secret", "alice", "wrong")
    assert (code, lines, errors) == (1, [f"401 Unauthorized from {origin.netloc}"], "")


@pytest.mark.servers
def test_a_download_is_made_once_and_not_again(nginx: Nginx, tmp_path: Path) -> None:
    served, place = nginx.file(300_000), tmp_path / "file"
    url = nginx.url + served.path
    code, lines, errors = run("download.py", url, str(place))
    assert (code, lines, errors) == (0, [f"300000 bytes, SHA-256 {served.sha256}"], "")
    assert hashlib.sha256(place.read_bytes()).hexdigest() == served.sha256
    assert run("download.py", url, str(place)) == (0, ["nothing new"], "")
    assert list(tmp_path.iterdir()) == [place]


def test_a_download_that_is_refused_leaves_no_file(origin: Origin, tmp_path: Path) -> None:
    assert run("download.py", f"{origin.url}/status/404", str(tmp_path / "file")) == (1, ["404 Not Found"], "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.servers
@pytest.mark.kerberos
@pytest.mark.usefixtures("alice_ticket")
def test_a_ticket_logs_in_to_proxy_and_site(apache: Apache, squid_negotiate: Squid) -> None:
    code, [line], errors = run("kerberos_site.py", f"{apache.url}/kerberos/echo", http_proxy=squid_negotiate.url)
    assert (code, errors) == (0, "")
    status, _, page = line.partition(" ")
    assert (status, json.loads(page)["REMOTE_USER"]) == ("200", f"{ALICE.user}@{KERBEROS_REALM}")


@pytest.mark.servers
@pytest.mark.kerberos
def test_without_a_ticket_the_reason_is_printed(apache: Apache, tmp_path: Path) -> None:
    nothing = f"FILE:{tmp_path}/nothing"
    code, [line, *_], errors = run("kerberos_site.py", f"{apache.url}/kerberos/echo", KRB5CCNAME=nothing)
    assert (code, errors) == (1, "")
    assert line.startswith("401 Negotiate: no ticket for HTTP@localhost")


def test_a_plain_socket_leads_through_a_proxy_with_a_login(basic_proxy: Proxy) -> None:
    def mail_server(wire: Wire) -> None:
        wire.send(b"220 mail.example ready\r\n")
        assert wire.read_exactly(6) == b"QUIT\r\n"
        wire.send(b"221 mail.example closes\r\n")

    with ScriptedPeer(mail_server) as peer:
        code, lines, errors = run(
            "plain_socket.py", "127.0.0.1", str(peer.port), https_proxy=basic_proxy.url_with_login
        )
    assert (code, lines, errors) == (0, ["220 mail.example ready", "221 mail.example closes"], "")
    assert basic_proxy.requests[-1].target == peer.netloc


def test_a_test_patches_for_itself(origin: Origin) -> None:
    code, lines, errors = run("test_with_patched.py", EXAMPLE_URL=f"{origin.url}/bytes/1000")
    assert lines == ["as a decorator: 1000", "in a block: [1000, 1000, 1000]"]
    assert (code, errors.splitlines()[-1]) == (0, "OK")
    assert origin.connections < 4  # the standard library alone would have made one for each request


def test_every_example_is_run_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.iterdir() if path.is_file() and f'"{path.name}"' not in source] == []
